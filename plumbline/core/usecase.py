"""What a use case declares, in three parts that build on each other: contract, features, model.

A use case is data to the stages. Each part is a module of `usecases/<name>/`, so that a stage depends
on what it reads: data and validate on the contract, features, tune and train on the features too,
evaluate and monitor on all. Each part is checked when it is built, before any data is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from functools import cached_property
from typing import Any

from plumbline.core import usecase_checks
from plumbline.core.argument_kinds import Declaration
from plumbline.core.declarations import (
    Behaviour,
    Category,
    Column,
    Deprecated,
    Encoding,
    Entity,
    Fresh,
    Hourly,
    Only,
    Problem,
    Row,
    Scale,
    Slice,
    Snapshot,
    Split,
    Terms,
    TopK,
    Use,
)


@dataclass(frozen=True, kw_only=True)
class Contract(Declaration):
    """The events of a use case: columns, key, time, label, entities.

    >>> delivery = Column("delivery_id", "int", "-", "Number of the delivery")
    >>> rain = Column("rain", "int", "mm", "Rain on the day", min=0)
    >>> late = Column("late", "bool", "-", "Delivered late", known=False)
    >>> CONTRACT = Contract(
    ...     name="deliveries", title="Late deliveries", owner="logistics", problem="classification",
    ...     key="delivery_id", label="late", columns=(delivery, rain, late),
    ... )
    """

    name: str  # of the folder in usecases/, of the params section, and of the folders of outputs
    title: str  # for reports
    owner: str  # who answers for the model
    # classification: the label is 0 or 1; multiclass: it is one of its column's `allowed`; regression: a number
    problem: Problem
    key: str  # the column that identifies an event
    label: str  # the column that is predicted; declared with known=False
    columns: tuple[Column, ...]  # one line of the contract each
    time: str | None = None  # the event time's column; None: a plain table without histories
    label_delay: int = 0  # whole days until an event's label is known
    label_delay_hours: int = 0  # whole hours beside these days
    label_delay_minutes: int = 0  # whole minutes beside these hours
    entities: tuple[Entity, ...] = ()  # what histories are kept for
    # by contract column, a DuckDB expression over the source's columns; `__row` is the row's number
    derive: Mapping[str, str] = field(default_factory=dict)
    # the rows that the use case is about: all rules hold; others are left out and counted, and an event
    # that is none of them is refused
    only: tuple[Only, ...] = ()
    # names of columns, with null=True, that the source may lack: they are null then
    optional: tuple[str, ...] = ()
    planned: tuple[
        Column, ...
    ] = ()  # columns to come; none is read, and one that has come is reported
    terms: Terms | None = None  # licence, purpose and persons of the data

    def __post_init__(self) -> None:
        super().__post_init__()
        usecase_checks.contract(self)

    @cached_property
    def classes(self) -> tuple[str | int, ...]:
        """The classes of a multiclass label, in the order of their codes; () of other problems."""
        return self.column(self.label).allowed if self.problem == "multiclass" else ()

    @cached_property
    def known(self) -> tuple[Column, ...]:
        """The columns known at prediction time, in the contract's order."""
        return tuple(c for c in self.columns if c.known)

    @cached_property
    def unknown(self) -> tuple[Column, ...]:
        """The label and the other columns known only after the label delay."""
        return tuple(c for c in self.columns if not c.known)

    @cached_property
    def entity_columns(self) -> tuple[str, ...]:
        """The columns that hold an entity's id."""
        return tuple(e.column for e in self.entities if e.column is not None)

    @property
    def delay(self) -> timedelta:
        """How long after an event its label is known."""
        days, hours, minutes = self.delay_parts
        return timedelta(days=days, hours=hours, minutes=minutes)

    @property
    def delay_parts(self) -> tuple[int, int, int]:
        """The label delay as declared: days, hours, minutes."""
        return self.label_delay, self.label_delay_hours, self.label_delay_minutes

    @property
    def delay_words(self) -> str:
        """The label delay in words: "7 days", "2 hours and 30 minutes", "0 days"."""
        units = zip(self.delay_parts, ("days", "hours", "minutes"), strict=True)
        parts = [f"{n} {unit}" for n, unit in units if n]
        return " and ".join(parts) or "0 days"

    @property
    def delay_days(self) -> int:
        """Whole days after which an event's label is known: `delay`, rounded up."""
        return -(-self.delay // timedelta(days=1))

    def column(self, name: str) -> Column:
        """The contract's line for `name`; SpecError with the nearest names otherwise."""
        return usecase_checks.find(self, "column", name, {c.name: c for c in self.columns})

    def entity(self, name: str) -> Entity:
        """The entity called `name`; SpecError with the nearest names otherwise."""
        return usecase_checks.find(self, "entity", name, {e.name: e for e in self.entities})


@dataclass(frozen=True, kw_only=True)
class FeatureSet(Contract):
    """A contract and the features made of its events. `FeatureSet.of` takes the contract's fields over.

    >>> rain = Column("rain", "int", "mm", "Rain on the day", min=0)
    >>> late = Column("late", "bool", "-", "Delivered late", known=False)
    >>> CONTRACT = Contract(
    ...     name="deliveries", title="Late deliveries", owner="logistics", problem="classification",
    ...     key="rain", label="late", columns=(rain, late),
    ... )
    >>> FEATURES = FeatureSet.of(CONTRACT, features=("rain",))
    """

    features: tuple[str, ...]  # what the model sees, in this order
    snapshots: tuple[Snapshot, ...] = ()  # histories up to the midnight before the event
    hourly: tuple[Hourly, ...] = ()  # histories up to the full hour before the event
    fresh: tuple[Fresh, ...] = ()  # the day so far
    categories: tuple[Category, ...] = ()  # columns as codes
    encodings: tuple[
        Encoding, ...
    ] = ()  # columns of a plain table as the mean label of their values
    rows: tuple[Row, ...] = ()  # row features; one may use those before it
    # names of row features that are kept with each event as they were at its time, so that histories
    # count and sum them like columns; whole numbers, not made of another such history
    derived: tuple[str, ...] = ()
    offset: str | None = None  # a numeric column or feature that the regression starts from
    # of a regression, what the trees add up: the label; log(1 + label); its ratio to the offset; or the
    # log of the expected count (Poisson), where the offset is the exposure
    scale: Scale = "label"
    # whose events are scored: all rules hold, of known columns and features; others stay in histories
    # and are in no model table
    eligible: tuple[Only, ...] = ()
    deprecated: tuple[Deprecated, ...] = ()  # features that are retired, each with a reason
    split: Split = field(
        default_factory=Split
    )  # of a plain table; a table with time is split by whole days
    # of the tables: raise it when a column or a feature is removed, renamed, of another type or in another
    # place, or other rows are meant
    version: int = 1
    # by entity ("customer", hourly features "customer.hourly") the version of its view in the feature store,
    # where it is not 1: raise it when a feature of it is removed or renamed, or the key is another
    views: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, base: Contract, **parts: Any) -> FeatureSet:
        """The features of the events of the contract `base`; `parts`: the fields of a FeatureSet."""
        return cls(**_fields(base, Contract), **parts)

    def __post_init__(self) -> None:
        super().__post_init__()
        usecase_checks.features(self)

    @cached_property
    def stored(self) -> tuple[Snapshot | Hourly, ...]:
        """The histories that are stored for each day or hour: snapshots, then hourly ones, as declared."""
        return (*self.snapshots, *self.hourly)

    @cached_property
    def aggregates(self) -> tuple[Snapshot | Hourly | Fresh, ...]:
        """The features computed from an entity's history: the stored ones, then the fresh ones."""
        return (*self.stored, *self.fresh)

    @cached_property
    def native(self) -> frozenset[str]:
        """Names of the features that are categories to the model, not numbers."""
        return frozenset(c.name for c in self.categories if c.native and c.name in self.features)

    @cached_property
    def available(self) -> frozenset[str]:
        """Names that a model may use: known columns, and every declared feature."""
        names = {c.name for c in self.known} | {f.name for f in self.aggregates}
        names |= {e.name for e in self.encodings}
        return frozenset(names | {r.name for r in self.rows} | {c.name for c in self.categories})

    @cached_property
    def derivation(self) -> FeatureSet:
        """The feature set reduced to what its derived event features are computed from."""
        wanted = usecase_checks.leading(self)
        return replace(
            FeatureSet(**_fields(self, FeatureSet)),
            features=(),
            snapshots=tuple(s for s in self.snapshots if s.name in wanted),
            hourly=tuple(h for h in self.hourly if h.name in wanted),
            fresh=tuple(f for f in self.fresh if f.name in wanted),
            categories=(),
            rows=tuple(r for r in self.rows if r.name in wanted),
            derived=(),
            offset=None,
            eligible=(),
            deprecated=(),
            views={},
        )


@dataclass(frozen=True, kw_only=True)
class UseCase(FeatureSet):
    """A feature set and what the model's answers are judged by: one model's subject.

    `UseCase.of` takes the feature set's fields over.

    >>> rain = Column("rain", "int", "mm", "Rain on the day", min=0)
    >>> late = Column("late", "bool", "-", "Delivered late", known=False)
    >>> FEATURES = FeatureSet(
    ...     name="deliveries", title="Late deliveries", owner="logistics", problem="classification",
    ...     key="rain", label="late", columns=(rain, late), features=("rain",),
    ... )
    >>> USECASE = UseCase.of(FEATURES, naive="rain")
    """

    # a known numeric column or feature that is the naive answer: a score, or a value in the label's unit
    naive: str | None = None
    slices: tuple[Slice, ...] = ()  # groups whose quality is judged one by one
    behaviours: tuple[Behaviour, ...] = ()  # how answers must respond to a changed event
    groups: tuple[Slice, ...] = ()  # groups that the model should treat alike (fairness)
    top: TopK | None = None  # of a classification: precision among what each entity is shown
    use: Use = field(default_factory=Use)  # intended use and limits

    @classmethod
    def of(cls, base: Contract, **parts: Any) -> UseCase:
        """The use case of the feature set `base`; `parts`: naive, slices, groups, behaviours, use."""
        return cls(**_fields(base, FeatureSet), **parts)

    def __post_init__(self) -> None:
        super().__post_init__()
        usecase_checks.model(self)


def _fields(part: Contract, kind: type[Contract]) -> dict[str, Any]:
    return {f.name: getattr(part, f.name) for f in fields(kind)}
