"""The record of a sensitivity study (sensitivity.json): settings tried around the best ones."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from plumbline.core.documents import Document
from plumbline.metrics.bootstrap import PairedWord
from plumbline.metrics.interval import Figure, Interval
from plumbline.model.tune_result import SettingValue


class JudgedFigure(Interval):
    """A figure on the validation window, and its paired difference to that of the best settings."""

    metric: float
    word: PairedWord


class TriedValue(JudgedFigure):
    """The same of one setting changed to `setting`."""

    setting: SettingValue


class FlatValues(Document):
    """The values of a choice at which nothing is lost beyond the margin; their share of those tried."""

    share: float
    values: list[str]


class FlatRange(Document):
    """The values around the best between which nothing is lost beyond the margin; their share."""

    share: float
    first: SettingValue = Field(alias="from")
    last: SettingValue = Field(alias="to")


class SearchTrials(Document):
    """A setting's values and the figures over the search's trials, and their rank correlation."""

    values: list[SettingValue]
    metrics: list[float]
    rank_correlation: float | None


class SettingRecord(Document):
    """One setting: how it is searched, its best value, the values tried, the search's trials."""

    scale: str
    best: SettingValue
    tried: list[TriedValue]
    flat: FlatValues | FlatRange
    trials: SearchTrials


class BestSettings(Document):
    """The best settings, their figure, and the figure that tune recorded."""

    params: Mapping[str, SettingValue]
    metric: float
    recorded: Figure


class SensitivityRecord(Document):
    """sensitivity.json: one setting at a time around the best, on the validation window."""

    usecase: str
    title: str
    metric_name: str
    best: BestSettings
    seeds: list[JudgedFigure]
    settings: dict[str, SettingRecord]
