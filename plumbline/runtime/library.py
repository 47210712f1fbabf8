"""The library's code as a stage's input where a project installs the library: a fingerprint per stage.

In such a project no `plumbline/` can be a dep. environment/library.json has, by stage, the parts of the library
that the stage reaches and the md5 of their files; dvc.yaml tracks the md5 as a param of the stage. `plumbline sync`
writes the file (plumbline/repo/library_file.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import plumbline
from plumbline.core.errors import PlumblineError
from plumbline.core.hashing import md5_bytes
from plumbline.runtime.dvc_yaml import DeclaredStage

NAME = "plumbline"
FILE = "environment/library.json"
PINS = "requirements-library.txt"
"""Where such a project names the version of the library that it installs."""
MD5S = "library-code"
"""The key of the fingerprints: with a hyphen, so that no use case has it."""
PARTS = "parts"
PACKAGE = Path(plumbline.__file__).resolve().parent
"""The library that runs: installed, or of a checkout."""
PIPELINE = "pipeline"
"""Its package with a file per stage: of it a stage reaches its own file alone."""
NOT_CODE = ("__pycache__",)
SYNC = "run `plumbline sync`, then `dvc repro`: the stages whose code is another run again"


def tracked(stage: DeclaredStage) -> bool:
    """Whether a stage has the library's fingerprint as a param."""
    return FILE in stage.params


def fingerprint(parts: Iterable[str]) -> str:
    """The md5 of the names and bytes of all files in these parts of the library."""
    return md5_bytes("".join(_part(part) for part in sorted(parts)).encode())


def refuse(stage: str, declared: DeclaredStage, root: Path = Path(".")) -> None:
    """PlumblineError where the installed library is not the one that environment/library.json notes of a stage."""
    if not tracked(declared):
        return
    recorded = read(root)
    parts = _of(recorded, PARTS).get(stage, ())
    if not parts or fingerprint(parts) != noted(recorded, stage):
        raise PlumblineError(
            f"{FILE}: stage '{stage}': expected the library's code as noted there "
            f"({recorded.get('version', 'no version')}), found another "
            f"({version()} is installed); {SYNC}"
        )


def read(root: Path) -> dict[str, Any]:
    """What the file has; empty without it, PlumblineError where it is damaged."""
    path = root / FILE
    return parse(path.read_text(encoding="utf-8"), str(path)) if path.is_file() else {}


def parse(text: str, file: str = FILE) -> dict[str, Any]:
    """What a text of the file has; empty of an empty one, PlumblineError where it is damaged."""
    try:
        content = json.loads(text or "{}")
    except ValueError as error:
        raise PlumblineError(f"{file}: not valid JSON ({error}); run `plumbline sync`") from None
    return content if isinstance(content, dict) else {}


def param(stage: str) -> str:
    """The dotted key by which dvc.yaml and dvc.lock name a stage's fingerprint."""
    return f"{MD5S}.{stage}"


def noted(recorded: Mapping[str, Any], stage: str) -> str | None:
    """The fingerprint that the file has of a stage."""
    return _of(recorded, MD5S).get(stage)


def differing(recorded: Mapping[str, Any]) -> list[str]:
    """The library that the file notes, with what is installed instead; nothing where it is that one."""
    parts = _of(recorded, PARTS)
    if all(fingerprint(named) == noted(recorded, stage) for stage, named in parts.items()):
        return []
    before, now = recorded.get("version", "none"), version()
    instead = now if now != before else f"{now} with other code"
    return [f"{NAME} {before} (installed: {instead})"]


def version() -> str:
    """The library's version."""
    from plumbline.model.version import VERSION

    return VERSION


def _of(recorded: Mapping[str, Any], section: str) -> dict[str, Any]:
    named = recorded.get(section)
    return named if isinstance(named, dict) else {}


@cache
def _part(part: str) -> str:
    path = PACKAGE / part
    files = sorted(_files(path)) if path.is_dir() else [path] if path.is_file() else []
    return "".join(f"{_name(file)} {md5_bytes(file.read_bytes())}\n" for file in files)


def _name(file: Path) -> str:
    return file.relative_to(PACKAGE).as_posix()


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".pyc" and not set(NOT_CODE) & set(path.parts):
            yield path
