"""A use case that leaks, or names what does not exist, is refused before any data is read."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import usecases
from plumbline.core.declarations import Category, Column, Entity, Fresh, Row, Slice, Snapshot, Where
from plumbline.core.errors import SpecError
from plumbline.core.usecase import UseCase
from plumbline.core.usecase_loader import load, load_contract, load_features


def half(x: np.ndarray) -> np.ndarray:
    """Half of x, units."""
    return x / 2


CASE = UseCase(
    name="toy",
    title="Toy",
    owner="me@example.com",
    problem="regression",
    key="id",
    time="at",
    label="y",
    label_delay=2,
    entities=(Entity("who", "who", "someone"),),
    columns=(
        Column("id", "int", "-", "number"),
        Column("at", "timestamp", "UTC", "when"),
        Column("who", "string", "-", "who"),
        Column("x", "int", "units", "size"),
        Column("w", "float", "kg", "weight"),
        Column("y", "float", "units", "answer", known=False),
        Column("late", "int", "units", "known too late", known=False),
    ),
    snapshots=(Snapshot("n7", "who", "count", 7, "events"),),
    fresh=(Fresh("today", "who", "sum", "so far", "x"),),
    rows=(Row(half),),
    features=("x", "n7", "today", "half"),
)


def late_half(late: np.ndarray) -> np.ndarray:
    """Half of what is not known yet."""
    return late / 2


def over(half: np.ndarray, today: np.ndarray) -> np.ndarray:
    """Half of x above what came today, units."""
    return np.floor(half - today)


def quarter(hlf: np.ndarray) -> np.ndarray:
    """Names an input that does not exist."""
    return hlf / 2


OVER = {"rows": (Row(half), Row(over))}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": (Row(late_half),)}, r"feature 'late_half' uses 'late', which is not known"),
        ({"rows": (Row(half), Row(quarter))}, r"'hlf'.*did you mean 'half'"),
        ({"features": ("x", "late")}, r"feature list uses 'late'.*leak the answer"),
        ({"features": ("x", "n77")}, r"'n77'.*did you mean 'n7'"),
        ({"naive": "y"}, r"naive uses 'y', which is not known"),
        ({"label_delay": -1}, r"label_delay is -1; expected a whole number from 0 up"),
        (
            {"snapshots": (Snapshot("n7", "who", "count", -7, "events"),)},
            r"feature 'n7': days is -7; expected a whole number from 1 up",
        ),
        (
            {"snapshots": (Snapshot("n7", "who", "count", 0, "events"),)},
            r"feature 'n7': days is 0; expected",
        ),
        ({"offset": "late"}, r"offset uses 'late', which is not known"),
        ({"slices": (Slice("s", "y", "by the answer"),)}, r"slice 's' uses 'y'"),
        ({"groups": (Slice("s", "y", "by the answer"),)}, r"group 's' uses 'y'"),
        ({"categories": (Category("c", "late", (1, 2), "late"),)}, r"category 'c' uses 'late'"),
        ({"entities": (Entity("who", "late", "late"),)}, r"entity 'who' uses 'late'"),
        ({"fresh": (Fresh("today", "who", "sum", "so far", "late"),)}, r"'today' uses 'late'"),
        (
            {"fresh": (Fresh("today", "who", "count", "late", where=(Where("late", 1),)),)},
            r"'today' uses 'late', which is not known",
        ),
        (
            {"fresh": (Fresh("today", "who", "count", "heavy", where=(Where("w", 1),)),)},
            r"'today' compares 'w' of type float; expected int, bool or timestamp",
        ),
        (
            {"fresh": (Fresh("today", "who", "count", "all", where=(Where("x"),)),)},
            r"'today' compares 'x' with nothing",
        ),
        (
            {"fresh": (Fresh("today", "who", "count", "steps", edges=(1, 2)),)},
            r"'today' has edges; they must rise, and belong to a column",
        ),
        (
            {"fresh": (Fresh("today", "who", "sum", "steps", "x", edges=(2, 1)),)},
            r"'today' has edges; they must rise",
        ),
        ({"snapshots": (Snapshot("n7", "who", "sum", 7, "early", "late"),)}, r"'n7' uses 'late'"),
        (
            {"snapshots": (Snapshot("n7", "who", "sum", 7, "kilos", "w"),)},
            r"sums 'w' of type float",
        ),
        ({"snapshots": (Snapshot("n7", "who", "count", 7, "n", "x"),)}, r"a count takes no column"),
        (
            {"snapshots": (Snapshot("n7", "who", "mean", 7, "n"),)},
            r"every other aggregate takes one",
        ),
        (
            {"snapshots": (Snapshot("n7", "whom", "count", 7, "n"),)},
            r"no entity 'whom'; did you mean 'who'",
        ),
        ({"snapshots": (Snapshot("x", "who", "count", 7, "n"),)}, r"used twice as a name: x"),
        (
            {"fresh": (Fresh("known_at", "who", "count", "n"),)},
            r"'known_at' is the name under which",
        ),
        ({"label": "x"}, r"the label 'x' is declared as known"),
        ({"label": "z"}, r"no column 'z'"),
        ({"key": "idd"}, r"no column 'idd'; did you mean 'id'"),
        ({"time": "x"}, r"event time 'x' is of type int"),
        ({"time": None}, r"a table without time can have no label delay"),
        (
            {"time": None, "label_delay": 0},
            r"a table without time can have no snapshots",
        ),
        ({"derive": {"ats": "now()"}}, r"no column 'ats'; did you mean 'at'"),
        ({"derived": ("halv",)}, r"no row feature for `derived` 'halv'; did you mean 'half'"),
        ({"derived": ("x",)}, r"no row feature for `derived` 'x'"),
        (
            {
                "derived": ("over",),
                "fresh": (Fresh("today", "who", "sum", "so far", "over"),),
                **OVER,
            },
            r"the derived features \(over\) need 'today', which is itself a history of 'over'",
        ),
        (
            {
                "derived": ("half", "over"),
                "fresh": (Fresh("today", "who", "count", "n", where=(Where("over", 1),)),),
                **OVER,
            },
            r"need 'today', which is itself a history of 'over'",
        ),
        (
            {
                "derived": ("half",),
                "fresh": (Fresh("today", "who", "count", "n", where=(Where("half"),)),),
            },
            r"'today' compares 'half' with nothing",
        ),
        ({"fresh": (Fresh("today", "who", "sum", "so far", "half"),)}, r"no column 'half'"),
    ],
)
def test_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        replace(CASE, **change)


def test_matured_snapshot_may_use_what_is_known_late() -> None:
    matured = Snapshot("late_7d", "who", "mean", 7, "late", "late", matured=True)
    assert replace(CASE, snapshots=(matured,), features=("late_7d",)).features == ("late_7d",)


def test_known_and_unknown_part_the_contract() -> None:
    assert [c.name for c in CASE.known] == ["id", "at", "who", "x", "w"]
    assert [c.name for c in CASE.unknown] == ["y", "late"]


def test_slipping_the_arrival_into_flights_is_refused() -> None:
    flights = load("flights")
    with pytest.raises(SpecError, match="'arr_time', which is not known at prediction time"):
        replace(flights, features=(*flights.features, "arr_time"))


def test_what_a_mark_is_made_with_and_nothing_else() -> None:
    week = Fresh("n_over", "who", "sum", "over so far", "over")
    case = replace(CASE, **OVER, derived=("over",), fresh=(*CASE.fresh, week))
    built = case.derivation
    assert [r.name for r in built.rows] == ["half", "over"]
    assert [f.name for f in built.aggregates] == ["today"]
    assert (built.features, built.derived) == ((), ())
    assert [
        r.name for r in replace(CASE, rows=(Row(half),), derived=("half",)).derivation.rows
    ] == ["half"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "x = 1\ny = (\n",
            r"broken/model\.py, line 2: Python cannot execute it \(SyntaxError: .*correct it",
        ),
        (
            "x = 1\nx.y\n",
            r"broken/model\.py, line 2: .*AttributeError: 'int' object has no attribute 'y'",
        ),
        ("\n\nx = {}['a']\n", r"broken/model\.py, line 3: .*KeyError: 'a'"),
        (
            "import nowhere_at_all\n",
            r"line 1: .*ModuleNotFoundError: No module named 'nowhere_at_all'",
        ),
        ("", r"expected a constant USECASE of type UseCase, found NoneType"),
    ],
)
def test_a_module_with_a_mistake_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "__init__.py").touch()
    (tmp_path / "broken" / "model.py").write_text(text)
    monkeypatch.setattr(usecases, "__path__", [str(tmp_path)])
    for module in ("usecases.broken", "usecases.broken.model"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    importlib.invalidate_caches()
    with pytest.raises(SpecError, match=message):
        load("broken")


def test_no_module_of_that_name() -> None:
    with pytest.raises(
        SpecError, match=r"'nowhere' has no module. Expected usecases/nowhere/model.py"
    ):
        load("nowhere")


ONE_FILE = """from plumbline.usecase import *

USECASE = UseCase(
    name="alone", title="alone", owner="a@example.com", problem="regression", key="id", label="y",
    columns=(Column("id", "int", "-", "number"), Column("y", "float", "-", "y", known=False)),
    features=("id",),
)
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ONE_FILE, ""),
        (f"{ONE_FILE}1 / 0\n", r"usecases/alone\.py, line \d+: Python cannot execute it"),
        (f"{ONE_FILE}import tests\n", r"usecases/alone\.py, line \d+: imports tests, which no"),
        (
            ONE_FILE.replace('"alone", title', '"other", title'),
            r"usecases/alone\.py: name is 'other'",
        ),
        ("x = 1\n", r"usecases/alone\.py: expected a constant USECASE"),
    ],
)
def test_a_usecase_in_one_file_gives_all_three_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    (tmp_path / "usecases").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "usecases" / "alone.py").write_text(text)
    monkeypatch.setattr(usecases, "__path__", [str(tmp_path / "usecases")])
    monkeypatch.delitem(sys.modules, "usecases.alone", raising=False)
    importlib.invalidate_caches()
    for part in (load_contract, load_features, load):
        if message:
            with pytest.raises(SpecError, match=message):
                part("alone")
        else:
            assert part("alone").label == "y"


LATE = "would leak the answer. Set known=False on 'x', or derive it from columns that are known"


@pytest.mark.parametrize(
    ("derive", "reads"),
    [
        ({"x": "late + 1"}, "'late', not known"),
        ({"x": "LATE"}, "'late', not known"),
        ({"x": '"late"'}, "'late', not known"),
        ({"x": "t.y * 2"}, "'y', not known"),
        ({"x": "coalesce(late, y, w)"}, "'late', 'y', not known"),
        ({"x": "COLUMNS('la.*')"}, "columns by a pattern or by their place, not known"),
        ({"x": "#7"}, "columns by a pattern or by their place, not known"),
        (
            {"y": "CASE answer WHEN 'a' THEN 1 END", "x": "length(answer)"},
            "'answer', what the label",
        ),
        ({"y": "done - begun", "at": "begun", "x": "hour(done)"}, "'done', what the label"),
        ({"y": "x > 3"}, "'x', what the label"),
    ],
)
def test_a_known_column_is_not_derived_from_what_is_late(
    derive: dict[str, str], reads: str
) -> None:
    with pytest.raises(SpecError, match="column 'x' is declared as known and reads") as refused:
        replace(CASE, derive=derive)
    assert reads in str(refused.value)
    assert LATE in str(refused.value)


def test_each_such_column_is_named_on_a_line_of_its_own() -> None:
    with pytest.raises(SpecError, match="column 'x'") as refused:
        replace(CASE, derive={"x": "late", "w": "y / 2"})
    assert [line.split("'")[1] for line in str(refused.value).splitlines()] == ["x", "w"]


def test_an_expression_does_not_step_out_of_its_place() -> None:
    with pytest.raises(SpecError, match=r"derive\['x'\]: expected one expression of DuckDB's SQL"):
        replace(CASE, derive={"x": "w) + (late"})


@pytest.mark.parametrize(
    "derive",
    [
        {"x": "w::INT"},
        {"x": "CASE WHEN w > 1 THEN 'late' END"},
        {"x": "struct_pack(late := w).late"},
        {"late": "y + 1"},
        {"y": "a + b", "x": "a"},
        {"y": "done - begun", "at": "begun", "x": "hour(begun)"},
    ],
)
def test_what_only_looks_like_it_is_accepted(derive: dict[str, str]) -> None:
    assert replace(CASE, derive=derive).derive == derive
