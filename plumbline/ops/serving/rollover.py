"""Write the histories as a service has them at midnight to Feast's online store: embedded, or on servers.

The state is folded anew from tiles, checkpoint and log, beside the service, which needs no Feast. Whoever reads the
store sees the values before or after; ids that the state does not have any more are removed.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq

from plumbline import config
from plumbline.core.usecase import FeatureSet
from plumbline.features import catalog, store
from plumbline.ops.online_store import commands, server
from plumbline.ops.online_store import settings as stores
from plumbline.ops.serving import places
from plumbline.repo import artifacts
from plumbline.serve import seed
from plumbline.serve.state import embedded, log_tail, midnight
from plumbline.serve.state.memory import MemoryState

NO_LAST = 2**62
"""Of a log that is still written: its checkpoint may hold rows that came since it was looked at."""


def rollover(root: Path, usecase: FeatureSet, day: date | None, name: str | None) -> str:
    """As `write`, of the project's own service, whether it runs or not."""
    snapshots = artifacts.path(usecase.name, artifacts.Role.SNAPSHOTS, root)
    state = folded(root, usecase, config.load(usecase.name).serve.late_days)
    return write(root, usecase, state, snapshots, day, name)


def folded(root: Path, usecase: FeatureSet, late_days: int) -> MemoryState:
    """The online state of a use case as its log has it now; a service goes on beside it."""
    tiles = seed.read(artifacts.path(usecase.name, artifacts.Role.TILES, root))
    rows = log_tail.rows(places.log(root, usecase.name), tiles.recent_from)
    folder = places.state(root, usecase.name)
    return embedded.reopen_memory(usecase, tiles, rows, NO_LAST, folder, late_days, looking=True)


def write(
    root: Path,
    usecase: FeatureSet,
    state: MemoryState,
    snapshots: Path,
    day: date | None,
    name: str | None,
) -> str:
    """Write the values of a midnight (None: the newest) to the store called `name` (None: the embedded one).

    `snapshots`: the batch's, where the definitions point to. Returns what was written, in a line. PlumblineError where
    the store cannot be written; its values are those before then.
    """
    chosen = day or midnight.newest(state)
    with tempfile.TemporaryDirectory(prefix="plumbline-rollover-") as scratch:
        own = Path(scratch) / "snapshots"
        count = _written(state, chosen, own)
        if name is None:
            store.apply(usecase, root / store.REPOSITORY, snapshots)
            _replace(root, usecase, own, chosen, Path(scratch) / "store")
            proof = "written to the embedded store"
        else:
            proof = commands.materialize(root, name, usecase, own, chosen)
    return f"{usecase.name}: {count:,} histories as of {chosen} 00:00, {proof}"


def _written(state: MemoryState, day: date, folder: Path) -> int:
    """The values as the batch lays its snapshots out; how many rows."""
    folder.mkdir()
    count = 0
    for name, table in midnight.snapshots(state, day).items():
        pq.write_table(table, folder / f"{name}-{day:%Y-%m}.parquet")
        count += table.num_rows
    return count


def _replace(root: Path, usecase: FeatureSet, snapshots: Path, day: date, beside: Path) -> None:
    """Fill a store of its own, and put its tables in the place of the project's, in one transaction."""
    repository = root / store.REPOSITORY
    beside.mkdir()
    shutil.copy(repository / stores.FILE, beside)
    store.apply(usecase, beside, snapshots.resolve(), alone=True)
    store.materialize(usecase, day, beside)
    new, old = (server.embedded(root, f, [usecase.name]).values for f in (beside, repository))
    views = [view.name for view in catalog.views(usecase) if not view.kept_by]
    with closing(sqlite3.connect(old.path, timeout=30)) as database:
        database.execute("ATTACH ? AS new", (str(new.path),))
        with database:
            for view in views:
                table = f"{new.project}_{view}".replace('"', '""')
                database.execute(f'DELETE FROM main."{table}"')
                database.execute(f'INSERT INTO main."{table}" SELECT * FROM new."{table}"')
