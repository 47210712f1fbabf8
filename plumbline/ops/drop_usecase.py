"""A use case removed from the work tree and from what is made of it: git's and DVC's history keep it.

An edge: removes files, an alias of MLflow, definitions of the embedded feature store.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from plumbline.config import read
from plumbline.core import dvc_hash, usecase_name
from plumbline.core.errors import PlumblineError, suggest
from plumbline.core.files import replacing
from plumbline.features.store import REPOSITORY
from plumbline.ops import params_text
from plumbline.repo import products, revisions
from plumbline.repo.tracked_outs import Out
from plumbline.runtime import dvc_lock, dvc_yaml, git

BYTECODE = "__pycache__"


@dataclass(frozen=True)
class DroppedUsecase:
    """What is to go: folders and files that are there, and entries of dvc.lock."""

    name: str
    paths: tuple[str, ...]
    entries: tuple[str, ...]


def plan(root: Path, name: str) -> DroppedUsecase:
    """What there is of the use case. Changes nothing.

    PlumblineError where there is none of this name, or where something of it is in no history: not
    committed, not in DVC's cache, or ignored by git.
    """
    usecase_name.check(name)
    git.require(root)
    settings = read(root / dvc_yaml.PARAMS)
    paths = _paths(root, name)
    if name not in settings and not (root / "usecases" / name).exists():
        known = [str(u) for u in settings["usecases"]]
        raise PlumblineError(f"'{name}': no such use case here; {suggest(name, known)}")
    _refuse_uncommitted(root, name, paths)
    entries = dvc_lock.parse(_text(root / dvc_lock.FILE))
    own = {n: e for n, e in entries.items() if n.partition("@")[2] == name}
    _refuse_lost(root, name, paths, own)
    return DroppedUsecase(name, tuple(paths), tuple(own))


def drop(root: Path, planned: DroppedUsecase) -> Iterator[str]:
    """Remove it; a line per thing that went, or could not be reached."""
    params, name = root / dvc_yaml.PARAMS, planned.name
    text, settings = params.read_text(encoding="utf-8"), read(params)
    names = [str(u) for u in settings["usecases"] if u != name]
    text = params_text.without_section(params_text.with_names(text, names), name)
    yield from _registrations(root, name)
    _write(params, text)
    yield f"{dvc_yaml.PARAMS}: section {name} removed, and its name in usecases"
    if planned.entries:
        lock = _text(root / dvc_lock.FILE)
        for entry in planned.entries:
            lock = dvc_lock.with_block(lock, entry, "")
        _write(root / dvc_lock.FILE, lock)
        yield f"{dvc_lock.FILE}: {len(planned.entries)} entries removed"
    for path in planned.paths:
        _remove(root / path)
        yield f"{path}: removed"


def _paths(root: Path, name: str) -> list[str]:
    """The folders and files that bear its name, where the stages read and write: those that are there.

    With those beside them: the records of its runs, say.
    """
    stages = dvc_yaml.of_usecase(dvc_yaml.read(root), name).values()
    listed = [f"usecases/{name}", *(p for s in stages for p in (*s.deps, *s.paths))]
    own = dict.fromkeys(path for p in listed if (path := _own(p, name)))
    beside = {p for o in own for p in (root / o).parent.glob(f"{name}.*")}
    own |= dict.fromkeys(sorted(p.relative_to(root).as_posix() for p in beside))
    return [path for path in own if (root / path).exists()]


def _own(path: str, name: str) -> str:
    """A path up to the part that is the use case's name, or its name with an ending.

    >>> _own("data/toy/tables/train.parquet", "toy"), _own("profiles/toy.json", "toy"), _own("plumbline/core", "toy")
    ('data/toy', 'profiles/toy.json', '')
    """
    parts = path.split("/")
    for place, part in enumerate(parts):
        if part == name or part.startswith(f"{name}."):
            return "/".join(parts[: place + 1])
    return ""


def _refuse_uncommitted(root: Path, name: str, paths: Sequence[str]) -> None:
    """PlumblineError where git has not what is to be removed; what only a run made is looked at elsewhere."""
    files = [*paths, dvc_yaml.PARAMS, dvc_lock.FILE]
    changed = [line[3:] for line in git.lines(root, "status", "--porcelain", "--", *files)]
    if changed:
        raise PlumblineError(
            f"drop {name}: not committed: {_some(changed)}; commit or restore it first, so that history has it"
        )
    sources = [p for p in paths if p.split("/")[0] not in products.OUTS]
    arguments = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--", *sources)
    tracked = {out.path for out in revisions.outs(root, revisions.WORK_TREE) if out.cached}
    ignored = [p for p in git.names(root, *arguments) if BYTECODE not in p and p not in tracked]
    if ignored:
        raise PlumblineError(
            f"drop {name}: ignored by git, so in no history: {_some(ignored)}; move it away, or `dvc add` it"
        )


def _refuse_lost(root: Path, name: str, paths: Sequence[str], entries: dvc_lock.Entries) -> None:
    """PlumblineError where an out is not as dvc.lock records it, or the cache lacks its bytes."""
    declared = dvc_yaml.of_usecase(dvc_yaml.read(root), name)
    in_git = {p for stage in declared.values() for p in stage.in_git}
    outs = [Out(dvc_lock.FILE, n, p, md5) for n, e in entries.items() for p, md5 in e.outs.items()]
    pointed = [o for o in revisions.outs(root, revisions.WORK_TREE) if o.file.endswith(".dvc")]
    inside = tuple(f"{path}/" for path in paths)
    outs = [o for o in outs if o.path not in in_git] + [
        o for o in pointed if o.cached and o.path.startswith(inside)
    ]
    for out in outs:
        if not (root / out.path).exists():
            continue
        if dvc_hash.md5(root / out.path) != out.md5:
            raise PlumblineError(
                f"drop {name}: {out.path} is not as {out.file} records it; `dvc checkout` restores it, or run "
                "`dvc repro` and commit"
            )
        if products.stored(root, out) is None:
            raise PlumblineError(
                f"drop {name}: DVC's cache lacks bytes of {out.path}, so that no rollback could bring it back; "
                f"run `dvc commit {out.path}`, then drop it"
            )


def _registrations(root: Path, name: str) -> Iterator[str]:
    """MLflow's alias and the embedded feature store's definitions; what cannot be reached is named."""
    from plumbline.ops.rollback import plan as registered
    from plumbline.ops.rollback import registry

    try:
        champion = registered.champion(registry.versions(root, name))
        if champion:
            registry.point(root, name, None)
            yield f"MLflow: the alias {registered.CHAMPION} of {name} removed; its versions stay"
    except PlumblineError as error:
        yield f"MLflow: the alias of {name} stays: {error}"
    if (root / REPOSITORY / "registry.db").exists():
        yield from _definitions(root, name)


def _definitions(root: Path, name: str) -> Iterator[str]:
    """Views, entities and the service that Feast's embedded registry has, and their online values."""
    from plumbline.features import store
    from plumbline.ops.online_store import registry_definitions

    opened = store.opened(root / REPOSITORY)
    held = registry_definitions.read(opened, [name])
    if not (held.views or held.services or held.entities):
        return
    registry_definitions.drop(opened, registry_definitions.Definitions((), (), ()), [name])
    with closing(sqlite3.connect(root / REPOSITORY / "online.db")) as connection:
        for view in held.views:
            table = f"{opened.project}_{view.name}".replace('"', '""')
            connection.execute(f'DROP TABLE IF EXISTS "{table}"')
        connection.commit()
    yield f"Feast: {len(held.views)} views of {name} removed"


def _write(path: Path, text: str) -> None:
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _some(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
