"""A small use case's feature stores: three releases of it, embedded and on real servers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from urllib.parse import urlsplit

from plumbline.core.usecase import UseCase
from plumbline.features import assemble, ibis_session
from tests import servers
from tests.conftest import ROOT
from tests.small import SMALL, event, write

DROPPED = "who_grams_5d"
LESS = replace(SMALL, snapshots=tuple(s for s in SMALL.snapshots if s.name != DROPPED))
RELEASES = {
    "v1": (SMALL, date(2025, 3, 9)),
    "v2": (LESS, date(2025, 3, 9)),
    "v3": (SMALL, date(2025, 3, 16)),
}
"""Use case and as-of date: v2 has fewer features, v3 is a week later, with entities of its own."""
IDS = {
    "who_id": ["p0", "p1", "p2", "p3", "p4", "late", "nobody"],
    "place_id": [0, 1, 2, 3, 4, 99, 12_345],
}


def lay(folder: Path, tag: str) -> tuple[UseCase, date, Path]:
    """A release's use case, its day and its snapshots in `folder`/tag."""
    usecase, day = RELEASES[tag]
    rows = [
        event(i, datetime(2025, 3, 1 + i % 15, 10), who_id=f"p{i % 5}", place_id=i % 4, cents=i)
        for i in range(60)
    ]
    rows.append(event(100, datetime(2025, 3, 14, 9), who_id="late", place_id=99))
    write(rows, folder / tag / "valid", day)
    snapshots = folder / tag / "snapshots"
    snapshots.mkdir()
    with ibis_session.connection() as backend:
        events, outcomes = ibis_session.read(backend, usecase, folder / tag / "valid")
        events, outcomes = assemble.visible(backend, usecase, events, outcomes, day)
        assemble.write_snapshots(backend, usecase, events, outcomes, day, snapshots)
    return usecase, day, snapshots


def copy_settings(root: Path) -> None:
    """The project's stores, in another root."""
    shutil.copytree(
        ROOT / "feature_store", root / "feature_store", ignore=shutil.ignore_patterns("*.db*")
    )


@contextmanager
def environment() -> Iterator[dict[str, str]]:
    """The variables of both stores, with a Redis and a PostgreSQL that run as long as the block."""
    with servers.redis() as address, servers.postgresql() as database:
        parts = urlsplit(database)
        yield {
            "REDIS": address,
            "REGISTRY": database,
            "PGHOST": str(parts.hostname),
            "PGPORT": str(parts.port),
            "PGUSER": str(parts.username),
            "PGPASSWORD": str(parts.password),
            "PGDATABASE": parts.path[1:],
            "PGSSLMODE": "prefer",
        }
