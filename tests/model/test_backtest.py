"""A backtest on parcels: nothing known too early, the newest judged by the gate's words, ageing seen."""

from __future__ import annotations

import json

import numpy as np
import pytest

from plumbline.core.declarations import Array
from plumbline.core.usecase import UseCase
from plumbline.studies.backtest import ageing, judging, origins, rolling, text_report
from plumbline.studies.backtest.backtest_record import BacktestRecord
from plumbline.studies.backtest.rolling import OriginModel
from tests import studies
from tests.boosting import parcels

DAYS, DELAY, COUNT = 90, 2, 8
CASE = parcels(label_delay=DELAY)
PARAMS = studies.params()


def plan() -> tuple[origins.Origin, ...]:
    return origins.plan(studies.known(DAYS), delay=DELAY, train_days=14, valid_days=7, count=COUNT)


def ran(columns: dict[str, Array], case: UseCase = CASE) -> tuple[OriginModel, ...]:
    return rolling.run(case, PARAMS, studies.TUNED, columns, plan())


@pytest.fixture(scope="module")
def columns() -> dict[str, Array]:
    return studies.daily(DAYS, 60)


@pytest.fixture(scope="module")
def models(columns: dict[str, Array]) -> tuple[OriginModel, ...]:
    return ran(columns)


def heavier() -> dict[str, Array]:
    """Parcels that weigh 3 g more each day, which no feature tells."""
    result = studies.daily(DAYS, 60)
    return {**result, "weight": result["weight"] + np.arange(len(result["at"])) // 20}


@pytest.mark.capability("I7")
def test_what_is_not_known_yet_changes_no_model(
    columns: dict[str, Array], models: tuple[OriginModel, ...]
):
    fourth = models[3].origin.day
    late = columns["at"] >= np.datetime64(fourth, "us") - np.timedelta64(DELAY, "D")
    other = {**columns, "broken": np.where(late, 1 - columns["broken"], columns["broken"])}
    again = ran(other)
    for i in range(4):
        for period, answer in models[i].answers.items():
            assert np.array_equal(answer, again[i].answers[period])
    assert not np.array_equal(*(m[5].answers[m[5].origin.scored] for m in (models, again)))


@pytest.mark.capability("I7")
def test_every_later_period_is_scored(models: tuple[OriginModel, ...], columns: dict[str, Array]):
    assert [len(m.answers) for m in models] == list(range(COUNT, 0, -1))
    last = models[-1].origin.scored
    inside = (columns["at"] >= np.datetime64(last.start)) & (
        columns["at"] < np.datetime64(last.end)
    )
    assert {len(m.answers[last]) for m in models} == {int(inside.sum())}


def test_each_origin_has_figures_with_intervals(
    models: tuple[OriginModel, ...], columns: dict[str, Array]
):
    result = judging.judged(CASE, PARAMS, columns, models)
    assert len(result) == COUNT >= 8
    for origin in result:
        figure = origin.metrics["average_precision"]
        assert figure.low < figure.value < figure.high
        assert "cost_saved" in origin.metrics
    assert result[0].against is None
    assert [o.against.day for o in result[1:]] == [o.day for o in result[:-1]]
    last = result[-1].against
    assert last.base != result[-1].metrics["average_precision"].value == last.head
    assert judging.count(result).of == COUNT - 1


@pytest.mark.parametrize(("fresh", "word"), [(True, "better"), (False, "worse")])
def test_the_newest_model_is_called_what_it_is(
    models: tuple[OriginModel, ...], columns: dict[str, Array], fresh: bool, word: str
):
    """One of two models answers at random."""
    pair = list(models[-2:])
    period = pair[1].origin.scored
    guess = np.random.default_rng(1).random(len(pair[1].answers[period]))
    bad = 0 if fresh else 1
    pair[bad] = OriginModel(**{**vars(pair[bad]), "answers": {**pair[bad].answers, period: guess}})
    against = judging.judged(CASE, PARAMS, columns, pair)[1].against
    assert against.word == word
    assert against.chosen is fresh


@pytest.mark.mltest("Model 4")
def test_under_drift_an_old_model_is_found_stale():
    columns, case = heavier(), parcels("regression", label_delay=DELAY)
    result = ageing.staleness(case, PARAMS, columns, ran(columns, case))
    assert result.shelf_life_days in (7, 14)
    loss = [age.loss.value for age in result.ages]
    assert loss == sorted(loss)
    assert f"shelf life: {result.shelf_life_days} days: from then on more" in text_report.shelf(
        result
    )


def test_without_drift_none_is(models: tuple[OriginModel, ...], columns: dict[str, Array]):
    result = ageing.staleness(CASE, PARAMS, columns, models)
    assert result.shelf_life_days is None
    assert "no loss of more than 5%" in text_report.shelf(result)


def test_the_lines_are_read_from_the_record(
    models: tuple[OriginModel, ...], columns: dict[str, Array]
):
    judged = judging.judged(CASE, PARAMS, columns, models)
    record = BacktestRecord(
        usecase="parcels", title="Parcels", problem="classification", primary="average_precision",
        level=0.95, margin=0.01, label_delay_days=DELAY, step_days=7, origins=judged,
        newest=judging.count(judged), staleness=ageing.staleness(CASE, PARAMS, columns, models),
    )  # fmt: skip
    lines = list(text_report.lines(record))
    assert sum(" to " in line and line.startswith("  2025-") for line in lines) == COUNT
    assert any("chosen" in line for line in lines)
    json.dumps(record.plain())
