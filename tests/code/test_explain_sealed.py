"""`plumbline explain` and `lineage` of a served event: from sealed days alone, with route, tiles and similar events."""

from __future__ import annotations

import shutil

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.model import admission
from plumbline.ops.lineage import served_event
from plumbline.ops.serving import logged, places, sealed_events
from plumbline.serve.protocols import LoggedEvent
from plumbline.studies.explain import served
from tests import replays
from tests.serviced import answers, serving


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
