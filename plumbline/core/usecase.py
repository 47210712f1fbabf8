"""What a use case declares: contract, features, label, slices, groups, behaviours, use.

A use case is data to the stages. Its module in `usecases/` builds one `UseCase`; the checks here
refuse, before any data is read, a declaration that leaks the label or names what does not exist.
"""

from __future__ import annotations

import importlib
import inspect
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, TypeVar

import numpy as np

from plumbline.core.errors import SpecError, near

Found = TypeVar("Found")
KNOWN_AT = "known_at"
"""The column that outcomes have beside the contract's: event time plus label delay."""
BROKEN = (
    *(ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, NameError),
    *(OSError, RuntimeError, SyntaxError, TypeError, ValueError),
)
"""What a module with a mistake raises when it is imported."""
Array = np.ndarray
Columns = Mapping[str, Array]
"""Named one-dimensional arrays of one length n (or 1): a batch of events, or a single event."""

ColumnType = Literal["int", "float", "string", "bool", "timestamp"]
Aggregate = Literal["count", "sum", "mean", "rate"]


@dataclass(frozen=True)
class Column:
    """One line of the contract.

    `unit` is a word ("cents", "minutes", "-"). `min` and `max` are inclusive. `allowed` is the closed
    set of values. `known` is False when the value is not known at prediction time. `forbidden`: why no
    feature may be made of its values; `deprecated`: what to use instead (both: features/policy.py).
    """

    name: str
    type: ColumnType
    unit: str
    description: str
    min: float | None = None
    max: float | None = None
    allowed: tuple[str | int, ...] = ()
    null: bool = False
    known: bool = True
    forbidden: str = ""
    deprecated: str = ""


@dataclass(frozen=True)
class Entity:
    """What events are about and histories are kept for; `column` holds its id."""

    name: str
    column: str
    description: str


@dataclass(frozen=True)
class Where:
    """Which events an aggregate takes: those whose `column` is from `low` to below `high`.

    None leaves that end open. Of a time, the hour of the day is compared. Where `low` is above `high`
    the range runs over the end: hours from 18 to 6. A null is in no range.
    """

    column: str
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True)
class Measure:
    """What is counted and summed as integers: events (no `column`), or the values of a column.

    With `edges`, rising, a value counts as its step: how many edges are at or below it. Means of
    steps on a scale of equal ratios do not follow a few great values, and sum exactly.
    """

    column: str | None = None
    where: tuple[Where, ...] = ()
    edges: tuple[int, ...] = ()


@dataclass(frozen=True)
class Snapshot:
    """An entity's history over the `days` whole days that end at the midnight before the event.

    `column` is summed as integers (None for a count) and divided once; `mean` and `rate` give
    `default` where there is nothing to divide by, `count` and `sum` give 0. With `matured`, the events
    counted are those whose label became known in the window (event time + label delay), and columns
    not known at prediction time may be used. `where` and `edges`: see `Where` and `Measure`.
    """

    name: str
    entity: str
    aggregate: Aggregate
    days: int
    description: str
    column: str | None = None
    matured: bool = False
    default: float = 0.0
    where: tuple[Where, ...] = ()
    edges: tuple[int, ...] = ()

    @property
    def measure(self) -> Measure:
        return Measure(self.column, self.where, self.edges)


@dataclass(frozen=True)
class Fresh:
    """The entity's day so far: events of the same day strictly earlier than this one."""

    name: str
    entity: str
    aggregate: Aggregate
    description: str
    column: str | None = None
    default: float = 0.0
    where: tuple[Where, ...] = ()
    edges: tuple[int, ...] = ()

    @property
    def measure(self) -> Measure:
        return Measure(self.column, self.where, self.edges)


@dataclass(frozen=True)
class Category:
    """A text or integer column as a code: its place in `values`, or len(values) for anything else."""

    name: str
    column: str
    values: tuple[str | int, ...]
    description: str


@dataclass(frozen=True)
class Row:
    """An element-wise function of columns, snapshots, fresh features and earlier rows.

    The function's name is the feature, its parameters are its inputs, its docstring's first line the
    description with the unit. Arrays of length n or 1 in, the same length out; times come as
    datetime64[us]; only exact operations (+ - * / sqrt, comparisons), so that all processors agree.
    """

    function: Callable[..., Array]

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(inspect.signature(self.function).parameters)

    @property
    def description(self) -> str:
        return (inspect.getdoc(self.function) or "").split("\n")[0]


@dataclass(frozen=True)
class Slice:
    """Groups by a known column or feature: by its values, or by intervals between `edges`."""

    name: str
    column: str
    description: str
    edges: tuple[float, ...] = ()


@dataclass(frozen=True)
class Behaviour:
    """What the model must do when an event changes.

    `change` takes the event's columns, snapshots and fresh features and returns those replaced; row
    features follow. `expect` holds on at least `share` of the pairs, within `tolerance`. A minimum
    that any model must meet is "above" or "below": the changed event's answer is at `limit` (the
    threshold of a classification where None is given) or above it, or stays below it.
    """

    name: str
    description: str
    change: Callable[[Columns], Columns]
    expect: Literal["same", "not_lower", "not_higher", "above", "below"]
    tolerance: float = 0.0
    share: float = 0.99
    limit: float | None = None


@dataclass(frozen=True)
class Use:
    """For the model card: what the model is for, what not, and what its makers know of its limits."""

    intended: tuple[str, ...] = ()
    out_of_scope: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    fairness: str = ""


@dataclass(frozen=True)
class UseCase:
    """One model's subject. See the README's "your own data in six steps".

    `time` is None for a plain table without history. `derive` maps a contract column to a DuckDB
    expression over the source's columns. `features` is the ordered list that the model sees.
    `naive` names a known numeric column or feature that is the naive answer (a score to rank by, or
    a value in the label's unit). `offset` names one that the regression starts from. `label_delay`
    is in whole days. `groups` are those between which the model should treat alike. `marks` names row
    features that stay with each event, as they were at its time: histories count and sum them like
    columns. They are whole numbers, and made of no history of a mark.
    """

    name: str
    title: str
    owner: str
    problem: Literal["classification", "regression"]
    key: str
    label: str
    columns: tuple[Column, ...]
    features: tuple[str, ...]
    time: str | None = None
    label_delay: int = 0
    entities: tuple[Entity, ...] = ()
    derive: Mapping[str, str] = field(default_factory=dict)
    snapshots: tuple[Snapshot, ...] = ()
    fresh: tuple[Fresh, ...] = ()
    categories: tuple[Category, ...] = ()
    rows: tuple[Row, ...] = ()
    marks: tuple[str, ...] = ()
    naive: str | None = None
    offset: str | None = None
    slices: tuple[Slice, ...] = ()
    behaviours: tuple[Behaviour, ...] = ()
    groups: tuple[Slice, ...] = ()
    use: Use = Use()

    def __post_init__(self) -> None:
        _check(self)

    @cached_property
    def known(self) -> tuple[Column, ...]:
        """The columns known at prediction time, in the contract's order."""
        return tuple(c for c in self.columns if c.known)

    @cached_property
    def unknown(self) -> tuple[Column, ...]:
        """The label and the other columns known only after the label delay."""
        return tuple(c for c in self.columns if not c.known)

    @cached_property
    def aggregates(self) -> tuple[Snapshot | Fresh, ...]:
        """The snapshot features, then the fresh ones, in the declared order."""
        return (*self.snapshots, *self.fresh)

    @cached_property
    def marking(self) -> UseCase:
        """What the marks are made with: rows and histories that lead to them, and nothing else."""
        wanted = _leading(self)
        return replace(
            self,
            features=(),
            snapshots=tuple(s for s in self.snapshots if s.name in wanted),
            fresh=tuple(f for f in self.fresh if f.name in wanted),
            categories=(),
            rows=tuple(r for r in self.rows if r.name in wanted),
            marks=(),
            naive=None,
            offset=None,
            slices=(),
            behaviours=(),
            groups=(),
        )

    def column(self, name: str) -> Column:
        """The contract's line for `name`; SpecError with the nearest names otherwise."""
        return _find(self, "column", name, {c.name: c for c in self.columns})

    def entity(self, name: str) -> Entity:
        """The entity called `name`; SpecError with the nearest names otherwise."""
        return _find(self, "entity", name, {e.name: e for e in self.entities})


def aggregates(usecase: UseCase) -> list[Snapshot | Fresh]:
    """The features computed from an entity's history: snapshots, then fresh ones."""
    return [*usecase.snapshots, *usecase.fresh]


def load(name: str) -> UseCase:
    """The `USECASE` that `usecases/<name>.py` declares.

    Raises SpecError where there is no such module, Python cannot execute it, or it declares none.
    """
    try:
        module = importlib.import_module(f"usecases.{name}")
    except BROKEN as error:
        if isinstance(error, ModuleNotFoundError) and error.name == f"usecases.{name}":
            raise SpecError(
                f"params.yaml, usecases: '{name}' has no module. "
                f"Expected usecases/{name}.py; write it or correct the name."
            ) from None
        raise SpecError(
            f"usecases/{name}.py{_line(error, name)}: Python cannot execute it "
            f"({type(error).__name__}: {error}); correct it."
        ) from error
    usecase = getattr(module, "USECASE", None)
    if not isinstance(usecase, UseCase):
        raise SpecError(
            f"usecases/{name}.py: expected a constant USECASE of type UseCase, "
            f"found {type(usecase).__name__}. End the module with `USECASE = UseCase(...)`."
        )
    return usecase


def _line(error: Exception, name: str) -> str:
    """Where in the module it stopped, as far as the error tells."""
    frames = [
        f.lineno
        for f in traceback.extract_tb(error.__traceback__)
        if f.filename.endswith(f"{name}.py")
    ]
    found = error.lineno if isinstance(error, SyntaxError) else next(reversed(frames), None)
    return "" if found is None else f", line {found}"


def _find(usecase: UseCase, kind: str, name: str, choices: Mapping[str, Found]) -> Found:
    if name not in choices:
        raise SpecError(
            f"usecases/{usecase.name}.py: there is no {kind} '{name}'; {near(name, choices)}"
        )
    return choices[name]


def _check(usecase: UseCase) -> None:
    _check_names(usecase)
    _check_columns(usecase)
    for aggregate in aggregates(usecase):
        _check_aggregate(usecase, aggregate)
    _check_rows(usecase)
    _check_marks(usecase)
    _check_references(usecase)


def _check_names(usecase: UseCase) -> None:
    names = [c.name for c in usecase.columns]
    names += [f.name for f in aggregates(usecase)] + [r.name for r in usecase.rows]
    names += [c.name for c in usecase.categories if c.name != c.column]
    if KNOWN_AT in names:
        raise SpecError(
            f"usecases/{usecase.name}.py: '{KNOWN_AT}' is the name under which outcomes tell when they "
            "became known; rename the column."
        )
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise SpecError(
            f"usecases/{usecase.name}.py: used twice as a name: {', '.join(twice)}; rename one of each."
        )


def _check_columns(usecase: UseCase) -> None:
    usecase.column(usecase.key)
    if usecase.column(usecase.label).known:
        raise SpecError(
            f"usecases/{usecase.name}.py: the label '{usecase.label}' is declared as known at "
            "prediction time; set known=False on its column."
        )
    for entity in usecase.entities:
        _known(usecase, entity.column, f"entity '{entity.name}'", {c.name for c in usecase.known})
    if usecase.time is None:
        if usecase.snapshots or usecase.fresh or usecase.label_delay or usecase.marks:
            raise SpecError(
                f"usecases/{usecase.name}.py: a table without time can have no snapshots, fresh "
                "features, marks or label delay; set `time`, or remove them."
            )
    elif usecase.column(usecase.time).type != "timestamp":
        raise SpecError(
            f"usecases/{usecase.name}.py: the event time '{usecase.time}' is of type "
            f"{usecase.column(usecase.time).type}; expected timestamp."
        )


def _check_aggregate(usecase: UseCase, feature: Snapshot | Fresh) -> None:
    usecase.entity(feature.entity)
    if (feature.column is None) != (feature.aggregate == "count"):
        raise SpecError(
            f"usecases/{usecase.name}.py: '{feature.name}' is a {feature.aggregate} over "
            f"{feature.column}; a count takes no column, every other aggregate takes one."
        )
    if feature.edges and (feature.column is None or list(feature.edges) != sorted(feature.edges)):
        raise SpecError(
            f"usecases/{usecase.name}.py: '{feature.name}' has edges; they must rise, and belong to a "
            "column."
        )
    if feature.column is not None and feature.column not in usecase.marks:
        _check_summed(usecase, feature.name, usecase.column(feature.column))
    for condition in feature.where:
        _check_where(usecase, feature.name, condition)
    if not getattr(feature, "matured", False):
        reach = {*usecase.marks, *(c.name for c in usecase.known)}
        for name in (feature.column, *(w.column for w in feature.where)):
            if name is not None:
                _known(usecase, name, f"feature '{feature.name}'", reach)


def _check_summed(usecase: UseCase, feature: str, column: Column) -> None:
    if column.type not in ("int", "bool"):
        raise SpecError(
            f"usecases/{usecase.name}.py: '{feature}' sums '{column.name}' of type {column.type}; "
            "only integers sum to the same bits in every engine: declare it in a smaller unit."
        )


def _check_where(usecase: UseCase, feature: str, condition: Where) -> None:
    kind = "int" if condition.column in usecase.marks else usecase.column(condition.column).type
    if kind not in ("int", "bool", "timestamp"):
        raise SpecError(
            f"usecases/{usecase.name}.py: '{feature}' compares '{condition.column}' of type {kind}; "
            "expected int, bool or timestamp."
        )
    if condition.low is None and condition.high is None:
        raise SpecError(
            f"usecases/{usecase.name}.py: '{feature}' compares '{condition.column}' with nothing; give its "
            "range a low or a high end."
        )


def _check_rows(usecase: UseCase) -> None:
    reach = {c.name for c in usecase.known}
    reach |= {f.name for f in aggregates(usecase)}
    for row in usecase.rows:
        for name in row.inputs:
            _known(usecase, name, f"feature '{row.name}'", reach)
        reach.add(row.name)


def _check_marks(usecase: UseCase) -> None:
    rows = {r.name: r for r in usecase.rows}
    for name in usecase.marks:
        _find(usecase, "row feature for the mark", name, rows)
    leading = _leading(usecase)
    for feature in aggregates(usecase):
        used = set(usecase.marks).intersection([feature.column, *(w.column for w in feature.where)])
        if feature.name in leading and used:
            raise SpecError(
                f"usecases/{usecase.name}.py: the marks ({', '.join(usecase.marks)}) are made with "
                f"'{feature.name}', which is itself a history of the mark '{min(used)}'; make marks of "
                "columns and of histories of columns."
            )


def _leading(usecase: UseCase) -> set[str]:
    """The marks and all that they are made of, by name."""
    found = set(usecase.marks)
    for row in reversed(usecase.rows):
        if row.name in found:
            found.update(row.inputs)
    return found


def _check_references(usecase: UseCase) -> None:
    reach = available(usecase)
    for category in usecase.categories:
        _known(
            usecase, category.column, f"category '{category.name}'", {c.name for c in usecase.known}
        )
    for name in usecase.features:
        _known(usecase, name, "the feature list", reach)
    for what, one in (("naive", usecase.naive), ("offset", usecase.offset)):
        if one is not None:
            _known(usecase, one, what, reach)
    for kind, pieces in (("slice", usecase.slices), ("group", usecase.groups)):
        for piece in pieces:
            _known(usecase, piece.column, f"{kind} '{piece.name}'", reach)
    for behaviour in usecase.behaviours:
        _check_limit(usecase, behaviour)
    for name in usecase.derive:
        usecase.column(name)


def _check_limit(usecase: UseCase, one: Behaviour) -> None:
    if one.expect in ("above", "below") and one.limit is None and usecase.problem == "regression":
        raise SpecError(
            f"usecases/{usecase.name}.py: behaviour '{one.name}' expects '{one.expect}', and a "
            "regression has no threshold; give it a limit in the label's unit."
        )


def available(usecase: UseCase) -> set[str]:
    """Names that a model may use: known columns, and every declared feature."""
    names = {c.name for c in usecase.known} | {f.name for f in aggregates(usecase)}
    return names | {r.name for r in usecase.rows} | {c.name for c in usecase.categories}


def _known(usecase: UseCase, name: str, where: str, reach: Iterable[str]) -> None:
    reach = set(reach)
    if name in reach:
        return
    if name in {c.name for c in usecase.unknown}:
        raise SpecError(
            f"usecases/{usecase.name}.py: {where} uses '{name}', which is not known at prediction "
            "time: it would leak the answer. Use a snapshot with matured=True, or drop it."
        )
    raise SpecError(
        f"usecases/{usecase.name}.py: {where} uses '{name}', which is not declared before it; "
        f"{near(name, reach)}"
    )
