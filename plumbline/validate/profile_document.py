"""The statistical profile of a window of days, as a document: data/<usecase>/profile.json."""

from __future__ import annotations

from pydantic import Field

from plumbline.core.documents import Document, SparseDocument


class ColumnProfile(SparseDocument):
    """A column in the window. Numbers: mean, standard deviation, quantiles, ends. Categories: shares."""

    rows: int
    null: float  # share of the rows
    mean: float | None = None
    sd: float | None = None
    min: float | None = None
    max: float | None = None
    quantiles: dict[str, float] = Field(default_factory=dict)  # by probability, "0.25"
    shares: dict[str, float] = Field(default_factory=dict)  # of the values that are not rare


class DayRows(Document):
    """The events of one day; Monday is weekday 0."""

    day: str
    weekday: int
    rows: int


class RowRates(SparseDocument):
    """Mean rows per day, and by weekday (None where the window has no such day). Empty without time."""

    mean: float | None = None
    weekdays: list[float | None] = Field(default_factory=list)


class MonthLabels(Document):
    """The labels of a month's events, once all are due. `digest`: of keys and labels, in any order."""

    month: str
    rows: int
    labelled: int
    mean: float | None
    digest: str


class Profile(SparseDocument):
    """What a window of days looks like. `window`: first day and the day after the last."""

    columns: dict[str, ColumnProfile]
    per_day: RowRates
    rows: int
    days: list[DayRows] = Field(default_factory=list)
    window: list[str] | None = None
    months: list[MonthLabels] = Field(default_factory=list)  # before the window's end
