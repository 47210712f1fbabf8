"""The document that the tune stage writes (tune.json) and the train stage reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from plumbline.core.documents import Document
from plumbline.core.usecase import FeatureSet

SettingValue = int | float | str
Selected = TypeVar("Selected", bound=FeatureSet)


class FeatureEarning(Document):
    """A feature that was tried: what the metric lost without it, and whether it stays."""

    name: str
    earned: float
    kept: bool


class FeatureSelection(Document):
    """Which features earn their cost. Metrics on the validation window, of all features and of those kept.

    `tried`: in the order in which they were tried. `fits`: models fitted for it.
    """

    fits: int
    metric_of_all: float
    metric: float
    kept: list[str]
    tried: list[FeatureEarning]

    @property
    def dropped(self) -> list[str]:
        """The features that do not earn their cost."""
        return [one.name for one in self.tried if not one.kept]


class TuneResult(Document):
    """Outcome of the search. `fixed`: tune.params of every trial; `params`: the best trial's settings.

    `metric` is the best trial's primary metric on the validation window, `rounds` its boosting rounds.
    The last three are None where nothing was searched. `selection`: None where none was asked for.
    """

    trials: int
    failed: int
    metric_name: str
    fixed: dict[str, SettingValue]
    params: dict[str, SettingValue]
    metric: float | None = None
    best_trial: int | None = None
    rounds: int | None = None
    selection: FeatureSelection | None = None

    @property
    def dropped(self) -> list[str]:
        """The features that the selection leaves out."""
        return self.selection.dropped if self.selection else []

    def selected(self, usecase: Selected) -> Selected:
        """The use case with the features that the selection keeps."""
        return without(usecase, self.dropped)

    def plain(self) -> dict[str, Any]:
        """As in the file: without the keys of a best trial where there was no trial."""
        return self.model_dump(mode="json", exclude_none=True)


def without(usecase: Selected, dropped: Sequence[str]) -> Selected:
    """The use case without the features `dropped` in its model; itself where there is none."""
    if not dropped:
        return usecase
    kept = tuple(name for name in usecase.features if name not in dropped)
    return replace(usecase, features=kept)
