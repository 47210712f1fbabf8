"""Declarations that cannot be meant are refused when they are loaded, with the list of choices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from plumbline.core.declarations import (
    Behaviour,
    Category,
    Column,
    Entity,
    Fresh,
    Slice,
    Snapshot,
    Where,
)
from plumbline.core.errors import SpecError
from plumbline.core.usecase import UseCase

CASE = UseCase(
    name="toy",
    title="Toy",
    owner="me@example.com",
    problem="regression",
    key="id",
    time="at",
    label="y",
    entities=(Entity("shop", "shop", "a shop"),),
    columns=(
        Column("id", "int", "-", "number"),
        Column("at", "timestamp", "UTC", "when"),
        Column("shop", "int", "-", "where", allowed=(1, 2)),
        Column("town", "string", "-", "where"),
        Column("open", "bool", "-", "whether", null=True),
        Column("size", "float", "m", "how big", allowed=(1, 2.5)),
        Column("y", "float", "units", "answer", known=False),
    ),
    features=("size", "open", "shop"),
)


def changed(name: str, /, **change: Any) -> dict[str, Any]:
    return {"columns": tuple(replace(c, **change) if c.name == name else c for c in CASE.columns)}


def category(column: str, *values: Any, name: str = "code") -> dict[str, Any]:
    return {"categories": (Category(name, column, values, "a code"),)}


MISTAKES: list[tuple[dict[str, Any], str]] = [
    (
        changed("size", type="date"),
        r"toy/contract\.py: column 'size': type is 'date'; .* int, float, string, bool, timestamp",
    ),
    (changed("size", type=int), r"type is <class 'int'>; expected one of int, float"),
    (changed("y", type="string"), r"the label 'y' is of type string; expected int, float or bool"),
    (changed("y", type="timestamp"), r"the label 'y' is of type timestamp"),
    (changed("shop", allowed=("1", "2")), r"'shop': allowed has '1', .* of type int.*Expected int"),
    (changed("shop", allowed=(True,)), r"allowed has True"),
    (changed("shop", allowed=(1.5,)), r"allowed has 1\.5"),
    (changed("town", allowed=(7,)), r"'town': allowed has 7, .* of type string.*Expected str"),
    (changed("town", allowed="north"), r"allowed is 'north'; expected a tuple .*comma"),
    (changed("at", allowed=(2024,)), r"'at': allowed has 2024"),
    (
        {"problem": "ranking"},
        r"problem is 'ranking'; expected one of classification, multiclass, regression",
    ),
    (category("shop", "1", "2"), r"toy/features\.py: category 'code': values has '1', .* type int"),
    (category("town", 1, 2), r"values has 1, and the column 'town' is of type string"),
    (category("open", True), r"'open' is of type bool; expected string or int"),
    (category("size", 1), r"'size' is of type float; expected string or int"),
    (category("town", "a", "b", "a"), r"values has a twice; remove one"),
    (
        {"categories": (Category("code", "town", "abc", "a code"),)},
        r"values is 'abc'; expected a tuple",
    ),
    ({"features": ("town",)}, r"feature list uses 'town' of type string; .*make it a Category"),
    ({"features": ("size", "at")}, r"feature list uses 'at' of type timestamp; .* by a Row"),
    ({"offset": "town"}, r"offset uses 'town' of type string"),
    ({"naive": "at"}, r"toy/model\.py: naive uses 'at' of type timestamp"),
    (
        {"snapshots": (Snapshot("n", "shop", "median", 7, "sizes", "shop"),)},  # type: ignore[arg-type]
        r"feature 'n': aggregate is 'median'; expected one of count, sum, mean, rate",
    ),
    (
        {"behaviours": (Behaviour("b", "is not", dict, "lower"),)},  # type: ignore[arg-type]
        r"toy/model\.py: behaviour 'b': expect is 'lower'; .* same, not_lower",
    ),
    (changed("size", allowed=(), min=3, max=2), r"'size': min 3 is larger than max 2; no row"),
    (changed("size", allowed=(5,), max=2), r"'size': allowed has 5, outside of min and max"),
    (
        changed("town", min=0),
        r"'town': min and max are for int and float, and it is of type string",
    ),
    (changed("open", max=1), r"'open': min and max are for int and float"),
    (
        changed("at", min=2020),
        r"'at': min and max .* of type timestamp; .*data\.start and data\.as_of",
    ),
    (changed("y", known=True), r"the label 'y' is declared as known .*; set known=False"),
    (changed("id", known=False), r"the key 'id' has known=False; it is known of every event"),
    (changed("at", known=False), r"the event time 'at' has known=False"),
    (changed("id", type="float"), r"the key 'id' is of type float; expected int or string"),
    (changed("id", type="bool"), r"the key 'id' is of type bool; expected int or string"),
    ({"key": "nr"}, r"there is no column 'nr'; choose one of: at, id, open, shop, size, town, y"),
    ({"key": "y"}, r"key, time and label are y, at, y; expected different columns"),
    ({"key": "at"}, r"key, time and label are at, at, y; expected different columns"),
    ({"label": "id"}, r"key, time and label are id, at, id"),
    ({"time": "shop"}, r"the event time 'shop' is of type int; expected timestamp"),
    ({"label_delay": -1}, r"label_delay is -1; expected a whole number from 0 up"),
    ({"time": None, "label_delay": 2}, r"a table without time can have no label delay; set `time`"),
    (
        {"time": None, "snapshots": (Snapshot("n", "shop", "count", 7, "events"),)},
        r"a table without time can have no snapshots, .*; set `time`, or remove them",
    ),
    (
        {"entities": (Entity("shop", "size", "a shop"),)},
        r"entity 'shop': column 'size' is of type float",
    ),
    ({"entities": (Entity("shop", "sho", "a shop"),)}, r"entity 'shop' uses 'sho', .*'shop'"),
    ({"entities": (*CASE.entities, *CASE.entities)}, r"contract\.py: used twice as a name: shop"),
    ({"columns": (*CASE.columns, CASE.columns[0])}, r"contract\.py: used twice as a name: id"),
    ({"features": ("size", "size")}, r"features\.py: used twice as a name: size"),
    ({"features": ("sice",)}, r"feature list uses 'sice', .*did you mean 'size'"),
    ({"features": ("y",)}, r"uses 'y', which is not known at prediction time"),
    ({"features": ()}, r"feature list is empty; name at least one of: at, open, shop, size, town"),
    (category("shop", 1, 2, name="SIZE"), r"'size' and 'SIZE' differ in case only"),
    (
        {"snapshots": (Snapshot("n", "shop", "count", 0, "events"),)},
        r"features\.py: feature 'n': days is 0; expected a whole number from 1 up",
    ),
    (
        {"fresh": (Fresh("n", "shops", "count", "events"),)},
        r"there is no entity 'shops'; did you mean 'shop'",
    ),
    (
        {"fresh": (Fresh("n", "shop", "count", "events", where=(Where("shop", 2, 2),)),)},
        r"'n' compares 'shop' with an empty range, from 2 to below 2",
    ),
    (
        {"slices": (Slice("s", "town", "towns", edges=(1,)),)},
        r"slice 's' with edges uses 'town' of",
    ),
    ({"slices": (Slice("s", "size", "sizes", edges=(2, 1)),)}, r"model\.py: .*edges .* must rise"),
    (
        {"groups": (Slice("s", "shop", "a"), Slice("s", "open", "b"))},
        r"model\.py: used twice .* s;",
    ),
    ({"owner": 3}, r"UseCase 'toy': owner is 3; expected a text"),
]


@pytest.mark.parametrize(("change", "message"), MISTAKES)
def test_what_cannot_be_meant(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        replace(CASE, **change)


def test_a_category_may_bear_its_columns_name() -> None:
    assert replace(CASE, **category("town", "a", "b", name="town"), features=("town",))
    assert replace(CASE, **category("shop", 1, 2))
    assert replace(CASE, **changed("y", type="bool"), problem="classification")


def renamed(name: str) -> dict[str, Any]:
    return changed("size", name=name) | {"features": (name,)}


NAMES = [
    (renamed("Open"), r"toy/contract\.py: .open. and .Open. differ in case only"),
    (renamed("gro\u0308\u00dfe"), r"contract\.py: 'gro.{1,3}e' .* normalised"),
    (
        renamed("file_row_number"),
        r"'file_row_number' is DuckDB's name of a row's number in a file; rename",
    ),
    (renamed("__row"), r"'__row' begins with two underscores, .* own names; rename"),
    (renamed("size [m]"), r"toy/features\.py: .* 'size \[m\]': XGBoost takes no \[, \] or <"),
    (renamed("size\nm"), r"'size\\nm' has a line break or another character"),
    (renamed("size\u00a0"), r"'size\\xa0' has a line break or another character"),
]


@pytest.mark.parametrize(("change", "message"), NAMES)
def test_names_that_another_part_cannot_bear(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        replace(CASE, **change)
