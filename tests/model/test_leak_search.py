"""Planted leaks are named, column by column, and near misses are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn import datasets

from plumbline.core.errors import ParamsError
from plumbline.evaluate import acceptance, model_card_sections
from plumbline.evaluate.evaluate_document import LeakSearch
from plumbline.evaluate.params import Evaluate
from plumbline.report import markdown
from plumbline.review import metadata_diff
from tests import planted
from tests.evaluated import evaluated
from tests.planted import LEAKS, NEAR, Planted


def each(cases: tuple[Planted, ...]) -> list:
    return [
        pytest.param(kind, one, id=f"{one.what}, {kind}") for one in cases for kind in one.kinds
    ]


@pytest.mark.capability("C23")
@pytest.mark.parametrize(("kind", "one"), each(LEAKS))
def test_a_planted_leak_is_named(kind: str, one: Planted) -> None:
    found = planted.searched(kind, one.plant).found
    assert ", ".join(sorted(one.named)) in [suspicion.key for suspicion in found]


@pytest.mark.parametrize(("kind", "one"), each(NEAR))
def test_a_near_miss_is_not(kind: str, one: Planted) -> None:
    assert planted.searched(kind, one.plant).found == []


SUM = next(one for one in LEAKS if one.what == "two columns that sum to it")
REASON = "both are on the order when it is placed"


def test_what_is_suspected_refuses_the_model_with_figure_and_remedy() -> None:
    check = acceptance.free_of_leaks(planted.searched("regression plain", SUM.plant))
    assert not check.passed
    assert "`a` + `z` gives the label (R² 1.000)" in check.reason
    assert 'evaluate.harmless: {"a, z": "..."}' in check.reason


def test_what_is_declared_harmless_passes_and_is_said_with_its_reason() -> None:
    search = planted.searched("regression plain", SUM.plant, {"a, z": REASON})
    check = acceptance.free_of_leaks(search)
    assert check.passed
    assert check.reason.endswith(f"declared harmless: {REASON}")
    card = markdown.file(model_card_sections.leaks(search))
    assert f"declared harmless: {REASON}" in card
    [line] = metadata_diff.evaluate({"evaluate": evaluated(leaks=search.plain())}).harmless
    assert line.endswith(REASON)


def test_one_of_two_columns_lifts_nothing() -> None:
    search = planted.searched("regression plain", SUM.plant, {"a": REASON})
    assert not acceptance.free_of_leaks(search).passed
    assert search.unused == ["a"]


def test_a_declaration_names_columns_that_there_are() -> None:
    with pytest.raises(ParamsError, match=r"planted.evaluate.harmless: there is no column 'zz'"):
        planted.searched("regression plain", SUM.plant, {"a, zz": REASON})


def test_a_reason_is_more_than_a_word() -> None:
    with pytest.raises(ValueError, match="at least 10 characters"):
        Evaluate(harmless={"a": "ok"})


def walk(days: float, drift: float) -> planted.Plant:
    """A label that goes on as it went, and as `z` the last one that is known so many days before."""

    def plant(t: planted.Table, r: np.random.Generator) -> dict[str, np.ndarray]:
        label = np.cumsum(r.normal(drift, 1, planted.ROWS))
        known = np.searchsorted(t["at"], t["at"] - np.timedelta64(int(days * 24), "h")) - 1
        return {"y": label, "z": label[np.maximum(known, 0)]}

    return plant


def test_a_history_may_answer_as_well_as_the_labels_that_are_known() -> None:
    search = planted.searched("regression timed", walk(3, 1.0), histories=("z",))
    assert search.found == []
    assert search.persistence is not None
    assert "The last known labels alone reach" in markdown.file(model_card_sections.leaks(search))


def test_a_history_that_answers_better_is_named() -> None:
    search = planted.searched("regression timed", walk(0.1, 0.1), histories=("z",))
    assert [one.key for one in search.found] == ["z"]


@pytest.mark.parametrize("name", ["breast_cancer", "diabetes"])
def test_a_public_table_of_strong_columns_is_not_suspected(name: str) -> None:
    bunch = getattr(datasets, f"load_{name}")()
    columns = {f"c{i}": column for i, column in enumerate(bunch.data.T)}
    columns |= {"y": bunch.target.astype(np.float64), "number": np.arange(len(bunch.target))}
    kind = "classification plain" if name == "breast_cancer" else "regression plain"
    usecase = planted.case(kind, {**columns, "who": columns["number"], "place": columns["number"]})
    usecase = replace(
        usecase, columns=[c for c in usecase.columns if c.name not in ("who", "place")]
    )
    assert planted.search(usecase, columns).found == []


def test_many_suspicions_of_long_names_fit_into_one_reason() -> None:
    one = planted.searched("regression plain", SUM.plant).found[0]
    many = [one.model_copy(update={"text": "x" * 900, "key": "y" * 900})] * 40
    search = LeakSearch(columns=9, found=many, persistence=None, unused=[])
    assert len(acceptance.free_of_leaks(search).reason) < 2_000
    declared = acceptance.declared(search, {"y" * 900: "z" * 300})
    assert len(acceptance.free_of_leaks(declared).reason) < 2_000


def test_too_few_rows_cannot_tell() -> None:
    search = LeakSearch(columns=0, found=[], persistence=None, unused=[])
    assert "cannot tell" in acceptance.free_of_leaks(search).reason
    assert "too few" in markdown.file(model_card_sections.leaks(search))
