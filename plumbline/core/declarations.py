"""What a use case is declared with: columns, entities, histories, features, slices, behaviours."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from plumbline.core.argument_kinds import Declaration
from plumbline.core.table_declarations import Deprecated as Deprecated
from plumbline.core.table_declarations import Encoding as Encoding
from plumbline.core.table_declarations import Only as Only
from plumbline.core.table_declarations import Split as Split
from plumbline.core.table_declarations import Terms as Terms
from plumbline.core.table_declarations import TopK as TopK

KNOWN_AT = "known_at"
"""The column that outcomes have beside the contract's: when each became known."""
EVERY_EVENT, EVERY_ID = "__all", 0
"""Column and id of the one history of an entity that all events are about."""
Array = np.ndarray
Columns = Mapping[str, Array]
"""Named one-dimensional arrays of one length n (or 1): a batch of events, or a single event."""
ColumnType = Literal["int", "float", "string", "bool", "timestamp"]
Aggregate = Literal["count", "sum", "mean", "rate"]
Scale = Literal["label", "log", "ratio", "count"]
Problem = Literal["classification", "multiclass", "regression"]


@dataclass(frozen=True)
class Column(Declaration):
    """One line of the contract: a column of the source, its type and what its values may be.

    >>> amount = Column("amount_cents", "int", "cents", "Amount of the payment", min=-500_000)
    >>> fraud = Column("is_fraud", "bool", "-", "Confirmed as a fraud", known=False)
    """

    name: str  # of the column in the source, or a key of `derive`
    type: ColumnType  # of the values; a timestamp has no time zone
    unit: str  # a word: "cents", "minutes"; "-" where there is none
    description: str  # for reports
    min: float | None = None  # smallest allowed value, inclusive
    max: float | None = None  # largest allowed value, inclusive
    allowed: tuple[str | int, ...] = ()  # the closed set of allowed values; empty: any value
    null: bool = False  # whether values may be missing
    known: bool = True  # False where the value is not known at prediction time
    # why no feature may use its values, which are then shown nowhere; empty: features may
    forbidden: str = ""
    deprecated: str = ""  # what to use instead; a feature that uses it is refused


@dataclass(frozen=True)
class Entity(Declaration):
    """What events are about, and what histories are kept for.

    >>> customer = Entity("customer", "customer_id", "Card holder")
    >>> everything = Entity("all", None, "All payments")
    """

    name: str  # of the entity, e.g. customer
    column: str | None  # the contract's column that holds the entity's id; None: of all events
    description: str  # for reports
    # the use case whose views in the feature store serve its histories, for all use cases that declare the
    # same entity and histories of the same events; empty: each use case has views of its own
    kept_by: str = ""

    @property
    def key(self) -> str:
        """The column of its ids in the stored histories."""
        return self.column or EVERY_EVENT


@dataclass(frozen=True)
class Where(Declaration):
    """Restricts an aggregate to events whose `column` lies in [low, high). A null lies in no range.

    >>> night = Where("paid_at", low=22, high=6)
    """

    column: str  # of a timestamp, the hour of the day is compared
    low: int | None = None  # inclusive; None: no lower limit
    # exclusive; None: no upper limit; below `low`, the range wraps around: hours from 22 to 6
    high: int | None = None


@dataclass(frozen=True)
class Measure:
    """What an aggregate counts and sums as integers. Histories build it themselves."""

    column: str | None = None  # whose values are summed; None: the events themselves are counted
    where: tuple[Where, ...] = ()  # all conditions must hold
    edges: tuple[int, ...] = ()  # a value counts as the number of edges at or below it


class Aggregated(Declaration):
    """What all histories have in common: how an entity's events become one number."""

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

    name: str  # of the feature
    entity: str  # name of the entity whose history it is
    aggregate: Aggregate  # rate: the mean of a 0/1 column
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
    # days back from the event's day to the window's last: 1 is the day before, 7 the same weekday
    # last week
    lag: int = 1
    version: int = 1  # of the definition: raise it whenever what the feature is made of changes

    @property
    def length(self) -> int:
        """Of the window, in days."""
        return self.days


@dataclass(frozen=True)
class Hourly(Aggregated):
    """A feature of an entity's last hours: whole clock hours that end before the event's own hour.

    >>> last = Hourly("station_last_hour", "station", "sum", 1, "Trips in the hour before", "trips")
    >>> week = Hourly(
    ...     "station_week_ago", "station", "sum", 1, "Trips, same hour last week", "trips", lag=168
    ... )
    """

    name: str  # of the feature
    entity: str  # name of the entity whose history it is
    aggregate: Aggregate  # rate: the mean of a 0/1 column
    hours: int  # length of the window, whole hours
    description: str  # meaning and unit
    column: str | None = None  # what is aggregated; None for a count
    # True: count the events whose label became known in the window; columns not known at prediction
    # time may then be used
    matured: bool = False
    default: float = 0.0  # value of a mean or rate without events; count and sum give 0
    where: tuple[Where, ...] = ()  # all conditions must hold
    edges: tuple[int, ...] = ()  # rising; a value counts as the number of edges at or below it
    # hours back from the event's hour to the window's last: 1 is the hour before, 168 the same hour
    # last week
    lag: int = 1
    version: int = 1  # of the definition: raise it whenever what the feature is made of changes

    @property
    def length(self) -> int:
        """Of the window, in hours."""
        return self.hours


@dataclass(frozen=True)
class Fresh(Aggregated):
    """A feature of the entity's day so far: events of the same day, strictly earlier than this one.

    With `matured`, those whose label became known from midnight to the event: their own day may be older.

    >>> today = Fresh("customer_count_today", "customer", "count", "Payments earlier today")
    """

    name: str  # of the feature
    entity: str  # name of the entity whose history it is
    aggregate: Aggregate  # rate: the mean of a 0/1 column
    description: str  # meaning and unit
    column: str | None = None  # what is aggregated; None for a count
    default: float = 0.0  # value of a mean or rate without events; count and sum give 0
    where: tuple[Where, ...] = ()  # all conditions must hold
    edges: tuple[int, ...] = ()  # rising; a value counts as the number of edges at or below it
    # True: count the events whose label became known since midnight and before this one; columns not
    # known at prediction time may then be used
    matured: bool = False
    version: int = 1  # of the definition: raise it whenever what the feature is made of changes


@dataclass(frozen=True)
class Category(Declaration):
    """A text or integer column as a code: its index in `values`, or len(values) for anything else.

    >>> category = Category("category", "category", ("food", "fuel"), "Merchant's category, code")
    """

    name: str  # of the feature; may be the column's own name
    column: str  # of type string or int
    values: tuple[str | int, ...]  # the vocabulary, in the order of the codes
    description: str  # for reports
    # True: the model splits on sets of values; False: on the order of the codes
    native: bool = False
    version: int = 1  # of the definition: raise it whenever what the feature is made of changes


@dataclass(frozen=True)
class Row(Declaration):
    """A row feature: an element-wise function of columns, histories and earlier row features.

    The function's name is the feature's name, its parameters are its inputs, and its docstring's first
    line is the description with the unit. Arrays of length n or 1 in, the same length out; times come
    as datetime64[us]. Only exact operations (+ - * / sqrt, comparisons), so that all processors agree.

    >>> def size_over_customer(amount_cents, customer_mean_30d):
    ...     "Amount over the customer's mean of 30 days, ratio"
    ...     return amount_cents / np.maximum(customer_mean_30d, 1)
    >>> ratio = Row(size_over_customer)
    """

    function: Callable[..., Array]  # see above
    version: int = 1  # of the definition: raise it whenever the function, or what it calls, changes

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
class Slice(Declaration):
    """Groups of events that are judged one by one: by the values of a column, or by intervals of it.

    >>> amount = Slice("amount", "amount_cents", "Size of the payment", edges=(1_000, 10_000))
    """

    name: str  # of the slice, e.g. in slice_floors of params.yaml
    column: str  # a known column, or a feature
    description: str  # for reports
    edges: tuple[float, ...] = ()  # limits of the intervals; empty: one group per value


@dataclass(frozen=True)
class Behaviour(Declaration):
    """How the model's answer must respond when an event changes; `evaluate` tests it.

    >>> def far_away(columns):
    ...     return {"distance_m": np.full_like(columns["distance_m"], 500_000)}
    >>> far = Behaviour("far_away", "A payment far from home is no safer", far_away, "not_lower")
    """

    name: str  # of the behaviour
    description: str  # for the model card: what must hold
    # takes the event's columns, snapshots and fresh features and returns those that change; row
    # features are computed anew
    change: Callable[[Columns], Columns]
    # the changed event's answer against the unchanged one's; "above" and "below": against `limit`
    expect: Literal["same", "not_lower", "not_higher", "above", "below"]
    tolerance: float = 0.0  # difference that is allowed
    share: float = 0.99  # of the tested events on which it must hold
    limit: float | None = None  # of "above" and "below"; None: the classification's threshold
    of: str | int | None = None  # of several classes, the one whose probability is meant


@dataclass(frozen=True)
class Use(Declaration):
    """Intended use and known limits, for the model card. Each string is one sentence of it.

    >>> use = Use(intended=("Rank payments for review by a person.",), limits=("Simulated data.",))
    """

    intended: tuple[str, ...] = ()  # what the model is for
    out_of_scope: tuple[str, ...] = ()  # what it must not be used for
    limits: tuple[str, ...] = ()  # what is known of its limits
    fairness: str = ""  # why the `groups` were chosen, and what a gap between them means
