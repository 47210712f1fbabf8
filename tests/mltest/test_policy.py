"""Data 4: forbidden and deprecated columns stay out of features; each has an owner and a description."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from plumbline.core import policy
from plumbline.core.declarations import Array, Row
from plumbline.core.errors import SpecError
from plumbline.core.usecase import UseCase
from plumbline.features import catalog
from stages import features as stage
from tests.small import SMALL
from usecases.card_fraud import model as card_fraud
from usecases.flights import model as flights

pytestmark = pytest.mark.mltest("Data 4")


def who(who_id: Array) -> Array:
    """The person, as a number."""
    return np.zeros(len(who_id))


def who_again(who: Array) -> Array:
    """The person once more, over another feature."""
    return who


CASE = replace(
    SMALL,
    categories=(replace(SMALL.categories[0], description="kind of event"),),
    snapshots=tuple(replace(s, description=f"{s.description} in all") for s in SMALL.snapshots),
)

BARE = replace(CASE.derivation, rows=(), categories=CASE.categories)


def ruled(case: UseCase, column: str, **rule: str) -> UseCase:
    """The use case with a rule on one column."""
    columns = tuple(replace(c, **rule) if c.name == column else c for c in case.columns)
    return replace(case, columns=columns)


@pytest.mark.capability("C4")
@pytest.mark.parametrize("case", [card_fraud.USECASE, flights.USECASE], ids=lambda c: c.name)
def test_the_use_cases_keep_every_rule(case: UseCase) -> None:
    assert policy.problems(case) == []
    assert all(e.owner == case.owner and "@" in e.owner for e in catalog.entries(case))
    assert {e.name for e in catalog.entries(case)} >= set(case.features)


def test_a_forbidden_column_is_found_through_other_features() -> None:
    rows = (*CASE.rows, Row(who), Row(who_again))
    case = replace(CASE, rows=rows, features=("cents", "who_again"))
    assert policy.problems(case) == []
    result = policy.problems(ruled(case, "who_id", forbidden="a person"))
    assert result == [
        "feature 'who_again' is made of 'who_id', which no feature may use (a person); drop the feature"
    ]


def test_a_forbidden_column_is_found_through_a_mark() -> None:
    case = replace(CASE, features=("cents", "who_surprise_3d"))
    assert policy.problems(case) == []
    result = policy.problems(ruled(case, "grams", forbidden="a weight"))
    assert result == [
        "feature 'who_surprise_3d' is made of 'grams', which no feature may use (a weight); drop the "
        "feature"
    ]


@pytest.mark.parametrize("column", ["cents", "kind", "bad"])
def test_a_deprecated_column_is_named_with_what_to_use(column: str) -> None:
    (result, *_) = policy.problems(ruled(CASE, column, deprecated="since May; use euros"))
    assert f"made of '{column}', which is deprecated (since May; use euros)" in result


def test_whose_history_it_is_is_no_value_of_it() -> None:
    assert policy.problems(ruled(CASE, "place_id", forbidden="a number")) == []
    assert policy.problems(replace(CASE, features=("number",)))[0] == (
        "feature 'number' is computed from the key 'number', which carries no information; drop it"
    )


def test_no_owner_no_description() -> None:
    first = replace(CASE.snapshots[0], description="")
    bare = replace(BARE, owner=" ", snapshots=(first,), features=("cents",))
    assert [p.split(";")[0] for p in policy.problems(bare)] == [
        "feature 'who_count_1d' has the description ''",
        "no owner",
    ]


@pytest.mark.parametrize(("description", "problems"), [("cents", 0), ("cent", 1), (" cent,-", 1)])
def test_a_description_has_five_characters(description: str, problems: int) -> None:
    first = replace(CASE.snapshots[0], description=description)
    case = replace(BARE, snapshots=(first,), features=(first.name,))
    assert len(policy.problems(case)) == problems


@pytest.mark.parametrize("missing", [{"description": " "}, {"unit": ""}])
def test_a_column_has_a_description_and_a_unit(missing: dict[str, str]) -> None:
    assert policy.problems(ruled(CASE, "cents", **missing)) == [
        "column 'cents' has no description or no unit; give both"
    ]


def test_the_stage_refuses_before_it_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    case = ruled(card_fraud.USECASE, "distance_m", forbidden="tells where one lives")
    monkeypatch.setattr("plumbline.core.usecase_loader.load_features", lambda name: case)
    nowhere = [Path("none")] * 5
    with pytest.raises(
        SpecError, match=r"card_fraud/features\.py: feature 'distance_m' is made of"
    ):
        stage.main("card_fraud", *nowhere)
