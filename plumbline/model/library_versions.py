"""The versions of the libraries that made a bundle, held against those installed here."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module, metadata
from typing import Literal

from plumbline.core.errors import BundleError
from plumbline.model import library
from plumbline.model.carried_functions import Carried

ALWAYS = ("numpy", "xgboost")
"""What every bundle is scored with."""
Verdict = Literal["same", "compatible", "refused"]


@dataclass(frozen=True)
class LibraryVerdict:
    """One library: the version that made the bundle, the one here (None: none), and the verdict."""

    name: str
    expected: str
    found: str | None
    verdict: Verdict

    def __str__(self) -> str:
        return f"{self.name} {self.expected} made it, {self.found or 'none'} is installed"


def used(table: Carried) -> dict[str, str]:
    """The versions of what scores a bundle: `ALWAYS`, and the libraries that its row functions read.

    Python's own modules have none of their own.
    """
    bindings = [b for one in table.values() for b in one.names.values() if "module" in b]
    names = {*ALWAYS, *(str(b["module"]).split(".")[0] for b in bindings)}
    versions = {name: version(name) for name in sorted(names)}
    return {name: found for name, found in versions.items() if found}


def version(name: str) -> str | None:
    """A module's version here; None where it is not installed. Nothing is imported but `ALWAYS`."""
    if name in ALWAYS:
        library.load()
        return str(import_module(name).__version__)
    if not name.isidentifier() or name in sys.stdlib_module_names:
        return None
    owners = metadata.packages_distributions().get(name, ())
    return metadata.version(owners[0]) if owners else None


def compared(recorded: Mapping[str, str]) -> list[LibraryVerdict]:
    """Each recorded library against the one here.

    The same version: same. A later one of the same major version, as both are kept readable: compatible.
    An earlier one, another major version or none: refused.
    """
    found = {name: version(name) for name in recorded}
    return [LibraryVerdict(n, v, found[n], verdict(v, found[n])) for n, v in recorded.items()]


def verdict(expected: str, found: str | None) -> Verdict:
    """Of one library.

    >>> verdict("3.2.0", "3.2.0"), verdict("3.2.0", "3.3.1"), verdict("3.2.0", "3.1.9")
    ('same', 'compatible', 'refused')
    """
    if found == expected:
        return "same"
    wanted, here = _numbers(expected), _numbers(found or "")
    return "compatible" if here and here[:1] == wanted[:1] and here >= wanted else "refused"


def refuse(usecase: str, verdicts: list[LibraryVerdict]) -> None:
    """BundleError where a library is refused: expected, found, remedy."""
    refused = [one for one in verdicts if one.verdict == "refused"]
    if refused:
        wanted = " ".join(f"'{one.name}=={one.expected}'" for one in refused)
        raise BundleError(
            f"the bundle of '{usecase}' is not scored with these libraries: "
            f"{'; '.join(map(str, refused))}. Install what made it ({wanted}), or a later version of the "
            "same major, or train again"
        )


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(_leading(text))


def _leading(text: str) -> Iterator[int]:
    for part in text.split("."):
        if not part.isdigit():
            return
        yield int(part)
