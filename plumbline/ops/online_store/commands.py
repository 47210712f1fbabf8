"""What the commands do with a feature store on servers: fill it from the snapshots, or check it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from plumbline.core.usecase import FeatureSet
from plumbline.features import definitions, shared_views, store
from plumbline.ops.online_store import connection, registry_definitions, server
from plumbline.ops.online_store import settings as stores
from plumbline.ops.online_store.server import State


def apply(root: Path, name: str, usecase: FeatureSet, snapshots: Path) -> None:
    """Write the use case's definitions to the store's registry; its values stay."""
    settings = stores.load(root, name)
    with (
        server.opened(settings) as target,
        _filled(root, usecase, snapshots, None) as state,
        connection.errors(settings),
    ):
        _refuse_unkept(target.feast, usecase, snapshots)
        registry_definitions.apply(target.feast, state.definitions)


def materialize(root: Path, name: str, usecase: FeatureSet, snapshots: Path, day: date) -> str:
    """Bring the store to the day's values, whatever it held, and compare; returns the proof."""
    settings = stores.load(root, name)
    with server.opened(settings) as target, _filled(root, usecase, snapshots, day) as state:
        with connection.errors(settings):
            _refuse_unkept(target.feast, usecase, snapshots)
        return server.publish(target, state, [usecase.name], None)


def check(
    root: Path, name: str, usecase: FeatureSet, snapshots: Path, day: date
) -> dict[str, tuple[int, int]]:
    """By view: entities of the day's values, and how many of them the store serves otherwise."""
    opened = server.opened(stores.load(root, name), write=False)
    with opened as target, _filled(root, usecase, snapshots, day) as state:
        held = registry_definitions.read(target.feast, [usecase.name])
        return server.differences(
            target, state, registry_definitions.tables(state.definitions, held)
        )


def _refuse_unkept(feast: Any, usecase: FeatureSet, snapshots: Path) -> None:
    """PlumblineError where the store does not hold the views that another use case keeps, or holds others."""
    declared = definitions.build(usecase, snapshots.resolve())
    shared_views.own(feast, usecase, declared, elsewhere=True)


@contextmanager
def _filled(root: Path, usecase: FeatureSet, snapshots: Path, day: date | None) -> Iterator[State]:
    """The use case's definitions, and the values of a day, in an embedded store of its own."""
    with tempfile.TemporaryDirectory(prefix="plumbline-feast-") as name:
        scratch = Path(name)
        shutil.copy(root / store.REPOSITORY / stores.FILE, scratch)
        store.apply(usecase, scratch, snapshots.resolve(), alone=True)
        if day:
            store.materialize(usecase, day, scratch)
        yield server.embedded(root, scratch, [usecase.name])
