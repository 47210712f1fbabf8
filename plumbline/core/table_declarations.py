"""Declarations about a table as a whole: its rows, how they are split, what is learned of it, what is shown of it."""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.core.argument_kinds import Declaration
from plumbline.core.errors import SpecError

NO_PERSONS = "none"


@dataclass(frozen=True)
class Only(Declaration):
    """The rows that a use case is about. Others are left out before any check, and counted.

    >>> paid = Only("status", "Orders that were paid", values=("paid", "shipped"))
    >>> far = Only("distance", "Flights of 100 miles and more", low=100)
    """

    column: str  # a known column; a null meets no rule
    description: str  # for reports
    values: tuple[str | int | bool, ...] = ()  # its values; empty: any
    low: float | None = None  # inclusive; None: no lower limit
    high: float | None = None  # exclusive; None: no upper limit


@dataclass(frozen=True)
class Split(Declaration):
    """How a plain table is split, where not row by row by shares of its keys.

    >>> patients = Split(group="patient_id")
    >>> published = Split(column="part")
    """

    # a column of text that holds each row's table: train, valid, test or current; declared with
    # known=False, as no request has it. Without rows of current, the rows of test stand there, too
    column: str | None = None
    group: str | None = None  # a known column: all rows of one value go into one table
    # True: each class has the same share in each table; a group counts by its largest label
    stratify: bool = False


@dataclass(frozen=True)
class TopK(Declaration):
    """What each entity is shown: its k rows of the highest score, without items that it is known to have.

    >>> shown = TopK("customer_id", "product", k=5)
    """

    entity: str  # a known column: who is shown something
    item: str  # a known column: what; known are those of the entity's positives in train and valid
    k: int = 10  # items at most, each once


@dataclass(frozen=True)
class Deprecated(Declaration):
    """A feature that is retired: what still uses it is named each time features are made, or refused.

    >>> old = Deprecated("customer_mean_30d", "since May; use customer_size_90d")
    >>> gone = Deprecated("night", "legal, 12 June", refuse=True)
    """

    feature: str  # its name: of a history, row feature, category or encoding
    reason: str  # since when and why, and what to use instead
    refuse: bool = False  # True: no stage runs while something uses it; False: a warning


@dataclass(frozen=True)
class Encoding(Declaration):
    """A category of a plain table as the mean label of its rows in train, drawn towards the mean of all.

    Rows of train are encoded by the rows of the other folds, all others by all of train. The bundle keeps
    what was learned; a null, or a value that train does not have, is the mean of all.

    >>> town = Encoding("town_mean", "town", "Mean price in the town, thousands", smoothing=20)
    """

    name: str  # of the feature
    column: str  # known, of type string or int
    description: str  # meaning and unit
    folds: int = 5  # at least 2; a key's fold never changes
    smoothing: float = 10.0  # above 0: the mean of all counts like so many rows
    version: int = 1  # of the definition: raise it whenever what the feature is made of changes


@dataclass(frozen=True)
class Terms(Declaration):
    """Licence and purpose of the data, and whose they are, for the datasheet and the model card.

    >>> terms = Terms(licence="CC0 1.0", purpose="Statistics of air traffic", persons="none")
    """

    licence: str  # under which the data may be used, and who grants it
    purpose: str  # what the data were collected for
    persons: str  # whose data they are; "none" where no person is in them
    consent: str = ""  # by which right data of persons are used: their consent, a contract, a law

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("licence", "purpose", "persons"):
            if not getattr(self, name).strip():
                raise SpecError(f"Terms: {name} is empty; expected words, or leave out `terms`.")
        if self.persons != NO_PERSONS and not self.consent.strip():
            raise SpecError(
                f"Terms: persons are {self.persons!r}, and consent is empty; expected by which right their data "
                f"are used, or persons={NO_PERSONS!r}."
            )
