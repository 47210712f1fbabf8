"""The profile of a table as a document: what `plumbline profile --json` writes."""

from __future__ import annotations

from pydantic import Field

from plumbline.core.documents import Document


class HistogramBin(Document):
    """A bin of equal width, or one value of a text, and its rows."""

    name: str
    rows: int


class ProfiledColumn(Document):
    """A column: its likely type ("" where it has none) and why, counts, ends, histogram or frequent values."""

    name: str
    type: str
    reason: str
    missing: int
    distinct: int
    low: str
    high: str
    histogram: list[HistogramBin]  # of numbers and times, in order
    frequent: list[HistogramBin]  # of texts and truth values, the most frequent first


class TimeSheet(Document):
    """The likely event time: ends, days with rows, days without, rows per day."""

    column: str
    reason: str
    first: str
    last: str
    days: int
    span: int
    missing_days: list[str]
    longest_gap_days: int
    repeated: int
    rows_per_day: dict[str, int]


class LabelRate(Document):
    """Of a segment or a span of time: rows, those with a label, and its share or mean with a 95 % interval."""

    name: str
    rows: int
    labelled: int
    mean: float | None
    low: float | None
    high: float | None


class LabelRates(Document):
    """The label over time, by `step` from each name on, and by segment. `what`: a share or a mean."""

    label: str
    what: str
    overall: LabelRate
    step: str
    over_time: list[LabelRate]
    segments: dict[str, list[LabelRate]]


class TableFinding(Document):
    """Something to look at before the table is used: what it concerns, and what was found."""

    subject: str
    text: str
    grave: bool


class TableProfile(Document):
    """A table's profile. `label`: what it was looked at for, or the likeliest; empty where nothing can be predicted."""

    table: str
    rows: int
    repeated_rows: int
    settings: dict[str, str]
    columns: list[ProfiledColumn]
    time: TimeSheet | None
    key: str
    key_reason: str
    entities: list[str]
    label: str
    labels: list[str]  # columns that can be predicted, the likeliest first
    findings: list[TableFinding] = Field(default_factory=list)
    rates: LabelRates | None = None
    plan: list[str] = Field(default_factory=list)  # of a use case: the gap to the plan of its data
