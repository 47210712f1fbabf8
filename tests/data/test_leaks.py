"""No feature knows the answer: by declaration, by the values, and by changing what comes later."""

from __future__ import annotations

import inspect
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from plumbline.core import tables
from plumbline.core.declarations import Category, Fresh, Row, Snapshot
from plumbline.core.errors import SpecError
from plumbline.core.usecase import UseCase
from plumbline.features import splits
from tests.frames import AS_OF, FLIGHTS, PAYMENTS, build, departures, payments

CASES = {case.name: case for case in (FLIGHTS, PAYMENTS)}
LATE = {"flights": ("arr_time", "air_time", "arr_delay"), "card_fraud": ("is_fraud",)}
"""What the world tells only after the label delay, whatever a use case declares."""


def slipped(case: UseCase, name: str) -> UseCase:
    """The use case with a late column declared as known, and given to the model."""
    columns = tuple(replace(c, known=c.known or c.name == name) for c in case.columns)
    return replace(case, columns=columns, features=(*case.features, name))


def halves(rows: pa.Table, case: UseCase) -> tuple[datetime, pa.Table]:
    """A midnight, and the rows with other late values for all that happens from it on."""
    cut = datetime.combine(AS_OF[case.name], datetime.min.time()) - timedelta(days=20)
    later = pc.greater_equal(rows[case.time], pa.scalar(cut))
    for name in LATE[case.name]:
        other = pc.subtract(1, rows[name]) if name == "is_fraud" else pc.add(rows[name], 60)
        column = pc.if_else(later, other, rows[name])
        rows = rows.set_column(rows.column_names.index(name), name, column.cast(rows[name].type))
    return cut, rows


def matrix(case: UseCase, written: Path, until: datetime) -> dict[str, np.ndarray]:
    """The model's inputs and the key of every event before `until`, from the tables on disk."""
    parts = [tables.read(written / f"{name}.parquet") for name in splits.NAMES]
    seen = [part[case.time] < np.datetime64(until) for part in parts]
    names = [case.key, *case.features]
    return {n: np.concatenate([p[n][s] for p, s in zip(parts, seen, strict=True)]) for n in names}


def changed(case: UseCase, rows: pa.Table, written: Path, folder: Path) -> list[str]:
    """The inputs of events that move when their own outcome, and later ones, turn out otherwise.

    `written` holds the tables of `rows` as they are.
    """
    cut, other = halves(rows, case)
    until = cut + timedelta(days=case.label_delay)
    before = matrix(case, written, until)
    after = matrix(case, build(case, other, folder), until)
    assert np.array_equal(before[case.key], after[case.key])
    return [n for n in case.features if not np.array_equal(before[n], after[n], equal_nan=True)]


def answers(case: UseCase, columns: dict[str, np.ndarray]) -> list[tuple[str, ...]]:
    """Inputs, and pairs whose sum or difference, equal the label on nearly every row."""
    names = [n for n in columns if n in case.features and columns[n].dtype != object]
    label = columns[case.label].astype(np.float64)
    values = {n: columns[n].astype(np.float64) for n in names}
    result: list[tuple[str, ...]] = [(n,) for n in names if np.mean(values[n] == label) > 0.999]
    for a, b in combinations(names, 2):
        sums = (values[a] + values[b], values[a] - values[b], values[b] - values[a])
        result += [(a, b) for s in sums if np.mean(s == label) > 0.999]
    return result


@pytest.fixture(scope="module")
def rows(nycflights):
    return {"flights": departures(nycflights), "card_fraud": payments(400, 150)}


@pytest.fixture(scope="module")
def written(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    return {name: build(case, rows[name], folder / name) for name, case in CASES.items()}


@pytest.mark.capability("C23")
@pytest.mark.parametrize("name", CASES)
def test_what_is_told_late_is_declared_so(name):
    assert {c.name for c in CASES[name].unknown} == set(LATE[name])


@pytest.mark.parametrize(("name", "column"), [(n, c) for n in CASES for c in LATE[n]])
def test_no_declaration_can_reach_it(name, column):
    case = CASES[name]
    entity = case.entities[0].name

    def slip(**columns):
        """Reads the late column."""

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    vars(slip)["__signature__"] = inspect.Signature([inspect.Parameter(column, kind)])
    slips = [
        {"features": (*case.features, column)},
        {"rows": (*case.rows, Row(slip))},
        {"fresh": (*case.fresh, Fresh("slip", entity, "sum", "", column))},
        {"snapshots": (*case.snapshots, Snapshot("slip", entity, "sum", 1, "", column))},
        {"categories": (*case.categories, Category("slip", column, (0, 1), ""))},
        {"naive": column},
        {"offset": column},
    ]
    for change in slips:
        with pytest.raises(SpecError, match=f"'{column}', which is not known at prediction time"):
            replace(case, **change)


@pytest.mark.capability("C23")
@pytest.mark.parametrize("name", CASES)
def test_another_outcome_changes_no_input_before_it_is_known(name, rows, written, tmp_path):
    assert changed(CASES[name], rows[name], written[name], tmp_path / "other") == []


def test_a_late_column_declared_as_known_is_found_out(rows, tmp_path):
    case, table = slipped(FLIGHTS, "arr_time"), rows["flights"]
    written = build(case, table, tmp_path / "as_is")
    assert changed(case, table, written, tmp_path / "other") == ["arr_time"]


@pytest.mark.parametrize("name", CASES)
def test_no_input_nor_two_together_are_the_label(name, written):
    case = CASES[name]
    columns = tables.read(written[name] / "test.parquet")
    assert answers(case, columns) == []
    label = columns[case.label].astype(np.float64)
    one, other = case.features[0], case.features[1]
    given = {**columns, one: label}
    assert (one,) in answers(case, given)
    given = {**columns, one: label - columns[other]}
    assert {one, other} in [set(pair) for pair in answers(case, given)]


@pytest.mark.parametrize("name", CASES)
def test_tables_hold_no_late_column_but_the_label(name):
    case = CASES[name]
    assert set(tables.order(case)) & set(LATE[name]) == {case.label}
