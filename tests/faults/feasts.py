"""Faults of Feast's files: its registry and online store, damaged, gone or locked."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.features import assemble, ibis_session, store
from tests.conftest import ROOT
from tests.faults.kit import REFUSED, SILENT, Answer, Bench, Fault
from tests.small import AS_OF, SMALL, event, write

IDS = {"who_id": ["p1", "p2"], "place_id": [1, 2]}


def make(folder: Path) -> Path:
    """A store with the small use case applied and materialized, and its snapshots beside it."""
    from datetime import datetime

    rows = [
        event(i, datetime(2025, 3, 1 + i % 17, 10), who_id=f"p{i % 5}", place_id=i % 3)
        for i in range(60)
    ]
    write(rows, folder / "valid")
    (folder / "snapshots").mkdir()
    with ibis_session.connection() as backend:
        events, outcomes = ibis_session.read(backend, SMALL, folder / "valid")
        events, outcomes = assemble.visible(backend, SMALL, events, outcomes, AS_OF)
        assemble.write_snapshots(backend, SMALL, events, outcomes, AS_OF, folder / "snapshots")
    (folder / "store").mkdir()
    shutil.copy(ROOT / "feature_store" / "feature_store.yaml", folder / "store")
    rebuild(folder)
    return folder


def rebuild(folder: Path) -> None:
    """As `features materialize` does."""
    store.apply(SMALL, folder / "store", folder / "snapshots")
    store.materialize(SMALL, AS_OF, folder / "store")


def read(folder: Path) -> object:
    """What a request gets."""
    return store.online(SMALL, IDS, folder / "store")


def ended(command: str, act: Callable[[], object]) -> Answer:
    """What an act says that must be refused."""
    try:
        result = act()
    except PlumblineError as error:
        return Answer(command, str(error), REFUSED)
    return Answer(command, f"went on: {result}", SILENT)


@contextmanager
def overwritten(file: Path) -> Iterator[None]:
    """Other bytes in it."""
    file.write_bytes(b"no such thing " * 100)
    yield


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Another process writes to it."""
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        yield


@contextmanager
def gone(file: Path) -> Iterator[None]:
    """Not there."""
    file.unlink()
    yield


def fault(name: str, damage: Callable[..., object], act: str, bench: Bench) -> Answer:
    """Refused; and with the files removed, made again with the same values."""
    folder = bench.feast()
    before = read(folder)
    acts = {"read online": partial(read, folder), "materialize": partial(rebuild, folder)}
    with damage(folder / "store" / name):
        answer = ended(act, acts[act])
    for file in (folder / "store").glob("*.db*"):
        file.unlink()
    rebuild(folder)
    good = answer.verdict == REFUSED and read(folder) == before
    return Answer(f"features: {act}", answer.output, f"{REFUSED}, made again" if good else SILENT)


def faults() -> Iterator[Fault]:
    """All of them."""
    kinds = (
        ("registry.db", overwritten, "materialize"),
        ("registry.db", overwritten, "read online"),
        ("registry.db", gone, "read online"),
        ("online.db", overwritten, "materialize"),
        ("online.db", overwritten, "read online"),
        ("online.db", gone, "read online"),
        ("online.db", locked, "materialize"),
    )
    for name, damage, act in kinds:
        words = f"Feast's {name} {damage.__name__}, {act}"
        yield Fault(words, "feature_store", partial(fault, name, damage, act))
