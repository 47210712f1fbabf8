"""The histories of a service in Feast's online store: those of the embedded state and of the batch, at midnight."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from plumbline.features import store
from plumbline.ops.serving import rollover
from plumbline.serve.state import redis_seeding
from plumbline.serve.state.embedded import open_memory
from plumbline.serve.state.fold import fold
from tests import servers
from tests.code.test_online_state import AS_OF, MIDNIGHT, many
from tests.code.test_tiles import written
from tests.small import SMALL, computed, event, write
from tests.states import event_row, outcome_row
from tests.stores import copy_settings

LATER = date(2025, 3, 23)
IDS = {"who_id": ["p0", "p1", "p2", "new", "nobody"], "place_id": [0, 1, 5, 0, 99]}
CACHE = """
project: plumbline
provider: local
registry: {registry_type: sql, path: "${REGISTRY}"}
online_store: {type: redis, connection_string: "${REDIS}"}
offline_store: {type: duckdb}
entity_key_serialization_version: 3
"""


def served():
    """Events after the seed's day, one of them late, and the outcomes that came."""
    rows = [
        event(500 + i, MIDNIGHT + timedelta(hours=6 * i), who_id=["p1", "new"][i % 2], cents=7 * i)
        for i in range(12)
    ]
    rows.append(event(600, MIDNIGHT - timedelta(hours=3), who_id="p2", place_id=5, cents=11))
    return rows


def log():
    late = datetime(2025, 3, 23)
    settled = [r for r in (*many(), *served()) if MIDNIGHT <= r["known_at"] < late]
    rows = [event_row(r | {"surprise": 0}, i) for i, r in enumerate(served(), 1)]
    return [*rows, *(outcome_row(r, i) for i, r in enumerate(settled, len(rows) + 1))]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return written(tmp_path_factory.mktemp("tiles"), many(), SMALL, AS_OF)


def project(folder: Path) -> tuple[Path, Path]:
    """A root with stores, and the batch's snapshots."""
    copy_settings(folder)
    for file in (folder / "feature_store").glob("*.db*"):
        file.unlink()
    (folder / "snapshots").mkdir()
    from plumbline.features import assemble, ibis_session

    write(many(), folder / "valid", AS_OF)
    with ibis_session.connection() as backend:
        events, outcomes = ibis_session.read(backend, SMALL, folder / "valid")
        events, outcomes = assemble.visible(backend, SMALL, events, outcomes, AS_OF)
        assemble.write_snapshots(backend, SMALL, events, outcomes, AS_OF, folder / "snapshots")
    return folder, folder / "snapshots"


def stored(state, day: date) -> dict[str, list[float]]:
    """The stored features of IDS for events at a midnight, by the state."""
    at = datetime(day.year, day.month, day.day)
    pairs = zip(IDS["who_id"], IDS["place_id"], strict=True)
    rows = [state.values(event(0, at, who_id=w, place_id=p)) for w, p in pairs]
    return {s.name: [row[i] for row in rows] for i, s in enumerate(SMALL.stored)}


@pytest.mark.capability("C9", "C10", "C28")
def test_the_embedded_store_serves_what_the_state_serves(tmp_path: Path, kept):
    root, snapshots = project(tmp_path)
    state = open_memory(SMALL, kept, log(), late_days=43)
    message = rollover.write(root, SMALL, state, snapshots, LATER, None)
    assert message.endswith("histories as of 2025-03-23 00:00, written to the embedded store")
    assert store.online(SMALL, IDS, root / "feature_store") == stored(state, LATER)
    seed_alone = open_memory(SMALL, kept, late_days=43)  # back in time, and without an id
    rollover.write(root, SMALL, seed_alone, snapshots, None, None)
    values = store.online(SMALL, IDS, root / "feature_store")
    assert values == stored(seed_alone, AS_OF)
    batch = computed([*many(), *_probes(AS_OF)], as_of=date(2025, 4, 1))
    assert values == {n: [batch[-i - 1][n] for i in range(5)] for n in values}


def _probes(day: date):
    at = datetime(day.year, day.month, day.day)
    pairs = zip(IDS["who_id"], IDS["place_id"], strict=True)
    return [event(-i - 1, at, who_id=w, place_id=p, known_at=datetime(2030, 1, 1)) for i, (w, p) in enumerate(pairs)]  # fmt: skip


@pytest.mark.capability("C9", "C10", "C28")
def test_feasts_redis_serves_what_embedded_and_shared_state_serve(tmp_path, kept, monkeypatch):
    root, snapshots = project(tmp_path)
    (root / "feature_store" / "cache").mkdir()
    (root / "feature_store" / "cache" / "feature_store.yaml").write_text(CACHE)
    with servers.redis() as address:
        monkeypatch.setenv("REDIS", address)
        monkeypatch.setenv("REGISTRY", f"sqlite:///{tmp_path}/registry.db")
        host, _, password = address.partition(",password=")
        state = open_memory(SMALL, kept, log(), late_days=43)
        shared = redis_seeding.open_redis(
            SMALL, kept, f"redis://:{password}@{host}/0", late_days=43
        )
        fold(shared, log())
        assert stored(shared, LATER) == stored(state, LATER)
        for day in (LATER, AS_OF):  # Feast itself would keep the newer day's values
            message = rollover.write(root, SMALL, state, snapshots, day, "cache")
            assert "compared" in message
            online = store.online(SMALL, IDS, root / "feature_store" / "cache")
            assert online == stored(state, day)
        shared.client.close()
