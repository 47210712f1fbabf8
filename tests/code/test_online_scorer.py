"""The compiled scorer gives the bits of the bundle's own answers: one by one, and many at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from plumbline.core.declarations import Array, Category, Only, Row
from plumbline.core.errors import BundleError, ContractError
from plumbline.model import calibration, portable
from plumbline.model.calibration import Calibration
from plumbline.model.decisions import Cut, DecisionPolicy
from plumbline.serve import event_table, scoring, single_event
from plumbline.serve.online import single_values
from plumbline.serve.online.row_inputs import ScoringError
from plumbline.serve.online.scorer import CompiledScorer
from tests import classes, requests
from tests.code.test_encodings import HOMES
from tests.frames import FLIGHTS, PAYMENTS
from tests.small import SMALL

pytestmark = pytest.mark.mltest("Monitor 3")
COUNT = 120
PLATT = Calibration("platt", (1.3,), (-0.4,))
STEPS = Calibration("isotonic", (0.1, 0.3, 0.6), (0.0, 0.4, 0.9))
VECTOR = Calibration("vector", (1.1, 0.9, 1.3), (0.1, 0.0, -0.2))
COSTS = ((0.0, 1.0, 2.0), (3.0, 0.0, 1.0), (9.0, 1.0, 0.0))
CUTS = {
    "a": (0.3, 0.5),
    "b": (0.6, 0.7),
    "under 100": (0.2, 0.4),
    "1": (0.5, 0.6),
    "missing": (0.1, 0.2),
}


def policy(**parts: Any) -> DecisionPolicy:
    cuts = {name: Cut(review=low, block=high) for name, (low, high) in CUTS.items()}
    names, rest = ("approve", "review", "block"), Cut(review=0.45, block=0.55)
    return DecisionPolicy(names=names, review=True, otherwise=rest, segments=cuts, **parts)


def named(**changes: Any) -> Any:
    """SMALL with a category that takes its column's name, as the model splits on it."""
    kind = Category("kind", "kind", ("a", "b"), "kind", native=True)
    features = ("cents", "kind", "who_mean_3d", "surprise", "heavy_today", "ok", "grams")
    return replace(SMALL, **{"categories": (kind,), "features": features, **changes})


KINDS = (
    Category("kind", "kind", ("b",), "kind, the other one unknown"),
    Category("place_code", "place_id", tuple(range(0, 900, 2)), "place, half of them unknown"),
)
UNKNOWN = named(categories=KINDS, features=("cents", "kind", "place_code", "grams", "who_mean_3d"))


SCALED = {
    "offset": "distance",
    "columns": tuple(
        replace(c, min=1) if c.name in ("distance", "arr_delay") else c for c in FLIGHTS.columns
    ),
}
CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "plain": (SMALL, {}),
    "platt": (SMALL, {"calibration": PLATT, "decisions": policy(column="kind")}),
    "isotonic": (
        SMALL,
        {"calibration": STEPS, "decisions": policy(column="grams", edges=(100, 900))},
    ),
    "flag": (SMALL, {"decisions": policy(column="ok")}),
    "number": (SMALL, {"decisions": policy(column="place_id")}),
    "feature": (SMALL, {"decisions": policy(column="surprise", edges=(100,))}),
    "decoded": (named(), {"decisions": policy(column="kind", decoded=("a", "b"))}),
    "unknown categories": (UNKNOWN, {"decisions": policy(column="kind", decoded=("b",))}),
    "without segments": (PAYMENTS, {"decisions": policy().model_copy(update={"segments": {}})}),
    "payments": (PAYMENTS, {"calibration": PLATT}),
    "flights": (FLIGHTS, {}),
    "log": (replace(FLIGHTS, scale="log", **SCALED), {}),
    "ratio": (replace(FLIGHTS, scale="ratio", **SCALED), {}),
    "count": (replace(FLIGHTS, scale="count", **SCALED), {}),
    "encodings": (HOMES, {}),
    "classes": (classes.days(), {"calibration": VECTOR, "costs": COSTS}),
    "likeliest class": (classes.days(), {}),
}


@pytest.mark.capability("C16")
@pytest.mark.parametrize("name", CASES)
def test_the_bits_of_the_batch(name: str) -> None:
    case, parts = CASES[name]
    reference = requests.scorer(case, **parts)
    compiled = CompiledScorer(reference)
    drawn, past = requests.events(case, COUNT), requests.histories(case, COUNT)
    batch = scoring.answers(reference, requests.table(case, drawn, past))
    whole = compiled.score(drawn, past)
    alone = [compiled.score([e], [h])[0] for e, h in zip(drawn, past, strict=True)]
    assert repr(alone) == repr(whole)  # NaN is unequal to itself
    assert len({one.score for one in whole}) > 5
    names = scoring.probability_names(case.classes) if case.classes else [scoring.SCORE]
    for place, column in enumerate(names):
        scores = np.array([one.score[place] for one in whole])
        assert scores.tobytes() == np.ascontiguousarray(batch[column]).tobytes()
    for field in (scoring.ALARM, scoring.DECISION):
        expected = batch[field].tolist() if field in batch else [None] * COUNT
        assert [getattr(one, field) for one in whole] == expected


@pytest.mark.parametrize("case", [SMALL, PAYMENTS, FLIGHTS, named(), UNKNOWN])
def test_features_before_and_after_row_functions(case: Any) -> None:
    compiled = CompiledScorer(requests.scorer(case))
    event, past = requests.events(case, 40)[-1], [0.0] * len(case.aggregates)
    empty = [spec.empty_value for spec in case.aggregates]
    (scored,) = compiled.score([event], [empty])
    features = single_event.features(case, event, {})
    names = [*(r.name for r in case.rows), *(c.name for c in case.categories)]
    np.testing.assert_array_equal(scored.computed, [features[n] for n in names])
    assert len(scored.derived) == len(case.derived)
    assert len(past) == len(empty)


RULES = (Only("who_mean_3d", "active", low=5.0), Only("kind", "of a kind", values=("a",)))


def test_events_that_the_model_does_not_score_are_answered_with_the_reason() -> None:
    case = replace(SMALL, eligible=RULES)
    reference = requests.scorer(SMALL)
    compiled = CompiledScorer(replace(reference, usecase=case))
    drawn, past = requests.events(case, COUNT), requests.histories(case, COUNT)
    whole = compiled.score(drawn, past)
    every = CompiledScorer(reference).score(drawn, past)
    kept = [one for one in whole if not one.ineligible]
    assert 0 < len(kept) < COUNT
    for one, plain, event, history in zip(whole, every, drawn, past, strict=True):
        mean = history[[f.name for f in case.aggregates].index("who_mean_3d")]
        assert bool(one.ineligible) is not (mean >= 5.0 and event["kind"] == "a")
        assert one.score == (() if one.ineligible else plain.score)
        assert one.alarm == (None if one.ineligible else plain.alarm)
        assert repr(one.computed) == repr(plain.computed)
    whole_table = requests.table(case, drawn, past)
    with pytest.raises(ContractError, match="the model scores rows with"):
        scoring.answers(replace(reference, usecase=case), whole_table)
    assert {r for one in whole for r in one.ineligible if "kind" in r} == {
        "kind is 'b', and the model scores events with kind one of a"
    }


def test_a_column_that_is_shown_nowhere_is_not_in_the_reason() -> None:
    columns = tuple(replace(c, forbidden="x") if c.name == "place_id" else c for c in SMALL.columns)
    rule = Only("place_id", "of one", values=(7,))
    case = replace(SMALL, columns=columns, eligible=(rule,))
    compiled = CompiledScorer(replace(requests.scorer(SMALL), usecase=case))
    (one,) = compiled.score(requests.events(case, 1), requests.histories(case, 1))
    assert one.ineligible == (
        "place_id is a value, and the model scores events with place_id one of 7",
    )


def inverse(cents: Array) -> Array:
    """One over cents."""
    with np.errstate(divide="ignore"):
        return 1.0 / (cents - 7.0)


def failing(cents: Array) -> Array:
    """Fails at 8 cents."""
    if (cents == 8).any():
        raise KeyError("eight")
    return cents + 0.5


def uneven(cents: Array) -> Array:
    """Three values where an event has 9 cents."""
    return np.zeros(3) if cents[-1] == 9 else cents + 0.0


ODD = replace(
    SMALL, rows=(Row(inverse), Row(failing), Row(uneven)), derived=(), snapshots=(), fresh=(),
    features=("cents", "inverse", "failing"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("cents", "message"),
    [
        (7, "^small, number 5: feature 'inverse' is infinite in 1 of 2 rows"),
        (8, r"features.py: failing\(\) failed on a request that keeps the contract: KeyError"),
        (9, r"uneven\(\) returned shape \(3,\) for 2 events"),
    ],
)
def test_what_cannot_be_scored_is_an_error_of_its_request_alone(cents: int, message: str) -> None:
    compiled = CompiledScorer(requests.scorer(ODD))
    (event,) = requests.events(ODD, 1)
    with pytest.raises(ScoringError, match=message):
        compiled.score([{**event, "cents": 10}, {**event, "cents": cents, "number": 5}], [[], []])
    assert ScoringError.status == 503
    assert compiled.score([{**event, "cents": 10}], [[]])[0].score


def test_a_derived_feature_that_is_no_whole_number() -> None:
    case = replace(ODD, derived=("failing",), features=("cents",))
    compiled = CompiledScorer(requests.scorer(case))
    (event,) = requests.events(case, 1)
    with pytest.raises(ScoringError, match=r"the derived feature 'failing' is 10.5 for number 0"):
        compiled.score([{**event, "cents": 10}], [[]])


def test_an_answer_that_is_no_number_is_not_given() -> None:
    compiled = CompiledScorer(requests.scorer(SMALL, calibration=Calibration("platt", (float("nan"),), (0.0,))))  # fmt: skip
    with pytest.raises(
        ScoringError, match="small, number 0: the model's answer is no finite number; do"
    ):
        compiled.score(requests.events(SMALL, 1), requests.histories(SMALL, 1))


@pytest.mark.capability("F6")
def test_other_definitions_are_refused_at_load_and_not_hashed_again(monkeypatch) -> None:
    reference = requests.scorer(SMALL)
    with pytest.raises(BundleError, match="not those that this model learned"):
        CompiledScorer(replace(reference, usecase=named()))
    compiled = CompiledScorer(reference)
    monkeypatch.setattr("plumbline.model.manifest.definitions", None)
    assert compiled.score(requests.events(SMALL, 1), requests.histories(SMALL, 1))
    assert compiled.score([], []) == []


def test_scorers_of_the_same_definitions_share_the_features() -> None:
    one, other = (CompiledScorer(requests.scorer(SMALL, calibration=c)) for c in (None, PLATT))
    drawn, past = requests.events(SMALL, 9), requests.histories(SMALL, 9)
    assert (
        one.definitions == other.definitions != CompiledScorer(requests.scorer(named())).definitions
    )
    assert repr(other.of(one.rows.compute(drawn, past))) == repr(other.score(drawn, past))


def test_one_thread_and_the_bundle_unchanged() -> None:
    reference = requests.scorer(SMALL)
    before = reference.bundle.booster.save_config()
    CompiledScorer(reference)
    assert reference.bundle.booster.save_config() == before


@pytest.mark.parametrize("fitted", [PLATT, STEPS, Calibration()], ids=lambda c: c.kind)
def test_one_calibrated_score_has_the_bits_of_many(fitted: Calibration) -> None:
    scores = np.concatenate([np.random.default_rng(4).random(4_000), [0.0, 1.0, 1e-9, 0.5]])
    one = [single_values.calibrator(fitted)(s) for s in scores.tolist()]
    assert np.array(one).tobytes() == calibration.apply(fitted, scores).tobytes()


def test_exp_and_log_of_one_number() -> None:
    x = np.random.default_rng(5).normal(0, 250, 4_000)
    assert (
        np.array([single_values.exp(v) for v in x.tolist()]).tobytes() == portable.exp(x).tobytes()
    )
    y = np.exp(np.clip(x, -600, 600))
    assert (
        np.array([single_values.log(v) for v in y.tolist()]).tobytes() == portable.log(y).tobytes()
    )


def test_optional_columns_are_null() -> None:
    case = replace(SMALL, optional=("grams",))
    event = requests.events(case, 1)[0]
    past = requests.histories(case, 1)
    lacking = requests.table(case, [event], past).drop_columns(["grams"])
    batch = scoring.answers(requests.scorer(case), lacking)
    compiled = CompiledScorer(requests.scorer(case))
    assert compiled.score([{**event, "grams": None}], past)[0].score == (batch["score"][0],)
    assert event_table.histories(case, case.features)
