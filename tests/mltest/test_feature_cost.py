"""Data 3: what each feature costs beside what it brings; one that is too dear is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from plumbline.core.declarations import Array, Row
from plumbline.core.usecase import UseCase
from plumbline.serve import single_event
from plumbline.studies.feature_value import study
from plumbline.studies.feature_value.feature_value_document import FeatureValueStudy
from tests.mltest import recorded
from tests.mltest.columns import columns
from usecases.card_fraud import model as card_fraud
from usecases.flights import model as flights

pytestmark = pytest.mark.mltest("Data 3")
CASES = [card_fraud.USECASE, flights.USECASE]


def slow(distance_m: Array) -> Array:
    """The distance, one row after the other, metres."""
    return np.array([float(np.sum([d, 0])) for d in distance_m.tolist()])


@pytest.mark.capability("C26")
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_no_feature_is_too_dear(case: UseCase) -> None:
    costs = study._costs(case, columns(case))
    features = study.lines(case, [], costs)
    assert study.too_expensive(costs.yardsticks, features) == []
    timed = {f.name for f in features if f.us_per_row or f.us_per_request}
    built = {f.name for f in (*case.aggregates, *case.rows, *case.categories)}
    assert timed == built & set(case.features)
    assert all(f.sources for f in features)


def test_a_slow_one_is_named_with_its_time() -> None:
    case = replace(
        card_fraud.USECASE,
        rows=(*card_fraud.USECASE.rows, Row(slow)),
        features=(*card_fraud.USECASE.features, "slow"),
    )
    costs = study._costs(case, columns(case))
    features = study.lines(case, [], costs)
    (message,) = study.too_expensive(costs.yardsticks, features)
    assert message.startswith("slow: ")
    assert message.endswith("µs per row of a batch")


def test_a_slow_history_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = single_event.RunningSums.between

    def scan(
        self: single_event.RunningSums, column: str | None, start: datetime, end: datetime
    ) -> tuple[int, int]:
        assert sum(start <= at < end for at in self.times) >= 0
        return whole(self, column, start, end)

    monkeypatch.setattr(single_event.RunningSums, "between", scan)
    case = card_fraud.USECASE
    costs = study._costs(case, columns(case, 1_500))
    features = study.lines(case, [], costs)
    named = {message.split(":")[0] for message in study.too_expensive(costs.yardsticks, features)}
    assert named >= {f.name for f in case.aggregates if f.name in case.features}


@pytest.mark.capability("C26")
def test_the_committed_table_has_gain_beside_cost() -> None:
    result = recorded.read(
        "card_fraud", "feature_value", train="data/card_fraud/tables/train.parquet"
    )
    written = FeatureValueStudy.model_validate(result)
    assert study.too_expensive(written.yardsticks, written.features) == []
    for line in written.features:
        assert line.sources, line
        assert line.gain >= 0
