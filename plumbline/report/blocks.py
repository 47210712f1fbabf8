"""What a report is made of, before it is Markdown or HTML: text is plain, and escaped by the renderer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Tone = Literal["good", "bad", "plain"]


@dataclass(frozen=True)
class Verdict:
    """The first line."""

    text: str
    tone: Tone


@dataclass(frozen=True)
class Heading:
    """A use case's name."""

    text: str


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """A list of lines."""

    lines: Sequence[str]


@dataclass(frozen=True)
class Table:
    """Rows of cells under a head; the columns at places in `numbers` are aligned to the right."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: frozenset[int] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Graph:
    """The stages in order, what reads from what, and those whose entry changed."""

    title: str
    stages: Sequence[str]
    edges: Sequence[Sequence[str]]
    reran: frozenset[str]


@dataclass(frozen=True)
class Bars:
    """Two figures per label, base's and head's."""

    title: str
    labels: Sequence[str]
    base: Sequence[float]
    head: Sequence[float]


@dataclass(frozen=True)
class Fold:
    """Blocks behind a line that opens them."""

    title: str
    inner: Sequence[Text | Bullets | Table]


Block = Verdict | Heading | Text | Bullets | Table | Graph | Bars | Fold
