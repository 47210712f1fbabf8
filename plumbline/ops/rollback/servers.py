"""A feature store on servers in a rollback: refused or kept before, brought to the commit, put back.

What it held, and its settings, are kept in `.plumbline`: an undo needs no file of either commit. The
target's values are those of the embedded store, which the target's own code has filled.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.features.store import REPOSITORY
from plumbline.ops.online_store import server, settings
from plumbline.ops.online_store.server import State
from plumbline.ops.online_store.settings import Settings
from plumbline.ops.rollback import journal
from plumbline.ops.rollback.journal import Journal
from plumbline.repo import artifacts, revisions
from plumbline.repo.artifacts import Role

FOLDER = "online_store"
STATE = "state"


def begin(root: Path, name: str) -> None:
    """Make sure that the store answers and can be written, and keep its settings; PlumblineError if not.

    What the steps need is imported now, while this code is there.
    """
    own = settings.load(root, name)
    with server.opened(own):
        pass
    folder = _folder(root)
    folder.mkdir(mode=0o700, exist_ok=True)
    shutil.copyfile(own.folder / settings.FILE, folder / settings.FILE)


def keep(root: Path, name: str, current: Journal) -> None:
    """Keep the definitions and values that the store holds of all use cases of both commits."""
    with server.opened(_kept(root, name)) as opened:
        server.keep(opened, _usecases(root, current), _folder(root) / STATE)


def publish(root: Path, name: str, current: Journal, usecases: Collection[str]) -> str:
    """Bring the store to the values that the embedded one has of these use cases; returns the proof."""
    state = server.embedded(root, root / REPOSITORY, usecases) if usecases else server.EMPTY
    with server.opened(_kept(root, name)) as opened:
        return server.publish(opened, state, _usecases(root, current), _folder(root) / STATE)


def put_back(root: Path, name: str, current: Journal) -> None:
    """What was kept, where the store was touched since; PlumblineError where it is not there any more."""
    folder = _folder(root) / STATE
    if not (folder / server.DEFINITIONS).is_file():
        raise PlumblineError(
            f"feature store '{name}': {folder} is gone, which kept what it held; check out the commit that "
            f"it is to serve, and run `plumbline features materialize USECASE --store {name}`"
        )
    if server.touched(folder) is not None:
        with server.opened(_kept(root, name)) as opened:
            server.put_back(opened, _usecases(root, current), folder)


def describe(root: Path, current: Journal) -> Iterator[str]:
    """How much of the store is not as before the rollback."""
    name = current.store
    if name is None:
        return
    tables = server.touched(_folder(root) / STATE) if "features" in current.steps else None
    if tables is None:
        forget(root)
        yield f"feature store '{name}' was not touched"
        return
    try:
        with server.opened(_kept(root, name), write=False) as opened:
            state: State = server.kept(opened, _folder(root) / STATE)
            views = server.differences(opened, state, tables)
    except PlumblineError as error:
        yield f"{error}; it was being written, and what it holds is not known"
        return
    for view, (count, differing) in views.items():
        yield (
            f"feature store '{name}', view {view}: {differing:,} of {count:,} entities are not as "
            "before the rollback"
        )
    yield f"what it held is kept in {_folder(root) / STATE} until the next rollback"
    yield f"`plumbline features materialize USECASE --store {name}` writes this commit's values"


def forget(root: Path) -> None:
    """Remove what was kept: the rollback has ended, and the store's file may hold a password."""
    shutil.rmtree(_folder(root), ignore_errors=True)


def _usecases(root: Path, current: Journal) -> list[str]:
    """Those with histories at either commit."""
    commits = (current.start.commit, current.target.commit)
    found = (artifacts.by_usecase(revisions.outs(root, c), Role.SNAPSHOTS) for c in commits)
    return sorted({usecase for outs in found for usecase in outs})


def _kept(root: Path, name: str) -> Settings:
    return settings.read(_folder(root) / settings.FILE, name)


def _folder(root: Path) -> Path:
    return journal.folder(root) / FOLDER
