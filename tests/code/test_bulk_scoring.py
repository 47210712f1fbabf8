"""Files of events scored: histories go on from an earlier commit's tiles, what is refused is set aside."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.core import tables
from plumbline.core.declarations import Only
from plumbline.core.errors import ContractError
from plumbline.core.usecase import UseCase
from plumbline.features import assemble, ibis_session, tile_files
from plumbline.features.params import Features
from plumbline.model import bundle
from plumbline.model.admission import Scorer
from plumbline.serve import seed
from plumbline.serve.bulk import bulk_scoring
from plumbline.serve.bulk.bulk_scoring import BulkRequest
from plumbline.serve.bulk.continued_histories import ROW, Continuation
from plumbline.train.params import Train
from tests import classes
from tests.code.test_batch import EVENTS, many
from tests.code.test_series import SERIES, late
from tests.code.test_tiles import written
from tests.examples import examples
from tests.small import AS_OF, SMALL, arrow, computed, event

FEW = examples(2, nightly=60)
DAY = timedelta(days=1)


def continued(
    folder: Path, rows, as_of: date, case=SMALL, since: date | None = None, at_once: int = 1_000
):
    """The histories of the events from `since` on (as_of if omitted) by key, from the tiles of `as_of`."""
    kept_tiles = written(folder, rows, case, as_of)
    first = datetime.combine(since or as_of, time.min)
    own = [r for r in rows if r["at"] >= first]
    both = arrow(own, late=False)
    for name in (c.name for c in case.unknown):
        both = both.append_column(name, arrow(own, late=True).column(name))
    both = both.append_column(ROW, [range(len(own))])
    with ibis_session.connection(threads=1) as backend:
        kept = ibis_session.lend(backend, both)
        events = Continuation(
            backend, case, kept_tiles, kept, outcomes=True, scratch=folder, at_once=at_once
        )
        names = [f.name for f in case.aggregates]
        parts = [p.select("number", *names).to_pyarrow().to_pylist() for p in events.joined()]
    return {row.pop("number"): row for part in parts for row in part}


@pytest.mark.capability("C30")
@pytest.mark.parametrize("case", [SMALL, SERIES], ids=["daily, derived", "hourly, lagged, of all"])
@FEW
@given(rows=EVENTS, days=st.integers(3, 12), back=st.integers(0, 3), few=st.booleans())
def test_histories_go_on_from_the_tiles_as_if_the_data_had_been_one(
    case, tmp_path_factory, rows, days, back, few
):
    """Where the file begins as many days before as_of as the label takes, it brings all outcomes."""
    rows = late(rows) if case is SERIES else rows
    as_of = min(r["at"] for r in rows).date() + timedelta(days=days)
    since = as_of - max(case.delay_days, back) * DAY
    got = continued(tmp_path_factory.mktemp("tiles"), rows, as_of, case, since, 5 if few else 100)
    whole = computed(rows, case=case, as_of=AS_OF)
    assert got == {n: whole[n] for n in got}


MODELLED = replace(SMALL, features=("cents", *(f.name for f in SMALL.aggregates), "kind_code"))
CHANGED = {
    "classification": MODELLED,
    "regression": replace(MODELLED, problem="regression", label="loss", offset="cents"),
}
START = date(2025, 3, 10)
ONE = pytest.mark.parametrize("built", ["classification"], indirect=True)
QUICK = Train(rounds=15, early_stopping=5)
WINDOWS = Features(warmup_days=2, valid_days=3, test_days=7, current_days=3)


def table(rows) -> pa.Table:
    """The events' known and late columns: what a source has."""
    late_columns = arrow(rows, late=True)
    whole = arrow(rows, late=False)
    for column in SMALL.unknown:
        whole = whole.append_column(column.name, late_columns.column(column.name))
    return whole


@pytest.fixture(scope="module", params=list(CHANGED))
def built(request, tmp_path_factory):
    """Model tables and bundle of a small use case, the rows, and the tiles before the test window."""
    folder = tmp_path_factory.mktemp("built")
    rows = [{**r, "loss": r["cents"] // 3} for r in many(500)]
    case = CHANGED[request.param]
    made = classes.tables_of(case, table(rows), folder, WINDOWS, AS_OF)
    model = classes.fit(case, made, folder / "model", QUICK)
    written(folder / "tiles", rows, case, START)
    return Case(case, rows, folder, bundle.load(model))


@dataclass(frozen=True)
class Case:
    case: UseCase
    rows: list
    folder: Path
    model: bundle.Bundle

    def run(self, events, out="answers.parquet", **more):
        """The result and the answers."""
        place = self.folder / "events.parquet"
        pq.write_table(events, place)
        request = BulkRequest(str(place), self.folder / out, **more)
        scorer = Scorer(self.model, self.case, "checkout", ())
        with tempfile.TemporaryDirectory() as scratch:
            done = bulk_scoring.score(scorer, request, Path(scratch), lambda *_: None)
        return done, request

    def since(self, days: int) -> pa.Table:
        first = datetime.combine(START, time.min) - days * DAY
        return table([r for r in self.rows if r["at"] >= first])


@pytest.mark.capability("C32", "F5")
def test_raw_events_of_the_test_window_get_the_recorded_predictions(built):
    """From the tiles of the day on which the window begins, from the events of the label delay before it on."""
    tiles = seed.read(built.folder / "tiles")
    done, request = built.run(built.since(built.case.delay_days), seed=tiles, explain=4)
    answers = tables.read(request.out)
    recorded = tables.read(built.folder / "tables" / "test.parquet")
    by_key = dict(zip(answers["number"].tolist(), answers["score"].tolist(), strict=True))
    wanted = built.model.predict(recorded).tolist()
    assert len(wanted) > 60
    assert [by_key[n] for n in recorded["number"].tolist()] == wanted
    events = pq.read_table(request.events).column("number").to_pylist()
    assert answers["number"].tolist() == events, "the file's order"
    assert (done.past, done.rows, done.refused) == ("tiles", len(events), 0)
    explained = pq.read_table(request.explained).to_pandas()
    best = sorted(answers["score"].tolist(), reverse=True)[:4]
    assert explained.groupby("rank")["score"].first().tolist() == best
    sums = explained.groupby("rank")["contribution"].sum() + explained.groupby("rank")[
        ["base", "offset"]
    ].first().sum(axis=1)
    np.testing.assert_allclose(sums, explained.groupby("rank")["total"].first(), rtol=1e-4)


@ONE
def test_what_the_contract_refuses_is_set_aside_and_counts_in_no_history(built):
    tiles = seed.read(built.folder / "tiles")
    rows = [r for r in built.rows if r["at"] >= datetime.combine(START, time.min)]
    good, _ = built.run(table(rows), seed=tiles)
    expected = pq.read_table(built.folder / "answers.parquet")
    odd = [{**rows[5], "number": 10_000, "kind": "z"}, {**rows[5], "number": 10_001, "cents": None}]
    old = {**rows[5], "number": 10_002, "at": datetime(2025, 3, 1)}
    last = {**rows[5], "number": 10_003, "at": datetime(9999, 12, 31)}
    done, request = built.run(table([*odd, *rows, old, rows[7], last]), seed=tiles)
    assert pq.read_table(request.out).equals(expected)
    assert (done.rows, done.refused) == (good.rows, 5)
    assert dict(done.reasons) == {
        "at.future": 1, "at.past": 1, "cents.null": 1, "kind.set": 1, "number.unique": 1
    }  # fmt: skip
    aside = pq.read_table(request.refused).to_pylist()
    assert [(r["row"], r["key"], r["column"], r["value"]) for r in aside] == [
        (1, "10000", "kind", "z"),
        (2, "10001", "cents", None),
        (len(rows) + 3, "10002", "at", "2025-03-01 00:00:00"),
        (len(rows) + 4, str(rows[7]["number"]), "number", str(rows[7]["number"])),
        (len(rows) + 5, "10003", "at", "9999-12-31 00:00:00"),
    ]
    assert aside[0]["expected"] == "one of a, b"
    assert aside[0]["event"]["who_id"] == rows[5]["who_id"]
    built.run(table(rows), seed=tiles)
    assert not request.refused.exists(), "of an earlier run"


@ONE
def test_events_bring_their_histories_or_are_of_new_entities_or_are_refused(built):
    recorded = pq.read_table(built.folder / "tables" / "test.parquet")
    known = [c.name for c in SMALL.known]
    brought = recorded.select([*known, *(f.name for f in SMALL.aggregates)])
    done, request = built.run(brought)
    wanted = built.model.predict(tables.read(built.folder / "tables" / "test.parquet"))
    assert (done.past, tables.read(request.out)["score"].tolist()) == ("columns", wanted.tolist())
    done, request = built.run(recorded.select(known), new_entities=True)
    assert (done.past, done.rows) == ("new", recorded.num_rows)
    request.out.unlink()
    with pytest.raises(ContractError, match=r"no history who_count_1d.*; take them from"):
        built.run(recorded.select(known))
    with pytest.raises(ContractError, match=r"all 2 of them \(2 kind.set\): row 1: kind is z, exp"):
        built.run(table([event(1, datetime(2025, 3, 12), kind="z"), event(2, datetime(2025, 3, 12), kind="z")]),
                  seed=seed.read(built.folder / "tiles"))  # fmt: skip
    assert not request.out.exists()


@ONE
def test_csv_columns_of_another_type_and_equal_bytes_of_answers(built):
    """A value that is none of its type is refused with the row, as text; numbers lose no digit in CSV."""
    tiles = seed.read(built.folder / "tiles")
    events = built.since(0)
    _, request = built.run(events, seed=tiles)
    expected = tables.read(request.out)
    lines = pyarrow_csv(events)
    lines.insert(1, lines[1].replace(lines[1].split(",")[4], "many", 1))
    (built.folder / "events.csv").write_text("\n".join(lines))
    place = BulkRequest(str(built.folder / "events.csv"), built.folder / "a.csv", tiles)
    scorer = Scorer(built.model, built.case, "checkout", ())
    with tempfile.TemporaryDirectory() as scratch:
        done = bulk_scoring.score(scorer, place, Path(scratch), lambda *_: None)
    assert dict(done.reasons)["cents.type"] == 1
    again = pq.read_table(place.refused).to_pylist()[0]
    assert (again["row"], again["column"], again["value"]) == (1, "cents", "many")
    rows = [line.split(",") for line in place.out.read_text().splitlines()]
    assert rows[0][:2] == ["number", "score"]
    assert [float(r[1]) for r in rows[1:]] == expected["score"].tolist()


def pyarrow_csv(events: pa.Table) -> list[str]:
    names = events.column_names
    return [
        ",".join(names),
        *(
            ",".join("" if v is None else str(v) for v in row.values())
            for row in events.to_pylist()
        ),
    ]


def of_classes(case: UseCase, rows: pa.Table, folder: Path) -> Case:
    made = classes.build(case, rows, folder)
    return Case(case, [], folder, made.scorer)


def test_several_classes_with_histories(tmp_path):
    """A probability each, the class decided on, and why, of the days after the tiles."""
    rows = classes.observed(400)
    one = of_classes(classes.days(), rows, tmp_path)
    recorded = tables.read(tmp_path / "tables" / "test.parquet")
    start = recorded["at"].min().astype("datetime64[D]").astype(date)
    plain = rows.to_pylist()
    with lent_rows(one.case, plain) as (backend, events, outcomes):
        events, outcomes = assemble.visible(backend, one.case, events, outcomes, start)
        (tmp_path / "tiles").mkdir()
        first = plain[0]["at"].date()
        tile_files.write(backend, one.case, events, outcomes, (first, start), 1, tmp_path / "tiles")
    file = rows.filter(
        pc.greater_equal(
            rows["at"], pa.scalar(datetime.combine(start, time.min), pa.timestamp("us"))
        )
    )
    done, request = one.run(file, seed=seed.read(tmp_path / "tiles"), explain=2)
    answers = tables.read(request.out)
    assert list(answers) == ["day_id", *(f"probability_{s}" for s in classes.SKIES), "decision"]
    wanted = one.model.predict(recorded)
    places = [answers["day_id"].tolist().index(n) for n in recorded["day_id"].tolist()]
    for number, name in enumerate(classes.SKIES):
        assert answers[f"probability_{name}"][places].tolist() == wanted[:, number].tolist()
    explained = pq.read_table(request.explained).to_pylist()
    assert len(explained) == 2 * len(one.case.features)
    assert explained[0]["decision"] in classes.SKIES
    assert done.past == "tiles"


@contextmanager
def lent_rows(case, plain):
    with ibis_session.connection(threads=1) as backend:
        known = pa.Table.from_pylist([{c.name: r[c.name] for c in case.known} for r in plain])
        late_rows = [
            {
                case.key: r[case.key],
                "known_at": r["at"] + case.delay,
                **{c.name: r[c.name] for c in case.unknown},
            }
            for r in plain
        ]
        yield (
            backend,
            ibis_session.lend(backend, known),
            ibis_session.lend(backend, pa.Table.from_pylist(late_rows)),
        )


def test_a_plain_table_needs_no_histories(tmp_path):
    one = of_classes(classes.wine(), classes.wines(), tmp_path)
    recorded = tables.read(tmp_path / "tables" / "test.parquet")
    done, request = one.run(classes.wines().drop_columns(["grape"]), explain=3)
    answers = tables.read(request.out)
    assert (done.past, done.rows) == ("none", 178)
    assert answers["bottle"].tolist() == list(range(178))
    wanted = one.model.predict(recorded)[:, 1].tolist()
    assert answers["probability_grignolino"][recorded["bottle"]].tolist() == wanted


@ONE
def test_events_that_no_model_scores_count_in_histories_all_the_same(built):
    tiles = seed.read(built.folder / "tiles")
    _, request = built.run(built.since(0), seed=tiles)
    every = tables.read(request.out)
    rule = Only("cents", "large ones", low=2_000)
    some = replace(built, case=replace(built.case, eligible=(rule,)))
    done, request = some.run(built.since(0), seed=tiles)
    answers = tables.read(request.out)
    whole = dict(zip(every["number"].tolist(), every["score"].tolist(), strict=True))
    assert 0 < done.rows < len(whole)
    assert answers["score"].tolist() == [whole[n] for n in answers["number"].tolist()]
    aside = pq.read_table(request.refused).to_pylist()
    assert {(r["column"], r["reason"], r["expected"]) for r in aside} == {
        ("cents", "eligible", "cents from 2000")
    }
    assert all(r["event"]["cents"] < 2_000 for r in aside)
    assert dict(done.reasons) == {"cents.eligible": len(whole) - done.rows}
