"""What is guessed of a table, before it is written as code: the declarations themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from plumbline.core.declarations import Category, Column, Entity, Fresh, Slice, Snapshot
from plumbline.ops.infer.event_time import EventTime
from plumbline.ops.infer.guess import Evidence, RefusedGuess
from plumbline.ops.infer.label_choice import Label
from plumbline.ops.infer.label_delay import LabelDelay
from plumbline.ops.infer.row_key import RowKey
from plumbline.ops.infer.table_file import TableFile


@dataclass(frozen=True)
class RowFunction:
    """A row feature as source code."""

    name: str
    inputs: tuple[str, ...]
    description: str
    body: str  # lines, the last one returns


@dataclass(frozen=True)
class DraftContract:
    """The contract's parts, and why each is as it is."""

    columns: tuple[Column, ...]
    comments: Mapping[str, str]  # by column
    derive: Mapping[str, str]
    key: RowKey
    label: Label
    time: EventTime | None
    label_delay: LabelDelay
    entities: tuple[Entity, ...]


@dataclass(frozen=True)
class DraftFeatures:
    """The features, and what the model is judged by."""

    snapshots: tuple[Snapshot, ...] = ()
    fresh: tuple[Fresh, ...] = ()
    categories: tuple[Category, ...] = ()
    rows: tuple[RowFunction, ...] = ()
    features: tuple[str, ...] = ()
    offset: str | None = None
    naive: str | None = None
    slices: tuple[Slice, ...] = ()


@dataclass(frozen=True)
class Draft:
    """The whole use case."""

    name: str
    file: TableFile
    contract: DraftContract
    features: DraftFeatures
    evidence: tuple[Evidence, ...] = ()
    refused: tuple[RefusedGuess, ...] = field(default_factory=tuple)
