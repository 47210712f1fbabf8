"""environment/template.json: what the library wrote into a project, so that `upgrade` can tell a team's edits. An edge."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from plumbline.core.errors import PlumblineError
from plumbline.core.files import replacing
from plumbline.ops.init import texts
from plumbline.runtime import libraries, library

FILE = "environment/template.json"


@dataclass(frozen=True)
class Written:
    """The library's version, the texts that it wrote by path, and of each lock the versions by package."""

    version: str
    files: Mapping[str, str] = field(default_factory=dict)
    locks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def write(root: Path, files: Mapping[str, str]) -> None:
    """Note what this library wrote."""
    locks = {path: libraries.versions(text) for path, text in texts.locks().items()}
    content = {"version": library.version(), "files": dict(files), "locks": locks}
    with replacing(root / FILE) as beside:
        beside.write_text(
            json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8"
        )


def read(root: Path) -> Written:
    """What was noted; PlumblineError where there is no such file, or it is damaged."""
    path = root / FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Written(content["version"], _texts(content["files"]), content["locks"])
    except FileNotFoundError:
        raise PlumblineError(
            f"{path}: no such file; `plumbline init` writes it: run this in the root of a project that it wrote"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PlumblineError(
            f"{path}: damaged ({type(error).__name__}: {error}); restore it with `git checkout`"
        ) from None


def _texts(files: Mapping[str, str]) -> Mapping[str, str]:
    """The texts by path; ValueError for a path that leads out of the project."""
    for path, text in files.items():
        parts = PurePosixPath(path).parts
        if not isinstance(text, str) or PurePosixPath(path).is_absolute() or ".." in parts:
            raise ValueError(f"{path[:80]}: expected a path in the project and a text")
    return files
