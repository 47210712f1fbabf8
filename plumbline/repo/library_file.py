"""environment/library.json: by stage the parts of the installed library that it reaches, and their md5. An edge.

A part is a package (`core`, `validate`), and of `pipeline` the stage's own file. See plumbline/runtime/library.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.core.files import write_json
from plumbline.repo import environment_files, python_imports
from plumbline.runtime import dvc_yaml, library
from plumbline.runtime.library import FILE, MD5S, PARTS


def expected(root: Path) -> dict[str, Any]:
    """What the file should have; empty where no stage of dvc.yaml tracks it."""
    parts = {stage: _parts(root, starts) for stage, starts in _starts(root).items()}
    if not parts:
        return {}
    md5s = {stage: library.fingerprint(named) for stage, named in parts.items()}
    return {"version": library.version(), MD5S: md5s, PARTS: parts}


def write(root: Path) -> bool:
    """Write the file where it is not as it should be; whether it was written."""
    content = expected(root)
    if not content or content == library.read(root):
        return False
    write_json(root / FILE, content)
    return True


def sync(root: Path) -> list[str]:
    """Write all of environment/ that is not as it should be: the stages' pins and the library; the paths written."""
    return [*environment_files.write(root), *([FILE] if write(root) else [])]


def stale(root: Path) -> list[str]:
    """Where the file is not what the installed library gives: the stages whose code differs."""
    content, recorded = expected(root), library.read(root)
    if not content or content == recorded:
        return []
    before, now = (side.get(MD5S) or {} for side in (recorded, content))
    stages = [name for name in now if now[name] != before.get(name)]
    names = ", ".join(stages) or "no stage, but it is not as it is written"
    versions = f"noted {recorded.get('version', 'none')}, installed {content['version']}"
    return [f"{FILE}: the library's code differs for {names} ({versions})"]


def _starts(root: Path) -> dict[str, list[Path]]:
    """By a stage's name in dvc.yaml that tracks the file, its own Python file."""
    graph = dvc_yaml.read(root)
    listed = dvc_yaml.of_usecase(graph, "any")
    return {
        name: [root / dep for dep in stage.deps if _is_run(dep, stage.cmd)]
        for name, stage in listed.items()
        if library.tracked(stage)
    }


def _is_run(dep: str, command: str) -> bool:
    """Whether a dep is the module of a command `python -m MODULE ...`."""
    return Path(dep).suffix == ".py" and f" {dep[:-3].replace('/', '.')} " in f"{command} "


def _parts(root: Path, starts: Iterable[Path]) -> list[str]:
    missing = [str(path) for path in starts if not path.is_file()]
    if missing:
        raise PlumblineError(
            f"{missing[0]}: no such file, which dvc.yaml has as a dep; restore it with `git checkout`"
        )
    reached = python_imports.reached(starts, root)
    names = (path.relative_to(library.PACKAGE).parts for path in reached if _inside(path))
    return sorted({_part(name) for name in names if name[-1] != "__init__.py" or len(name) > 1})


def _inside(path: Path) -> bool:
    return path.is_relative_to(library.PACKAGE)


def _part(name: tuple[str, ...]) -> str:
    """The package that a file is in; of the pipeline the file itself."""
    return "/".join(name[:2]) if name[0] == library.PIPELINE else name[0]
