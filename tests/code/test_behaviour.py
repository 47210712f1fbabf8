"""Expected behaviours: which pairs count, and which are as expected."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from plumbline.core.declarations import Array, Behaviour, Column, Columns
from plumbline.core.errors import SpecError
from plumbline.core.usecase import UseCase
from plumbline.evaluate import behaviour

EVENTS = {"id": np.arange(4), "size": np.array([1.0, 2.0, 3.0, 4.0])}


def usecase(*behaviours: Behaviour) -> UseCase:
    return UseCase(
        name="sample",
        title="A sample",
        owner="nobody@example.com",
        problem="regression",
        key="id",
        label="y",
        columns=(
            Column("id", "int", "-", "number"),
            Column("size", "float", "-", "size"),
            Column("y", "float", "-", "what is asked", known=False),
        ),
        features=("size",),
        behaviours=behaviours,
    )


def larger(event: Columns) -> Columns:
    return {"size": event["size"] + 1}


def score(event: Columns) -> Array:
    return 2.0 * event["size"]


@pytest.mark.capability("I5")
@pytest.mark.parametrize(
    ("expect", "tolerance", "share"),
    [
        ("not_lower", 0.0, 1.0),
        ("not_higher", 0.0, 0.0),
        ("not_higher", 2.0, 1.0),
        ("same", 1.9, 0.0),
        ("same", 2.0, 1.0),
    ],
)
def test_expectations(expect: str, tolerance: float, share: float):
    case = usecase(Behaviour("larger", "larger", larger, expect, tolerance))
    (result,) = behaviour.check(case, score, EVENTS)
    assert (result.share, result.pairs, result.holds) == (share, 4, share == 1.0)


@pytest.mark.parametrize(
    ("expect", "limit", "share"),
    [
        ("above", 4.0, 1.0),
        ("above", 5.0, 0.75),
        ("below", 5.0, 0.25),
        ("below", 11.0, 1.0),
        ("above", None, 0.5),
        ("below", None, 0.5),
    ],
)
def test_minimum_functions(expect: str, limit: float | None, share: float):
    """The changed events score 4, 6, 8 and 10; the threshold is 7."""
    case = usecase(Behaviour("b", "b", larger, expect, limit=0.0 if limit is None else limit))
    if limit is None:
        case = replace(
            case, problem="classification", behaviours=(Behaviour("b", "b", larger, expect),)
        )
    (result,) = behaviour.check(case, score, EVENTS, threshold=7.0)
    assert (result.share, result.pairs) == (share, 4)


def test_a_regression_has_no_threshold_to_stay_below():
    with pytest.raises(SpecError, match=r"'b' expects 'below', and a regression has no threshold"):
        usecase(Behaviour("b", "b", larger, "below"))


def test_too_few_pairs_prove_nothing():
    case = usecase(Behaviour("b", "b", larger, "not_lower"))
    (enough,) = behaviour.check(case, score, EVENTS, least=4)
    (few,) = behaviour.check(case, score, EVENTS, least=5)
    assert (enough.holds, few.holds) == (True, False)


def test_a_fall_is_lower_and_not_higher():
    fall = (np.array([1.0]), np.array([0.0]))
    assert not behaviour.holds(*fall, "not_lower", 0.5)
    assert behaviour.holds(*fall, "not_higher", 0.5)
    assert not behaviour.holds(*fall, "same", 0.5)


def test_only_events_that_the_change_altered_count():
    def at_least_three(event: Columns) -> Columns:
        return {"size": np.maximum(event["size"], 3.0)}

    def odd(event: Columns) -> Array:
        return np.where(event["id"] == 0, -event["size"], event["size"])

    case = usecase(Behaviour("b", "b", at_least_three, "not_lower", share=0.6))
    (result,) = behaviour.check(case, odd, EVENTS)
    assert (result.pairs, result.share, result.holds) == (2, 0.5, False)


def test_a_change_that_alters_nothing_proves_nothing():
    case = usecase(Behaviour("b", "b", lambda event: {"size": event["size"]}, "same"))
    (result,) = behaviour.check(case, score, EVENTS)
    assert (result.pairs, result.holds) == (0, False)


def test_a_value_for_all_events_is_spread_out():
    case = usecase(Behaviour("b", "b", lambda _: {"size": np.array([9.0])}, "not_lower"))
    (result,) = behaviour.check(case, score, EVENTS)
    assert (result.pairs, result.share) == (4, 1.0)


def test_an_unknown_name_is_refused():
    case = usecase(Behaviour("b", "b", lambda event: {"sise": event["size"]}, "same"))
    with pytest.raises(SpecError, match=r"behaviour 'b': the change returned 'sise'.*'size'"):
        behaviour.check(case, score, EVENTS)


def test_a_change_cannot_write_into_the_events():
    def spoil(event: Columns) -> Columns:
        event["size"][:] = 0
        return {"size": event["size"]}

    with pytest.raises(ValueError, match="read-only"):
        behaviour.check(usecase(Behaviour("b", "b", spoil, "same")), score, EVENTS)
    assert EVENTS["size"][0] == 1.0


def test_nothing_declared_scores_nothing():
    assert behaviour.check(usecase(), lambda event: pytest.fail("scored"), EVENTS) == []
