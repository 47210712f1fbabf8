"""`plumbline explain` and `lineage` of a served event: from sealed days alone, with route, tiles and similar events."""

from __future__ import annotations

import shutil
from datetime import date, datetime

import pyarrow as pa
import pytest

from plumbline.core import definitions_md5, usecase_loader
from plumbline.core.errors import PlumblineError
from plumbline.model import admission
from plumbline.ops.lineage import served_event
from plumbline.ops.replay import refolding, row_sources
from plumbline.ops.replay.day_range import DayRange
from plumbline.ops.serving import logged, places, sealed_events
from plumbline.serve.protocols import LoggedEvent
from plumbline.serve.seed import Seed
from plumbline.serve.state import embedded
from plumbline.studies.explain import served
from tests import replays
from tests.boosting import parcels, write
from tests.serviced import answers, parcel, serving

DAY = date(2025, 3, 1)
SEED = Seed(DAY, DAY, DAY, definitions_md5.definitions(parcels()), {}, pa.table({}))
"""Without an event before the first one that was served."""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project that served three champions and sealed its days; outcomes came on the last day."""
    root = tmp_path_factory.mktemp("sealed")
    md5s = replays.served(root)
    folder = places.folder(root, "parcels")
    with serving(folder, folder) as service:
        answers(service, replays.drawn(60, 9.0))  # it sets the service's clock
        told = b'{"outcomes": [{"number": 7, "broken": 1, "weight": 5}]}'
        assert service.outcomes(told, "outcome").status == 200
    replays.seal(root)
    return root, md5s


@pytest.fixture
def project(made, tmp_path, monkeypatch):
    """A copy to change, whose bundles' functions may run."""
    root, md5s = made
    shutil.copytree(root, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    hashes = [
        admission.digest(places.folder(root, "parcels") / "bundles" / m / "model") for m in md5s
    ]
    monkeypatch.setenv("PLUMBLINE_ADMIT", " ".join(hashes))
    return tmp_path / "project"


@pytest.mark.capability("I10")
def test_what_the_log_has_no_longer_is_explained_from_sealed_days(project):
    (before,) = logged.require(project, "parcels", None, "7")
    shutil.rmtree(places.log(project, "parcels"))
    (after,) = logged.require(project, "parcels", None, "7")
    for name in LoggedEvent.__slots__:
        if name not in ("answer", "digest"):
            assert getattr(after.row, name) == getattr(before.row, name), name
    assert after.row.digest == before.row.digest
    assert [s.score for s in after.shadows] == [s.score for s in before.shadows]
    assert [(o.values, o.known_at) for o in after.outcomes] == [
        (o.values, o.known_at) for o in before.outcomes
    ]
    assert after.log == "sources/parcels/sealed/predictions-2025-03-02.parquet"
    record = served.record(project, after)
    assert record.explanation.same_score


def test_a_request_is_found_in_sealed_days(project):
    shutil.rmtree(places.log(project, "parcels"))
    found = logged.require(project, None, "request", None)
    last = logged.require(project, None, "request", "60")
    assert [one.row.key for one in last] == [60]
    assert {one.row.received // replays.DAY for one in found} == {
        last[0].row.received // replays.DAY
    }
    assert served_event.prediction(last[0]).log.startswith("sources/parcels/sealed/")
    with pytest.raises(PlumblineError, match="nor in its sealed days"):
        logged.require(project, None, "nobody", None)


def test_bytes_that_are_not_pulled_are_said(project):
    shutil.rmtree(places.log(project, "parcels"))
    next(sealed_events.folder(project, "parcels").glob("events-*.parquet")).unlink()
    with pytest.raises(PlumblineError, match="dvc pull"):
        logged.require(project, "parcels", None, "7")


def test_route_and_tiles_are_those_of_then(project, monkeypatch):
    monkeypatch.setattr(usecase_loader, "load_features", lambda _: parcels())
    monkeypatch.setattr(refolding, "own_seed", lambda *_: refolding.NamedSeed(SEED, "tiles"))
    for _ in range(2):
        (one,) = logged.require(project, "parcels", None, "59")
        record = served.record(project, one)
        assert record.route.agrees
        assert (record.route.by, record.route.arm, record.route.weights["champion"]) == (
            "sender",
            "champion",
            100,
        )
        assert record.histories.differing == []
        (past,) = {t.entity for t in record.histories.tiles}
        earlier = [replays.drawn(n, n * 9 / 60) for n in range(59)]
        own = [e for e in earlier if e["sender"] == one.row.event["sender"]]
        inside = [
            e for e in own if "2025-03-03" <= e["at"][:10] < one.row.event["at"].isoformat()[:10]
        ]
        assert (past, sum(t.sums["height"] for t in record.histories.tiles)) == (
            "sender",
            sum(e["height"] for e in inside),
        )
        text = "\n".join(served.lines(served.ServedEvents(events=[record], left_out=0)))
        assert "has slot" in text
        assert "histories are sums of" in text
        shutil.rmtree(places.log(project, "parcels"), ignore_errors=True)


def test_histories_are_added_up_again(project, monkeypatch):
    named = refolding.NamedSeed(SEED, "tiles")
    for _ in range(2):
        sources = row_sources.found(project, "parcels", DayRange())
        found = refolding.refolded(parcels(), named, sources, 7)
        assert (found.compared, found.equal, found.by_feature) == (61, 61, {})
        shutil.rmtree(places.log(project, "parcels"), ignore_errors=True)
    state = embedded.open_memory(parcels(), SEED)
    state.histories.add_event({**parcel(999, 1.0), "at": datetime(2025, 3, 1, 9)})
    monkeypatch.setattr(refolding.embedded, "open_memory", lambda *_: state)
    found = refolding.refolded(parcels(), named, sources, 7)
    assert found.equal < found.compared
    assert list(found.by_feature) == ["sender_mean_7d"]


def test_similar_events_are_those_of_train(project, tmp_path):
    (one,) = logged.require(project, "parcels", None, "7")
    record = served.record(project, one)
    assert "train.parquet" in record.similar
    table = project / "data" / "parcels" / "tables"
    table.mkdir(parents=True)
    write(table)
    record = served.record(project, one)
    assert (record.similar.searched, len(record.similar.nearest)) == (1_500, 5)
    assert 0 <= record.similar.mean_label <= 1
