"""Expected behaviours: which pairs count, and which are as expected."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.errors import SpecError
from plumbline.evaluation import behaviour
from plumbline.usecase import Array, Behaviour, Column, Columns, UseCase

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
    (found,) = behaviour.check(case, score, EVENTS)
    assert (found.share, found.pairs, found.holds) == (share, 4, share == 1.0)


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
    (found,) = behaviour.check(case, odd, EVENTS)
    assert (found.pairs, found.share, found.holds) == (2, 0.5, False)


def test_a_change_that_alters_nothing_proves_nothing():
    case = usecase(Behaviour("b", "b", lambda event: {"size": event["size"]}, "same"))
    (found,) = behaviour.check(case, score, EVENTS)
    assert (found.pairs, found.holds) == (0, False)


def test_a_value_for_all_events_is_spread_out():
    case = usecase(Behaviour("b", "b", lambda _: {"size": np.array([9.0])}, "not_lower"))
    (found,) = behaviour.check(case, score, EVENTS)
    assert (found.pairs, found.share) == (4, 1.0)


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
