"""The age of an event's newest history: of what its features could have seen, by brute force."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from plumbline.core import history_ages, tables
from plumbline.core.declarations import Entity, Hourly, Snapshot
from plumbline.core.errors import SpecError
from plumbline.core.usecase import UseCase
from plumbline.evaluate import assessment
from plumbline.evaluate.evidence import LabelledWindow
from plumbline.evaluate.params import Evaluate, EvaluationSettings
from plumbline.features import assemble, history_age, ibis_session
from plumbline.features.catalog_documents import FeaturesReport
from plumbline.review import paired
from tests.code.test_assemble import PARAMS
from tests.code.test_batch import many
from tests.small import AS_OF, SMALL, event, lent, write

ROWS = [*many(250), event(900, datetime(2025, 3, 3, 9), who_id=None)]
PLAIN = {"fresh": (), "rows": (), "derived": (), "categories": (), "features": ("cents",)}


def case(*specs: Snapshot | Hourly) -> UseCase:
    """The small use case with these histories alone."""
    daily = tuple(s for s in specs if isinstance(s, Snapshot))
    hourly = tuple(s for s in specs if isinstance(s, Hourly))
    return replace(SMALL, snapshots=daily, hourly=hourly, **PLAIN)


def ages(usecase: UseCase) -> dict[int, float]:
    """By key, the age of the history of `who`."""
    with lent(ROWS) as (backend, events, outcomes):
        events, outcomes = assemble.visible(backend, usecase, events, outcomes, AS_OF)
        table = history_age.with_ages(usecase, events, events, outcomes).to_pyarrow()
    names = table.column("number"), table.column("who_history_age")
    return dict(zip(*(tables.numpy(one).tolist() for one in names), strict=True))


def midnight(at: datetime) -> datetime:
    return datetime.combine(at, datetime.min.time())


DAILY = Snapshot("who_count_1d", "who", "count", 1, "events in a day")
CASES = {
    "snapshots see up to midnight": (case(DAILY), midnight, "at"),
    "a lag is more": (
        case(Snapshot("late", "who", "count", 3, "events", lag=3)),
        lambda at: midnight(at) - timedelta(days=2),
        "at",
    ),
    "hourly ones see up to the hour": (
        case(DAILY, Hourly("hour", "who", "count", 2, "events")),
        lambda at: at.replace(minute=0),
        "at",
    ),
    "labels count from when they are known": (
        case(Snapshot("share", "who", "rate", 3, "bad share", "bad", True)),
        midnight,
        "known_at",
    ),
}


@pytest.mark.capability("C24")
@pytest.mark.parametrize("name", CASES)
def test_it_is_what_the_nearest_looking_feature_sees(name: str) -> None:
    usecase, until, clock = CASES[name]
    result = ages(usecase)
    assert len(result) == len(ROWS)
    for row in ROWS:
        seen = [
            other[clock]
            for other in ROWS
            if other["who_id"] == row["who_id"] is not None and other[clock] < until(row["at"])
        ]
        hours = (row["at"] - max(seen)).total_seconds() / 3600 if seen else np.nan
        assert result[row["number"]] == pytest.approx(hours, nan_ok=True), row


def test_a_key_that_is_there_twice_makes_no_further_rows() -> None:
    twice = [*many(40), {**many(40)[0], "who_id": "another"}]
    with lent(twice) as (_, events, outcomes):
        rows = history_age.with_ages(SMALL, events, events, outcomes)
        assert rows.count().to_pyarrow().as_py() == len(twice)


def test_they_are_counted_between_edges() -> None:
    usecase = CASES["snapshots see up to midnight"][0]
    every = np.array(list(ages(usecase).values()))
    with lent(ROWS) as (_, events, outcomes):
        rows = history_age.with_ages(usecase, events, events, outcomes)
        counted = history_age.counted(usecase, rows)["who"]
    known = every[~np.isnan(every)]
    expected = np.histogram(known, [-np.inf, *history_age.EDGES, np.inf])[0]
    assert counted.counts == expected.tolist()
    assert counted.none == int(np.isnan(every).sum()) > 0
    assert sum(counted.counts) + counted.none == len(ROWS)


def test_entities_without_a_column_or_histories_have_none() -> None:
    assert [e.name for e in history_ages.entities(SMALL)] == ["who", "place"]
    assert [e.name for e in history_ages.entities(case(DAILY))] == ["who"]
    whole = replace(
        SMALL,
        entities=(Entity("all", None, "every event"),),
        snapshots=(Snapshot("all_count_1d", "all", "count", 1, "events"),),
        **PLAIN,
    )
    assert list(history_ages.entities(whole)) == []


def build(folder: Path, **params: bool) -> tuple[FeaturesReport, Path]:
    """The stage's report and its folder of model tables."""
    valid = write(many(500), folder / "valid")
    for name in ("snapshots", "tables"):
        (folder / name).mkdir()
    chosen = PARAMS.model_copy(update=params)
    with ibis_session.connection() as backend:
        report = assemble.timed(
            backend, SMALL, chosen, AS_OF, valid, folder / "snapshots", folder / "tables"
        )
    return report, folder / "tables"


@pytest.mark.capability("C24")
def test_the_stage_counts_them_and_keeps_them_where_it_is_to(tmp_path: Path) -> None:
    for name in ("without", "with"):
        (tmp_path / name).mkdir()
    report, plain = build(tmp_path / "without")
    again, aged = build(tmp_path / "with", history_age=True)
    assert report.history_ages == again.history_ages
    assert list(report.history_ages) == ["train", "valid", "test", "current"]
    one, whole = (tables.read(folder / "test.parquet") for folder in (plain, aged))
    assert list(whole) == [*one, "who_history_age", "place_history_age"]
    for name, values in one.items():
        assert np.array_equal(values, whole[name], equal_nan=values.dtype.kind == "f"), name
    ages = whole["who_history_age"]
    counted = report.history_ages["test"]["who"]
    known = ages[~np.isnan(ages)]
    assert counted.counts == np.histogram(known, [-np.inf, *history_age.EDGES, np.inf])[0].tolist()
    assert counted.none == len(ages) - len(known)


@pytest.mark.capability("C24")
def test_a_slice_of_old_histories_is_judged_like_any_other() -> None:
    random = np.random.default_rng(4)
    label = (random.random(4_000) < 0.3).astype(float)
    age = random.choice([0.5, 5.0, 400.0], 4_000)
    score = np.where(age > 168, 1 - label, label) * 0.5 + random.random(4_000) * 0.4
    day = np.datetime64("2025-01-01") + np.arange(4_000) % 20
    given = {"who_history_age": age, "number": np.arange(4_000), "at": day.astype("datetime64[us]")}
    settings = EvaluationSettings(Evaluate(bootstrap=60, slice_floor=0.9), None, 7)
    window = LabelledWindow("classification", label, day, 60, 0.95, 7, threshold=0.5)
    others = {"constant": np.full(4_000, 0.3)}
    result, _ = assessment.assess(SMALL, settings, window, given, score, others, [])
    assert list(result.slices["who_history_age"]) == ["under 1", "1 to 24", "168 and over"]
    assert result.gate.checks["slices"] == "fail"
    assert "who_history_age" in "; ".join(result.gate.reasons)
    plain, _ = assessment.assess(
        SMALL,
        settings,
        window,
        {n: v for n, v in given.items() if n != "who_history_age"},
        score,
        others,
        [],
    )
    assert plain.gate.checks["slices"] == "pass"
    assert list(paired.groups(SMALL, given)) == ["who_history_age"]


def test_a_name_that_is_taken_is_refused() -> None:
    taken = replace(
        SMALL,
        snapshots=(*SMALL.snapshots, Snapshot("who_history_age", "who", "count", 2, "a namesake")),
    )
    with pytest.raises(SpecError, match="'who_history_age' is the column"):
        history_ages.wanted(taken)
    assert history_ages.slices(taken, ["who_history_age"]) == ()
