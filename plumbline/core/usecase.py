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

from plumbline.core.errors import SpecError, suggest

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
    """One line of the contract: a column of the source, its type and what its values may be.

    >>> amount = Column("amount_cents", "int", "cents", "Amount of the payment", min=-500_000)
    >>> fraud = Column("is_fraud", "bool", "-", "Confirmed as a fraud", known=False)
    """

    name: str
    type: ColumnType
    unit: str  # a word: "cents", "minutes"; "-" where there is none
    description: str
    min: float | None = None  # smallest allowed value, inclusive
    max: float | None = None  # largest allowed value, inclusive
    allowed: tuple[str | int, ...] = ()  # the closed set of allowed values; empty: any value
    null: bool = False  # whether values may be missing
    known: bool = True  # False where the value is not known at prediction time
    forbidden: str = ""  # why no feature may use its values; empty: features may
    deprecated: str = ""  # what to use instead; a feature that uses it is refused


@dataclass(frozen=True)
class Entity:
    """What events are about, and what histories are kept for.

    >>> customer = Entity("customer", "customer_id", "Card holder")
    """

    name: str
    column: str  # the contract's column that holds the entity's id
    description: str


@dataclass(frozen=True)
class Where:
    """Restricts an aggregate to events whose `column` lies in [low, high). A null lies in no range.

    >>> night = Where("paid_at", low=22, high=6)
    """

    column: str  # of a timestamp, the hour of the day is compared
    low: int | None = None  # inclusive; None: no lower limit
    # exclusive; None: no upper limit; below `low`, the range wraps around: hours from 22 to 6
    high: int | None = None


@dataclass(frozen=True)
class Measure:
    """What an aggregate counts and sums as integers. `Snapshot` and `Fresh` build it themselves."""

    column: str | None = None  # whose values are summed; None: the events themselves are counted
    where: tuple[Where, ...] = ()  # all conditions must hold
    edges: tuple[int, ...] = ()  # a value counts as the number of edges at or below it


class Aggregated:
    """What a snapshot and a fresh feature have in common: how an entity's events become one number."""

    aggregate: Aggregate
    column: str | None
    default: float
    where: tuple[Where, ...]
    edges: tuple[int, ...]

    @property
    def measure(self) -> Measure:
        """What is counted and summed."""
        return Measure(self.column, self.where, self.edges)

    @property
    def empty_value(self) -> float:
        """The feature's value where its window holds nothing."""
        return self.default if self.aggregate in ("mean", "rate") else 0.0


@dataclass(frozen=True)
class Snapshot(Aggregated):
    """A feature of an entity's history: whole days that end at the midnight before the event.

    Values are summed as integers and divided once, so that all engines agree to the bit.

    >>> mean = Snapshot(
    ...     "customer_mean_30d", "customer", "mean", 30, "Mean amount in 30 days, cents", "amount_cents"
    ... )
    """

    name: str
    entity: str
    aggregate: Aggregate
    days: int  # length of the window, whole days
    description: str  # meaning and unit
    column: str | None = None  # what is aggregated; None for a count
    # True: count the events whose label became known in the window (event time + label delay);
    # columns not known at prediction time may then be used
    matured: bool = False
    default: float = 0.0  # value of a mean or rate without events; count and sum give 0
    where: tuple[Where, ...] = ()  # all conditions must hold
    # rising; a value then counts as the number of edges at or below it, so that a few large values
    # do not dominate a mean
    edges: tuple[int, ...] = ()


@dataclass(frozen=True)
class Fresh(Aggregated):
    """A feature of the entity's day so far: events of the same day, strictly earlier than this one.

    >>> today = Fresh("customer_count_today", "customer", "count", "Payments earlier today")
    """

    name: str
    entity: str
    aggregate: Aggregate
    description: str  # meaning and unit
    column: str | None = None  # what is aggregated; None for a count
    default: float = 0.0  # value of a mean or rate without events; count and sum give 0
    where: tuple[Where, ...] = ()  # all conditions must hold
    edges: tuple[int, ...] = ()  # rising; a value counts as the number of edges at or below it


@dataclass(frozen=True)
class Category:
    """A text or integer column as a code: its index in `values`, or len(values) for anything else.

    >>> category = Category("category", "category", ("food", "fuel"), "Merchant's category, code")
    """

    name: str  # may be the column's own name
    column: str
    values: tuple[str | int, ...]  # the vocabulary, in the order of the codes
    description: str


@dataclass(frozen=True)
class Row:
    """A row feature: an element-wise function of columns, histories and earlier row features.

    The function's name is the feature's name, its parameters are its inputs, and its docstring's first
    line is the description with the unit. Arrays of length n or 1 in, the same length out; times come
    as datetime64[us]. Only exact operations (+ - * / sqrt, comparisons), so that all processors agree.

    >>> def size_over_customer(amount_cents, customer_mean_30d):
    ...     "Amount over the customer's mean of 30 days, ratio"
    ...     return amount_cents / np.maximum(customer_mean_30d, 1)
    >>> ratio = Row(size_over_customer)
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
    """Groups of events that are judged one by one: by the values of a column, or by intervals of it.

    >>> amount = Slice("amount", "amount_cents", "Size of the payment", edges=(1_000, 10_000))
    """

    name: str
    column: str  # a known column, or a feature
    description: str
    edges: tuple[float, ...] = ()  # limits of the intervals; empty: one group per value


@dataclass(frozen=True)
class Behaviour:
    """How the model's answer must respond when an event changes; `evaluate` tests it.

    >>> def far_away(columns):
    ...     return {"distance_m": np.full_like(columns["distance_m"], 500_000)}
    >>> far = Behaviour("far_away", "A payment far from home is no safer", far_away, "not_lower")
    """

    name: str
    description: str
    # takes the event's columns, snapshots and fresh features and returns those that change; row
    # features are computed anew
    change: Callable[[Columns], Columns]
    # the changed event's answer against the unchanged one's; "above" and "below": against `limit`
    expect: Literal["same", "not_lower", "not_higher", "above", "below"]
    tolerance: float = 0.0  # difference that is allowed
    share: float = 0.99  # of the tested events on which it must hold
    limit: float | None = None  # of "above" and "below"; None: the classification's threshold


@dataclass(frozen=True)
class Use:
    """Intended use and known limits, for the model card. Each string is one sentence of it.

    >>> use = Use(intended=("Rank payments for review by a person.",), limits=("Simulated data.",))
    """

    intended: tuple[str, ...] = ()
    out_of_scope: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    fairness: str = ""  # why the `groups` were chosen, and what a gap between them means


@dataclass(frozen=True)
class UseCase:
    """One model's subject: its contract, features, label and what is expected of the model.

    >>> rain = Column("rain", "int", "mm", "Rain on the day", min=0)
    >>> late = Column("late", "bool", "-", "Delivered late", known=False)
    >>> key = Column("delivery_id", "int", "-", "Number of the delivery")
    >>> deliveries = UseCase(
    ...     name="deliveries",
    ...     title="Late deliveries",
    ...     owner="logistics",
    ...     problem="classification",
    ...     key="delivery_id",
    ...     label="late",
    ...     columns=(key, rain, late),
    ...     features=("rain",),
    ... )
    """

    name: str  # of the module, of the params section, and of the folders of outputs
    title: str  # for reports
    owner: str  # who answers for the model
    problem: Literal["classification", "regression"]
    key: str  # the column that identifies an event
    label: str  # the column that is predicted; declared with known=False
    columns: tuple[Column, ...]  # the contract
    features: tuple[str, ...]  # what the model sees, in this order
    time: str | None = None  # the event time's column; None: a plain table without histories
    label_delay: int = 0  # whole days until an event's label is known
    entities: tuple[Entity, ...] = ()
    # by contract column, a DuckDB expression over the source's columns
    derive: Mapping[str, str] = field(default_factory=dict)
    snapshots: tuple[Snapshot, ...] = ()
    fresh: tuple[Fresh, ...] = ()
    categories: tuple[Category, ...] = ()
    rows: tuple[Row, ...] = ()
    # names of row features that are kept with each event as they were at its time, so that histories
    # count and sum them like columns; whole numbers, not made of another such history
    derived: tuple[str, ...] = ()
    # a known numeric column or feature that is the naive answer: a score, or a value in the label's unit
    naive: str | None = None
    offset: str | None = None  # a numeric column or feature that the regression starts from
    slices: tuple[Slice, ...] = ()  # groups whose quality is judged one by one
    behaviours: tuple[Behaviour, ...] = ()
    groups: tuple[Slice, ...] = ()  # groups that the model should treat alike (fairness)
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
    def derivation(self) -> UseCase:
        """The use case reduced to what its derived event features are computed from."""
        wanted = _leading(self)
        return replace(
            self,
            features=(),
            snapshots=tuple(s for s in self.snapshots if s.name in wanted),
            fresh=tuple(f for f in self.fresh if f.name in wanted),
            categories=(),
            rows=tuple(r for r in self.rows if r.name in wanted),
            derived=(),
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
            f"usecases/{usecase.name}.py: there is no {kind} '{name}'; {suggest(name, choices)}"
        )
    return choices[name]


def _check(usecase: UseCase) -> None:
    _check_names(usecase)
    _check_columns(usecase)
    for aggregate in aggregates(usecase):
        _check_aggregate(usecase, aggregate)
    _check_rows(usecase)
    _check_derived(usecase)
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
        if usecase.snapshots or usecase.fresh or usecase.label_delay or usecase.derived:
            raise SpecError(
                f"usecases/{usecase.name}.py: a table without time can have no snapshots, fresh "
                "features, derived features or label delay; set `time`, or remove them."
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
    if feature.column is not None and feature.column not in usecase.derived:
        _check_summed(usecase, feature.name, usecase.column(feature.column))
    for condition in feature.where:
        _check_where(usecase, feature.name, condition)
    if not getattr(feature, "matured", False):
        reach = {*usecase.derived, *(c.name for c in usecase.known)}
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
    kind = "int" if condition.column in usecase.derived else usecase.column(condition.column).type
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


def _check_derived(usecase: UseCase) -> None:
    rows = {r.name: r for r in usecase.rows}
    for name in usecase.derived:
        _find(usecase, "row feature for `derived`", name, rows)
    leading = _leading(usecase)
    for feature in aggregates(usecase):
        used = set(usecase.derived).intersection(
            [feature.column, *(w.column for w in feature.where)]
        )
        if feature.name in leading and used:
            raise SpecError(
                f"usecases/{usecase.name}.py: the derived features ({', '.join(usecase.derived)}) need "
                f"'{feature.name}', which is itself a history of '{min(used)}'; compute derived features from "
                "columns and from histories of columns."
            )


def _leading(usecase: UseCase) -> set[str]:
    """The derived event features and all that they are computed from, by name."""
    found = set(usecase.derived)
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
        f"{suggest(name, reach)}"
    )
