"""What a real service logged, against the batch: equal in every feature; one feature's code changed is named."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.core import row_features, served_sheet
from plumbline.core.served_sheet import ServedSheet
from plumbline.model import logged_definitions
from plumbline.monitor.params import Monitor
from plumbline.monitor.served import served_files, watch
from plumbline.monitor.served.feature_skew import ModelMark
from plumbline.monitor.window import window
from plumbline.serve import single_event
from plumbline.serve.log import export
from tests import serviced
from tests.boosting import parcels

SENT = [serviced.parcel(i, i / 20, sender=i % 4, kind=("box", "tube")[i % 2]) for i in range(120)]


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """The sealed predictions of a service that was sent these events one by one, and its scorer."""
    folder = tmp_path_factory.mktemp("served")
    base = serviced.made(tmp_path_factory.mktemp("service"))
    with serviced.serving(base, folder / "running", max_age=9) as service:
        for one in SENT:
            serviced.answers(service, one)
        service.parts.log.flush()
        (loaded,) = service.parts.live.router.current.loaded.values()
        rows = list(service.parts.reader.rows())
        export.write(service.parts.reader, None, "events", folder / "predictions-2025-03.parquet")
    served_sheet.write(folder, ServedSheet(served=True))
    return folder, rows, loaded.scorer


def batch(rows, by=None):
    """The batch's table of the events; `by`: a feature's name, and what its code is changed to."""
    case = parcels()
    events = [row.event for row in rows]
    known = single_event.histories(case, events, [])
    own = [
        single_event.aggregates(case, e, single_event.own_histories(case, e, known)) for e in events
    ]
    columns = {
        c.name: np.array([e[c.name] for e in events], object if c.type == "string" else None)
        for c in case.known
    }
    columns["at"] = columns["at"].astype("datetime64[us]")
    columns |= {f.name: np.array([o[f.name] for o in own]) for f in case.aggregates}
    changed = by or {}
    columns |= {n: change(columns[n]) for n, change in changed.items() if n in columns}
    computed = row_features.row_features(case, columns)
    computed |= row_features.category_codes(case, columns)
    return columns | computed | {n: f(computed[n]) for n, f in changed.items() if n in computed}


def judged(answered, by=None):
    folder, rows, scorer = answered
    case, columns = parcels(), batch(rows, by)
    now = window(case, columns, scorer.score(columns), columns["at"].max().astype("datetime64[D]"))
    sealed = served_files.read(folder, (now, now))
    mark = ModelMark(rows[0].bundle, logged_definitions.of(case))
    return watch.watch(case, sealed, (now, now), mark, {"height": 0.9}, Monitor(), 1)


@pytest.mark.capability("C27", "K16")
def test_every_feature_and_score_is_the_batch_s(answered):
    seen = judged(answered)
    (parity,) = seen.report.parity
    assert (parity.rows, parity.equal, parity.features) == (len(SENT), len(SENT), 3)
    assert parity.this_model
    assert parity.other_definitions == 0
    assert parity.score is None
    assert not [f for f in seen.findings if f.check in ("skew", "served_score")]


CHANGED = [
    ("sender_mean_7d", lambda v: v + 0.5),
    ("height_over_mean", lambda v: np.where(v > 1, v * 1.01, v)),
    ("kind_code", lambda v: 1 - v),
]


@pytest.mark.capability("C27")
@pytest.mark.parametrize(("name", "change"), CHANGED)
def test_one_feature_s_changed_code_is_named(answered, name, change):
    seen = judged(answered, {name: change})
    assert {f.column for f in seen.findings if f.check == "skew"} == {name}
