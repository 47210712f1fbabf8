"""What a report is made of, before it is HTML, Markdown, plain text or a message of a chat.

Text is plain, but for `code` and **strong**. Each renderer escapes what its own format would read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Tone = Literal["good", "bad", "plain"]
Number = float | None
NUMBER = re.compile(r"(?!\d{4}-\d\d)[-+<>]?[\d–]")
"""How a number begins; a date is none."""
DATE = re.compile(r"\d{4}-\d\d-\d\d(?: [\d:.]+)?")


@dataclass(frozen=True)
class Title:
    """The document's name."""

    text: str


@dataclass(frozen=True)
class Verdict:
    """The first line of a document that judges; `mark` is its shape, so that colour is not alone."""

    text: str
    tone: Tone
    mark: str = ""


@dataclass(frozen=True)
class Heading:
    """A section's, or a use case's name; `level` 2 or 3."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """A list of lines."""

    lines: Sequence[str]


@dataclass(frozen=True)
class Link:
    """A file beside the document, and what it is; also a cell."""

    address: str
    text: str


@dataclass(frozen=True)
class Links:
    """A list of files beside the document."""

    items: Sequence[Link]


@dataclass(frozen=True)
class Facts:
    """Names and what they stand at."""

    items: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Note:
    """A finding: its title, what is known, and remarks under a name each."""

    tone: Tone
    title: str
    text: str
    remarks: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Notes:
    """Findings, the gravest first."""

    notes: Sequence[Note]


@dataclass(frozen=True)
class Pair:
    """A cell with two bars, reference above current, each a share 0 to 1 of the longest."""

    reference: float
    current: float


@dataclass(frozen=True)
class Lines:
    """A cell with a list; `rest` is folded away, `note` stands below."""

    lines: Sequence[str]
    rest: Sequence[str] = ()
    note: str = ""


Cell = str | Pair | Lines | Link


@dataclass(frozen=True)
class Table:
    """Rows of cells under a head; the columns at places in `numbers` are aligned to the right.

    Without `numbers` those are the columns, but for the first, that hold numbers alone.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    numbers: frozenset[int] | None = None

    @property
    def right(self) -> frozenset[int]:
        """Places of the columns that are aligned to the right."""
        if self.numbers is not None:
            return self.numbers
        columns = enumerate(zip(*self.rows, strict=True))
        return frozenset(i for i, cells in columns if i and all(map(is_number, cells)))


@dataclass(frozen=True)
class Cards:
    """Small tables side by side."""

    tables: Sequence[Table]


@dataclass(frozen=True)
class Legend:
    """What the upper and the lower bar of a `Pair` are."""

    reference: str
    current: str


@dataclass(frozen=True)
class Day:
    """A box of a calendar: its number, tone, mark, and its tooltip."""

    number: str
    tone: Tone
    mark: str
    text: str


@dataclass(frozen=True)
class Calendar:
    """The days of a month."""

    title: str
    days: Sequence[Day]


@dataclass(frozen=True)
class LineChart:
    """A value per day, None where there is none; `low` and `high` its interval.

    `weight`, 0 to 1, is how much is known of the day: a strip below the line.
    """

    title: str
    days: Sequence[str]
    values: Sequence[Number]
    low: Sequence[Number] = ()
    high: Sequence[Number] = ()
    weight: Sequence[Number] = ()
    weight_title: str = ""


@dataclass(frozen=True)
class Bars:
    """Two figures per label, base's and head's."""

    title: str
    labels: Sequence[str]
    base: Sequence[float]
    head: Sequence[float]


@dataclass(frozen=True)
class Graph:
    """The stages in order, what reads from what, and those whose entry changed."""

    title: str
    stages: Sequence[str]
    edges: Sequence[Sequence[str]]
    changed: frozenset[str]


@dataclass(frozen=True)
class Badge:
    """A small picture of a score: what it is, and its value."""

    label: str
    value: str
    tone: Tone


@dataclass(frozen=True)
class Picture:
    """A picture beside the document, `name`.png, and what it shows in words."""

    name: str
    text: str


@dataclass(frozen=True)
class Fold:
    """Blocks behind a line that opens them."""

    title: str
    inner: Sequence[Block] = field(default_factory=tuple)


Block = (
    Title
    | Verdict
    | Heading
    | Text
    | Bullets
    | Links
    | Facts
    | Notes
    | Table
    | Cards
    | Legend
    | Calendar
    | LineChart
    | Bars
    | Graph
    | Badge
    | Picture
    | Fold
)


def is_number(cell: Cell) -> bool:
    """Whether a cell begins as a number does, or stands for one that is not known."""
    return isinstance(cell, str) and NUMBER.match(cell) is not None


def is_date(cell: Cell) -> bool:
    """Whether a cell is a date or a time, which no line break may part.

    >>> is_date("2025-06-30"), is_date("2025-06-30 23:52:17"), is_date("2025-06-30 to today")
    (True, True, False)
    """
    return isinstance(cell, str) and DATE.fullmatch(cell) is not None


def text_of(cell: Cell) -> str:
    """A cell's text, for formats without drawings and lists."""
    if isinstance(cell, Lines):
        return "; ".join([*cell.lines, *cell.rest, *([cell.note] if cell.note else [])])
    if isinstance(cell, Link):
        return cell.text
    return "" if isinstance(cell, Pair) else cell
