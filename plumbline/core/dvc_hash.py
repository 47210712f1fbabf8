"""The md5s of files and folders as DVC writes them, computed or read; the graph of dvc.yaml."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from plumbline.core.errors import PlumblineError

CHUNK = 1 << 20
PLACE = "${item.usecase}"


@dataclass(frozen=True)
class Stage:
    """The paths that a stage reads and writes for one use case; no plots."""

    deps: tuple[str, ...]
    outs: tuple[str, ...]
    metrics: tuple[str, ...] = ()


def md5(path: Path) -> str:
    """DVC's md5 of a file, or of a folder (ends in ".dir"); PlumblineError where there is neither."""
    if path.is_dir():
        return md5_folder(path)
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    except FileNotFoundError:
        raise PlumblineError(f"{path}: no such file; run `dvc repro` or `dvc checkout`") from None
    return digest.hexdigest()


def md5_folder(path: Path) -> str:
    """The md5 of DVC's listing of a folder: each file's md5 and relative path, in path order."""
    files = {p.relative_to(path).as_posix(): p for p in path.rglob("*") if p.is_file()}
    listing = [{"md5": md5(files[name]), "relpath": name} for name in sorted(files)]
    return md5_text(json.dumps(listing, sort_keys=True)) + ".dir"


def md5_text(text: str) -> str:
    """The md5 of a text in UTF-8."""
    return hashlib.md5(text.encode("utf-8"), usedforsecurity=False).hexdigest()


def locked(usecase: str, path: Path = Path("dvc.lock")) -> dict[str, str]:
    """The md5 of every out of the use case's stages, by path, as dvc.lock has it; none without one.

    Raises PlumblineError where the file is not what DVC writes.
    """
    stages = _stages(path)
    try:
        mine = [s for name, s in stages.items() if name.endswith(f"@{usecase}")]
        return {out["path"]: out["md5"] for stage in mine for out in stage.get("outs", ())}
    except (AttributeError, KeyError, TypeError) as error:
        raise PlumblineError(
            f"{path}: damaged ({error!r}); restore it with `git checkout`"
        ) from None


def graph(usecase: str, path: Path = Path("dvc.yaml")) -> dict[str, Stage]:
    """The stages of dvc.yaml for one use case; none without the file."""
    return {
        name: Stage(*(_paths(stage.get(key, ()), usecase) for key in ("deps", "outs", "metrics")))
        for name, stage in _stages(path).items()
    }


def upstream(stages: Mapping[str, Stage], name: str) -> list[str]:
    """The outs of other stages that `name` was made from, directly or not, in the stages' order."""
    makers = {out: stage for stage in stages.values() for out in stage.outs}
    found: set[str] = set()
    todo = [stages[name]] if name in stages else []
    while todo:
        new = {p for p in todo.pop().deps if p in makers} - found
        found |= new
        todo += [makers[p] for p in sorted(new)]
    return [out for out in makers if out in found]


def _stages(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        whole = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise PlumblineError(
            f"{path}: not valid YAML ({' '.join(str(error).split())}); restore it with `git checkout`"
        ) from None
    stages = whole.get("stages") if isinstance(whole, dict) else None
    return stages if isinstance(stages, dict) else {}


def _paths(entries: Any, usecase: str) -> tuple[str, ...]:
    """Each entry is a path, or a mapping from the path to its options."""
    names = [next(iter(e)) if isinstance(e, dict) else e for e in entries]
    return tuple(str(n).replace(PLACE, usecase) for n in names)
