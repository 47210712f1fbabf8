"""The document that the tune stage writes (tune.json) and the train stage reads."""

from __future__ import annotations

from typing import Any

from plumbline.core.documents import Document

SettingValue = int | float | str


class TuneResult(Document):
    """Outcome of the search. `fixed`: tune.params of every trial; `params`: the best trial's settings.

    `metric` is the best trial's primary metric on the validation window, `rounds` its boosting rounds.
    The last three are None where nothing was searched.
    """

    trials: int
    failed: int
    metric_name: str
    fixed: dict[str, SettingValue]
    params: dict[str, SettingValue]
    metric: float | None = None
    best_trial: int | None = None
    rounds: int | None = None

    def plain(self) -> dict[str, Any]:
        """As in the file: without the keys of a best trial where there was no trial."""
        return self.model_dump(mode="json", exclude_none=True)
