"""What metrics/<usecase>/features.json holds: the feature catalog and the figures of the model tables."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from plumbline.core.documents import SparseDocument
from plumbline.features.history_age import HistoryAges
from plumbline.features.partition_drift import HistoryDrift


class CatalogEntry(SparseDocument):
    """One feature. `sources` are the contract's columns that it is made from.

    `version` is as declared, a column's that of the feature set; `definition`: a hash of what it is made of.
    """

    name: str
    kind: Literal["column", "snapshot", "hourly", "fresh", "row", "category", "encoding"]
    description: str
    sources: list[str]
    dtype: str
    owner: str
    in_model: bool
    version: int = 1
    definition: str = ""
    entity: str = ""  # of histories
    aggregate: str = ""
    window: str = ""
    default: float = 0.0  # of these and of categories
    missing: float = 0.0  # share of the rows of all tables
    deprecated: str = ""  # why it is retired; of features that are
    used_by: list[str] = Field(default_factory=list)  # what still uses one that is retired


class FeatureView(SparseDocument):
    """A feature view as the store defines it.

    `version`: as declared, and behind the point the raises of all that its features are made of;
    `definition`: a hash of these.
    """

    name: str
    entity: str
    join_key: str
    description: str
    owner: str
    ttl_days: int  # 0 where it is an hour
    features: list[str]
    version: str = "1.0"
    definition: str = ""
    kept_by: str = ""  # another use case, which fills and serves it


class TableFigures(SparseDocument):
    """What is in one model table. Days: only where events have a time. The label's rate or mean is
    null where no label is known."""

    rows: int
    without_label: int
    ineligible: int = 0  # rows with a label that the use case's `eligible` leaves out
    start: str = ""
    end: str = ""
    label_rate: float | None = None  # classification
    label_mean: float | None = None  # regression
    class_rows: dict[str, int] | None = None  # several classes


class FeaturesReport(SparseDocument):
    """metrics/<usecase>/features.json."""

    rows: int
    tables: dict[str, TableFigures]
    features: list[CatalogEntry]
    views: list[FeatureView]
    history_ages: dict[str, dict[str, HistoryAges]] = Field(
        default_factory=dict
    )  # by window, entity
    partitions: list[HistoryDrift] = Field(default_factory=list)  # the newest month of each history
