"""Whether the row functions that came with a bundle may be executed. A bundle's own word counts for nothing.

A bundle is hashed as a whole: `cd FOLDER && sha256sum bundle.json model.ubj usecase.json | sha256sum`. Its code
runs where the caller names this hash, which reached them by another way than the bundle. It does not run
where the checked-out use case is the same: then that is executed, and nothing of the bundle.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from plumbline.core import usecase_loader, usecase_name
from plumbline.core.declarations import Array, Columns
from plumbline.core.errors import BundleError, PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.model import bundle, carried_functions, library_versions, manifest, usecase_file
from plumbline.model.bundle import Bundle
from plumbline.model.library_versions import LibraryVerdict

VARIABLE = "PLUMBLINE_ADMIT"
"""The environment variable that names admitted hashes, with spaces or commas between them."""
HASH = re.compile(r"[0-9a-f]{64}")
SHOWN = 12
Origin = Literal["checkout", "admitted", "declared"]


@dataclass(frozen=True)
class Scorer:
    """A bundle and the use case that completes raw events for it.

    `origin`: the use case is the checkout's; the bundle's, admitted by its hash; or the bundle's, which
    has no functions to execute.
    """

    bundle: Bundle
    usecase: FeatureSet
    origin: Origin
    libraries: tuple[LibraryVerdict, ...]

    def score(self, columns: Columns) -> Array:
        """As `Bundle.score`, float64 (n,)."""
        return self.bundle.score(self.usecase, columns)


def files(folder: Path) -> list[str]:
    """The names of a bundle's files, in order."""
    names = (bundle.MANIFEST, bundle.MODEL, usecase_file.FILE)
    return [name for name in names if (folder / name).is_file()]


def digest(folder: Path) -> str:
    """The sha256 of a bundle as a whole: of the lines that `sha256sum` prints of its files."""
    names = files(folder)
    sums = [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names]
    lines = "".join(f"{one}  {name}\n" for one, name in zip(sums, names, strict=True))
    return hashlib.sha256(lines.encode()).hexdigest()


def load(folder: Path, admit: Iterable[str] = (), *, threads: int = 0) -> Scorer:
    """The bundle in `folder`, ready for raw events.

    `admit`: hashes of bundles whose code may run, beside those of `PLUMBLINE_ADMIT`. Raises BundleError
    where the bundle is damaged, a library is refused, or its code is neither the checkout's nor admitted.
    """
    hashes = {*map(checked, admit), *from_environment()}
    loaded = bundle.load(folder, threads=threads)
    verdicts = library_versions.compared(loaded.carried.libraries if loaded.carried else {})
    library_versions.refuse(loaded.usecase, verdicts)
    own, problem = _checkout(loaded)
    if own:
        return Scorer(loaded, own, "checkout", tuple(verdicts))
    if loaded.carried is None:
        raise BundleError(_without(loaded, problem))
    if loaded.carried.functions and digest(folder) not in hashes:
        raise BundleError(_unadmitted(folder, loaded, problem, hashes))
    origin: Origin = "admitted" if loaded.carried.functions else "declared"
    return Scorer(loaded, usecase_file.built(loaded.carried), origin, tuple(verdicts))


def checked(text: str) -> str:
    """A hash as it was typed, in lower case; PlumblineError for what is none."""
    if not HASH.fullmatch(text.strip().lower()):
        raise PlumblineError(
            f"admit {text[:70]}: expected a bundle's whole hash, 64 hexadecimal digits, from who made it"
        )
    return text.strip().lower()


def from_environment() -> set[str]:
    """The hashes in `PLUMBLINE_ADMIT`."""
    return {checked(word) for word in re.split(r"[\s,]+", os.environ.get(VARIABLE, "")) if word}


def same_code(loaded: Bundle, usecase: FeatureSet) -> bool:
    """Whether a use case's features are those that came with the bundle, constants and helpers included.

    A bundle from before it carried them is held against what its manifest says of them.
    """
    if manifest.definitions(usecase) != loaded.manifest.definitions:
        return False
    table = carried_functions.describe(row.function for row in usecase.rows)[1]
    return loaded.carried is None or table == loaded.carried.functions


def _checkout(loaded: Bundle) -> tuple[FeatureSet | None, str]:
    """The use case of that name that can be imported, where it is the bundle's; else why there is none."""
    name = loaded.usecase
    if find_spec("usecases") is None:
        return None, "no project is checked out here"
    try:
        if find_spec(f"usecases.{usecase_name.check(name)}") is None:
            return None, f"usecases/ here has no {name}"
        usecase = usecase_loader.load_features(name)
    except PlumblineError as error:
        return None, str(error).splitlines()[0]
    if same_code(loaded, usecase):
        return usecase, ""
    return None, f"usecases/{name} here declares other features"


def _without(loaded: Bundle, problem: str) -> str:
    return (
        f"the bundle of '{loaded.usecase}' is from before bundles carried their use case, and {problem}: "
        "run this in a checkout of the model's commit, or train again"
    )


def _unadmitted(folder: Path, loaded: Bundle, problem: str, hashes: set[str]) -> str:
    count = len(loaded.carried.functions) if loaded.carried else 0
    given = f"{len(hashes)} other hashes were admitted" if hashes else "no hash was admitted"
    return (
        f"the bundle of '{loaded.usecase}' brings {count} functions, which are not executed: "
        f"{given}, {problem}. Its hash begins {digest(folder)[:SHOWN]}: compare it with the hash that its "
        f"maker published by another way, and pass that with --admit or in {VARIABLE}"
    )
