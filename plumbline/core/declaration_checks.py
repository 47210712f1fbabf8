"""What is refused of a declaration by itself: unknown types and words, values of another type, impossible bounds."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, get_args

from plumbline.core import class_checks
from plumbline.core.declarations import (
    Aggregate,
    Behaviour,
    Category,
    Column,
    ColumnType,
    Entity,
    Fresh,
    Hourly,
    Problem,
    Slice,
    Snapshot,
)
from plumbline.core.errors import SpecError, suggest

if TYPE_CHECKING:
    from plumbline.core.usecase import Contract, FeatureSet, UseCase

EXPECTS = ("same", "not_lower", "not_higher", "above", "below")
FILE_ROW = "file_row_number"
VALUES: Mapping[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "string": (str,),
    "bool": (bool,),
}
"""Python's types of the values that a column of a type can be declared to have."""


def columns(usecase: Contract) -> None:
    """SpecError unless problem, types, allowed values and the label's type are possible."""
    file = f"usecases/{usecase.name}/contract.py"
    _choice(f"{file}: problem", usecase.problem, get_args(Problem))
    for column in usecase.columns:
        _choice(f"{file}: column '{column.name}': type", column.type, get_args(ColumnType))
        if column.allowed:
            check_values(f"{file}: column '{column.name}': allowed", column.allowed, column)
        _check_bounds(f"{file}: column '{column.name}'", column)
    label = usecase.column(usecase.label)
    if usecase.problem == "multiclass":
        class_checks.label(usecase)
    elif label.type in ("string", "timestamp"):
        raise SpecError(
            f"{file}: the label '{label.name}' is of type {label.type}; expected int, float or bool. Derive a "
            f"number in derive=..., for instance \"(CASE {label.name} WHEN 'yes' THEN 1 ELSE 0 END)\", or "
            'declare problem="multiclass" with the classes in the column\'s allowed=(...).'
        )


def roles(usecase: Contract) -> None:
    """SpecError unless key, time and label are three columns, and the key one that can identify."""
    file = f"usecases/{usecase.name}/contract.py"
    key, time = usecase.column(usecase.key), usecase.time and usecase.column(usecase.time)
    own = [name for name in (usecase.key, usecase.time, usecase.label) if name]
    if len(set(own)) < len(own):
        raise SpecError(
            f"{file}: key, time and label are {', '.join(own)}; expected different columns. A key can be made "
            'of others in derive=..., for instance "concat(shop, day)".'
        )
    if key.type in ("float", "bool"):
        raise SpecError(
            f"{file}: the key '{key.name}' is of type {key.type}; expected int or string, which tell rows apart "
            "exactly. Declare it as a string, or derive one."
        )
    for column, role in ((key, "key"), (time, "event time")):
        if column and not column.known:
            raise SpecError(
                f"{file}: the {role} '{column.name}' has known=False; it is known of every event: remove it."
            )


def entity(usecase: Contract, one: Entity) -> None:
    """SpecError for an id of a type that no history can be kept by."""
    if one.column is None:
        return
    kind = usecase.column(one.column).type
    if kind not in ("int", "string", "bool"):
        raise SpecError(
            f"usecases/{usecase.name}/contract.py: entity '{one.name}': column '{one.column}' is of type {kind}; "
            "expected int, string or bool."
        )


def intervals(usecase: FeatureSet, where: str, piece: Slice) -> None:
    """SpecError for intervals of a text or a time, or whose edges do not rise."""
    if not piece.edges:
        return
    numeric(usecase, "model", piece.column, f"{where} with edges")
    if any(a >= b for a, b in pairwise(piece.edges)):
        raise SpecError(
            f"usecases/{usecase.name}/model.py: {where}: edges are {piece.edges}; they must rise."
        )


def names(usecase: Contract, listed: Sequence[str], part: str = "contract") -> None:
    """SpecError for a column's name that DuckDB, Parquet or the project's own queries cannot bear."""
    file, before = f"usecases/{usecase.name}/{part}.py", dict[str, str]()
    for name in listed:
        if not name.isprintable():
            raise SpecError(
                f"{file}: the column's name {name!r} has a line break or another character that is not seen; "
                "rename it in the source, and here."
            )
        if name != unicodedata.normalize("NFC", name):
            raise SpecError(
                f"{file}: '{name}' is not normalised (NFC): another text looks the same; type it anew."
            )
        if name.startswith("__"):
            raise SpecError(
                f"{file}: '{name}' begins with two underscores, as the project's own names; rename the column."
            )
        if name.casefold() == FILE_ROW:
            raise SpecError(
                f"{file}: '{name}' is DuckDB's name of a row's number in a file; rename the column in the source, or "
                "derive it under another name."
            )
        other = before.setdefault(name.casefold(), name)
        if other != name:
            raise SpecError(
                f"{file}: '{other}' and '{name}' differ in case only, which DuckDB does not tell apart; "
                "rename one."
            )


def feature_name(usecase: Contract, name: str) -> None:
    """SpecError for a feature's name that XGBoost refuses."""
    if any(c in name for c in "[]<"):
        raise SpecError(
            f"usecases/{usecase.name}/features.py: the feature list has '{name}': XGBoost takes no [, ] or < "
            "in a name; rename the column in the source, or derive it under another name."
        )


def aggregate(usecase: FeatureSet, feature: Snapshot | Hourly | Fresh) -> None:
    """SpecError for a way of aggregating that does not exist."""
    where = f"usecases/{usecase.name}/features.py: feature '{feature.name}': aggregate"
    _choice(where, feature.aggregate, get_args(Aggregate))


def window(usecase: FeatureSet, feature: Snapshot | Hourly | Fresh) -> None:
    """SpecError unless a window's length and its lag are whole numbers of at least 1."""
    if isinstance(feature, Fresh):
        return
    unit = "days" if isinstance(feature, Snapshot) else "hours"
    where = f"usecases/{usecase.name}/features.py: feature '{feature.name}'"
    for field, value in ((unit, feature.length), ("lag", feature.lag)):
        if type(value) is not int or value < 1:
            raise SpecError(f"{where}: {field} is {value!r}; expected a whole number from 1 up.")


def delay(usecase: Contract) -> None:
    """SpecError unless the label delay is whole days, hours and minutes."""
    for field in ("label_delay", "label_delay_hours", "label_delay_minutes"):
        value = getattr(usecase, field)
        if type(value) is not int or value < 0:
            raise SpecError(
                f"usecases/{usecase.name}/contract.py: {field} is {value!r}; expected a whole number from 0 up: "
                "days in label_delay, hours in label_delay_hours, minutes in label_delay_minutes."
            )


def top(usecase: UseCase) -> None:
    """SpecError unless what is shown to whom are known columns of a classification."""
    if usecase.top is None:
        return
    where = f"usecases/{usecase.name}/model.py: top"
    if usecase.problem != "classification":
        raise SpecError(
            f"{where}: it is a share of positives, and this is a {usecase.problem}; remove it."
        )
    coded = {c.name for c in usecase.categories}
    known = {c.name for c in usecase.known if c.type in ("int", "string") and c.name not in coded}
    for name in (usecase.top.entity, usecase.top.item):
        if name not in known:
            raise SpecError(
                f"{where}: '{name}' is no known column of type int or string; {suggest(name, known)}."
            )
    if usecase.top.k < 1:
        raise SpecError(f"{where}: k is {usecase.top.k}; expected a whole number from 1 up.")


def category(usecase: FeatureSet, one: Category) -> None:
    """SpecError unless the vocabulary has values of its column's type, each once."""
    where = f"usecases/{usecase.name}/features.py: category '{one.name}'"
    column = usecase.column(one.column)
    if column.type not in ("string", "int"):
        raise SpecError(
            f"{where}: column '{column.name}' is of type {column.type}; expected string or int. A bool or a "
            "float is a feature as it is; a time needs a row feature."
        )
    check_values(f"{where}: values", one.values, column)
    twice = sorted({str(v) for v in one.values if one.values.count(v) > 1})
    if twice:
        raise SpecError(f"{where}: values has {twice[0]} twice; remove one.")


def numeric(usecase: FeatureSet, part: str, name: str, where: str) -> None:
    """SpecError where a model would have to compute with a text or a time."""
    kinds = {c.name: c.type for c in usecase.columns}
    coded = {c.name for c in usecase.categories}
    if name in coded or kinds.get(name) not in ("string", "timestamp"):
        return
    remedy = "make it a Category" if kinds[name] == "string" else "make it a number by a Row"
    raise SpecError(
        f"usecases/{usecase.name}/{part}.py: {where} uses '{name}' of type {kinds[name]}; expected a number: "
        f"{remedy}, and use that."
    )


def behaviour(usecase: Contract, one: Behaviour) -> None:
    """SpecError for an expectation that does not exist."""
    _choice(
        f"usecases/{usecase.name}/model.py: behaviour '{one.name}': expect", one.expect, EXPECTS
    )


def _check_bounds(where: str, column: Column) -> None:
    """SpecError for bounds that hold for no value, or of a column that has no order."""
    low, high = column.min, column.max
    if (low, high) == (None, None):
        return
    if column.type not in ("int", "float"):
        more = (
            " A window of times: data.start and data.as_of in params.yaml."
            if column.type == "timestamp"
            else ""
        )
        raise SpecError(
            f"{where}: min and max are for int and float, and it is of type {column.type}; use allowed=..., or "
            f"remove them.{more}"
        )
    if low is not None and high is not None and low > high:
        raise SpecError(f"{where}: min {low:g} is larger than max {high:g}; no row could be valid.")
    outside = [v for v in column.allowed if not _within(v, low, high)]
    if outside:
        raise SpecError(
            f"{where}: allowed has {outside[0]!r}, outside of min and max; change one of them."
        )


def _within(value: Any, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _choice(where: str, value: object, choices: Sequence[str]) -> None:
    if value not in choices:
        raise SpecError(f"{where} is {value!r}; expected one of {', '.join(choices)}.")


def check_values(where: str, values: Sequence[Any], column: Column) -> None:
    """SpecError unless `values` is a tuple of values that the column can have."""
    if not isinstance(values, tuple):
        raise SpecError(
            f"{where} is {values!r}; expected a tuple of values. With one value it needs a comma: (1,)."
        )
    kinds = VALUES.get(column.type, ())
    for value in values:
        if not isinstance(value, kinds) or (isinstance(value, bool) and column.type != "bool"):
            raise SpecError(
                f"{where} has {value!r}, and the column '{column.name}' is of type {column.type}: no row could "
                f"match. Expected {' or '.join(k.__name__ for k in kinds) or 'none'}."
            )
