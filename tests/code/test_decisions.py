"""Decision policies: the cheapest cuts by trying all, the capacity, segments, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from plumbline.core.declarations import Array
from plumbline.core.errors import ParamsError, PlumblineError
from plumbline.evaluate import decision_costs, model_card_decisions
from plumbline.evaluate.evidence import LabelledWindow
from plumbline.model import decision_fit, decision_ladder, decision_params
from plumbline.model.decision_params import Decisions
from plumbline.model.decision_prices import prices
from plumbline.model.decisions import Cut, DecisionPolicy
from plumbline.report import markdown
from plumbline.train.params import Train
from tests.boosting import COSTS, parcels

REVIEW = {"positive": {"column": "worth", "times": 0.1}, "negative": 20}
USECASE = parcels()


def declared(**changed: Any) -> Decisions:
    return Decisions.model_validate({"review": REVIEW, **changed})


def window(seed: int, rows: int = 240) -> tuple[dict[str, Array], Array]:
    """A parcel an hour: labels that follow their scores, a score with ties."""
    r = np.random.default_rng(seed)
    score = np.round(r.random(rows) ** 3, 2)
    columns = {
        "number": np.arange(rows),
        "at": np.datetime64("2025-01-01", "us") + np.arange(rows) * np.timedelta64(1, "h"),
        "kind": r.choice(np.array(["box", "tube"], object), rows),
        "height": r.integers(1, 200, rows),
        "worth": r.integers(0, 2_000, rows),
        "broken": (r.random(rows) < score).astype(np.int64),
        "weight": r.integers(0, 300, rows),
    }
    return columns, score


@pytest.mark.capability("A20")
@pytest.mark.parametrize("most", [0, 3, 20, 240])
@pytest.mark.parametrize("seed", range(2))
def test_both_cuts_are_the_cheapest_of_all_pairs(seed: int, most: int):
    columns, score = window(seed)
    real = prices(declared(), COSTS, columns, columns["broken"] == 1)
    cut = decision_ladder.ladder(score, real)
    chosen = cut.cut(decision_ladder.within(cut, most))

    def places(review: float, block: float) -> Array:
        return (score >= review).astype(int) + (score >= block)

    values = [*np.unique(score), 3.0]
    pairs = [places(a, b) for a in values for b in values if a <= b]
    least = min(real.of(one).sum() for one in pairs if (one == 1).sum() <= most)
    result = places(chosen.review, chosen.block)
    assert real.of(result).sum() == pytest.approx(least)
    assert (result == 1).sum() <= most
    if most == len(score):
        assert cut.cost(decision_ladder.two_cuts(cut)) == pytest.approx(
            cut.cost(decision_ladder.within(cut, most))
        )


def test_equal_events_do_not_leave_the_capacity_unused():
    """A price per review takes all events of one worth, or none: the rest of the capacity is filled."""
    columns, _ = window(3)
    columns["worth"], columns["broken"] = np.full(240, 1_000), np.arange(240) % 4 == 0
    score = 0.25 + np.linspace(0, 1e-6, 240)
    review = {"positive": 0, "negative": 20, "capacity": 3}
    policy = decision_fit.fit(USECASE, columns, score, declared(review=review), COSTS)
    assert 25 <= (policy.places(columns, score) == 1).sum() <= 30


@pytest.mark.capability("A20")
@pytest.mark.parametrize("capacity", [0, 1, 2, 5])
def test_reviews_keep_within_the_capacity(capacity: int):
    columns, score = window(1)
    review = {**REVIEW, "capacity": capacity}
    policy = decision_fit.fit(USECASE, columns, score, declared(review=review), COSTS)
    free = decision_fit.fit(USECASE, columns, score, declared(), COSTS)
    reviews = (policy.places(columns, score) == 1).sum()
    assert reviews <= capacity * 10
    assert (free.places(columns, score) == 1).sum() > capacity * 10
    assert policy.worth > 0
    assert free.worth == 0


def test_a_capacity_goes_where_a_review_saves_most():
    """Boxes are worth ten times as much: one price per review gives them more of it than half."""
    columns, score = window(5, 2_400)
    columns["worth"] = np.where(columns["kind"] == "box", 2_000, 200)
    chosen = declared(review={**REVIEW, "capacity": 2}, segment={"column": "kind"})
    policy = decision_fit.fit(USECASE, columns, score, chosen, COSTS)
    assert set(policy.segments) == {"box", "tube"}
    reviewed = policy.places(columns, score) == 1
    assert 0 < reviewed.sum() <= 200
    boxes = columns["kind"] == "box"
    assert (reviewed & boxes).sum() > 2 * (reviewed & ~boxes).sum()


def test_a_segment_of_few_cases_takes_the_thresholds_of_all():
    columns, score = window(2)
    columns["kind"][:] = "box"
    columns["kind"][:5] = "tube"
    policy = decision_fit.fit(USECASE, columns, score, declared(segment={"column": "kind"}), COSTS)
    assert set(policy.segments) == {"box"}
    other = {"kind": np.array(["tube", "crate", None], object)}
    high = policy.otherwise.block
    assert policy.decide(other, np.full(3, high)).tolist() == ["block"] * 3


def test_without_a_review_an_event_is_approved_or_blocked():
    columns, score = window(3)
    policy = decision_fit.fit(USECASE, columns, score, Decisions(), COSTS)
    assert set(policy.places(columns, score)) == {0, 2}


@pytest.mark.parametrize("measure", ["recall", "false_alarm_rate"])
def test_equal_rates_in_every_segment(measure: str):
    columns, score = window(7, 4_000)
    tubes = columns["kind"] == "tube"
    score = np.where(tubes, score / 3, score) + np.arange(4_000) * 1e-9
    chosen = Decisions.model_validate({"segment": {"column": "kind"}, "equal": measure})

    def gap(how: Decisions) -> float:
        policy = decision_fit.fit(USECASE, columns, score, how, COSTS)
        blocked = policy.places(columns, score) == 2
        among = columns["broken"] == (1 if measure == "recall" else 0)
        return abs(float(blocked[among & tubes].mean() - blocked[among & ~tubes].mean()))

    assert gap(chosen) < 0.01 < gap(decision_fit.shared(chosen))


def test_a_regression_decides_about_labels_from_a_value_on():
    columns, _ = window(4)
    usecase = parcels("regression")
    forecast = columns["weight"] + np.random.default_rng(1).normal(0, 20, 240)
    policy = decision_fit.fit(usecase, columns, forecast, declared(positive_from=200), COSTS)
    heavy = columns["weight"] >= 200
    touched = policy.places(columns, forecast) > 0
    assert touched[heavy].mean() > 0.8 > 0.3 > touched[~heavy].mean()


def test_thresholds_set_by_hand_stand():
    columns, score = window(6)
    fixed = {"tube": {"review": 0.2, "block": 0.4}, "all": {"review": 0.5, "block": 0.9}}
    chosen = declared(segment={"column": "kind"}, fixed=fixed)
    policy = decision_fit.fit(USECASE, columns, score, chosen, COSTS)
    assert (policy.segments["tube"].review, policy.otherwise.block) == (0.2, 0.9)
    assert policy.decide({"kind": np.array(["tube"], object)}, np.array([0.4])) == ["block"]


@pytest.mark.parametrize(
    ("column", "batch", "single"),
    [
        ("flag", np.array([True, False]), np.array([1.0])),
        ("count", np.array([1, 2]), np.array([1.0])),
        ("count", np.array([1.0, np.nan]), np.array([1])),
        ("word", np.array(["a", None], object), np.array(["a"], object)),
    ],
)
def test_a_single_event_has_the_segment_of_its_batch(column: str, batch: Array, single: Array):
    cut, own = Cut(review=0.5, block=0.5), Cut(review=0.1, block=0.2)
    name = {"flag": "1", "count": "1", "word": "a"}[column]
    policy = DecisionPolicy(
        names=("a", "b", "c"), column=column, review=True, otherwise=cut, segments={name: own}
    )
    score = np.array([0.15, 0.15])
    assert policy.decide({column: batch}, score).tolist() == ["b", "a"]
    assert policy.decide({column: single}, score[:1]).tolist() == ["b"]


COST = {"unit": "cents", "false_negative": "worth", "false_positive": 5}
BAD: list[tuple[dict[str, Any], str]] = [
    ({"review": {"positive": 1}}, "review.negative|Field required"),
    ({"review": {**REVIEW, "capacity": -1}}, "greater than or equal to 0"),
    ({"fixed": {"all": {"review": 0.9, "block": 0.3}}}, "review from 0.9 on lies above block"),
    ({"fixed": {"all": {"review": 0.1, "block": 0.3}}}, "leave scores to review"),
    ({"fixed": {"tube": {"review": 0.1, "block": 0.1}}}, "no segment is declared"),
    ({"fixed": {"all": {"review": float("nan"), "block": 0.3}}}, "finite"),
    ({"segment": {"column": "height", "edges": [5, 5]}}, "numbers that rise"),
    ({"equal": "recall"}, "needs a segment"),
    ({"names": ["a", "b", "a"]}, "three different names"),
    ({"reviews": {}}, "reviews"),
]


@pytest.mark.parametrize(("section", "message"), BAD)
def test_impossible_declarations_are_refused(section: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        Train.model_validate({"costs": COST, "decisions": section})


def test_decisions_without_costs_are_refused():
    with pytest.raises(ValueError, match=r"expected `train\.costs` beside it"):
        Train.model_validate({"decisions": {}})


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"segment": {"column": "hieght"}}, "segment.column: 'hieght' .* did you mean 'height'"),
    ({"segment": {"column": "broken"}}, "segment.column: 'broken' is no column or feature known"),
    ({"segment": {"column": "at"}}, "is a time"),
    ({"segment": {"column": "kind", "edges": [1]}}, "holds no numbers"),
    ({"review": {**REVIEW, "positive": "wroth"}}, "review.positive: 'wroth' .* did you mean"),
    ({"positive_from": 3.0}, "positive_from: of a classification"),
    (
        {"segment": {"column": "kind"}, "fixed": {"tub": {"review": 0.5, "block": 0.5}}},
        "fixed.tub: no such segment; did you mean 'tube'",
    ),
]


@pytest.mark.parametrize(("section", "message"), WRONG)
def test_what_does_not_fit_the_use_case_is_refused(section: dict[str, Any], message: str):
    with pytest.raises(ParamsError, match=message):
        decision_params.check(USECASE, Decisions.model_validate(section))


def test_a_regression_and_a_table_without_time_have_their_own_rules():
    with pytest.raises(ParamsError, match="expected `positive_from`"):
        decision_params.check(parcels("regression"), Decisions())
    timeless = replace(USECASE, time=None, snapshots=(), rows=(), entities=(), features=("height",))
    with pytest.raises(ParamsError, match=r"per day, and the use case has no time"):
        decision_params.check(timeless, declared(review={**REVIEW, "capacity": 3}))


def test_too_many_segments_and_too_many_fixed_reviews_are_refused():
    columns, score = window(1)
    with pytest.raises(PlumblineError, match=r"has .* values .* declare edges"):
        decision_fit.fit(USECASE, columns, score, declared(segment={"column": "height"}), COSTS)
    chosen = declared(
        review={**REVIEW, "capacity": 0}, fixed={"all": {"review": 0.0, "block": 1.0}}
    )
    with pytest.raises(PlumblineError, match=r"more events to review .* than review\.capacity"):
        decision_fit.fit(USECASE, columns, score, chosen, COSTS)


def test_a_damaged_policy_is_refused():
    with pytest.raises(ValueError, match="lies above block"):
        Cut(review=0.5, block=0.2)


def test_a_plain_table_is_decided_and_its_card_names_no_day():
    usecase = replace(USECASE, time=None, snapshots=(), rows=(), entities=(), features=("height",))
    columns, score = window(9)
    del columns["at"]
    review = {"positive": {"column": "worth", "times": 0.1}, "negative": 20}
    chosen = declared(review=review, segment={"column": "kind"})
    policy = decision_fit.fit(usecase, columns, score, chosen, COSTS)
    label = columns["broken"].astype(float)
    rows = LabelledWindow("classification", label, None, 60, 0.95, 1, threshold=0.5)
    known = decision_costs.Declared(usecase, chosen, COSTS, (columns, score))
    found = decision_costs.evidence(known, rows, columns, score, policy)
    assert found.load is None
    assert sum(one.a_day for one in found.decided.values()) == pytest.approx(240)
    text = markdown.file(model_card_decisions.section(found))
    assert " a day" not in text
    assert "of all" not in text
    assert "its own" in text
