"""A planted fault: a small declared edit, and how it is put into a copy of the project."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mutant:
    """`old` becomes `new` in `file`, everywhere it stands; or `edit` makes the new text of the old.

    `id` is the rubric's test that must notice; `tests` narrows it to these files (pytest's words).
    """

    id: str
    what: str
    file: str
    old: str = ""
    new: str = ""
    edit: Callable[[str], str] | None = None
    tests: str = ""


def plant(root: Path, mutant: Mutant) -> str:
    """Write the fault into `root`; the sound text. Exits where the text to change is not there."""
    path = root / mutant.file
    sound = path.read_text(encoding="utf-8") if path.exists() else ""
    if mutant.edit is None and (not mutant.old or mutant.old not in sound):
        sys.exit(f"{mutant.file}: '{mutant.old}' is not there; correct the fault '{mutant.what}'")
    broken = mutant.edit(sound) if mutant.edit else sound.replace(mutant.old, mutant.new)
    if broken == sound:
        sys.exit(f"{mutant.file}: the fault '{mutant.what}' changes nothing; correct it")
    path.write_text(broken, encoding="utf-8")
    return sound
