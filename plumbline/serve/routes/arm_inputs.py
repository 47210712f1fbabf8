"""The events that one arm answers, and their features as each bundle beside it has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plumbline.serve.online.row_inputs import Computed
from plumbline.serve.routes.arms import LoadedBundle
from plumbline.serve.single_event import RawEvent

HOME = ""
"""The features of the process itself: see `LoadedBundle.features`."""
OtherHistories = Mapping[str, Sequence[Sequence[float]]]
"""By features: the histories of each event of a request."""


class ArmInputs:
    """`histories`: by features, of each event. Row features are computed once for all bundles of the same features."""

    def __init__(self, events: Sequence[RawEvent], histories: OtherHistories) -> None:
        self._events, self._histories = events, histories
        self._computed: dict[str, Computed] = {}

    def of(self, loaded: LoadedBundle) -> Computed:
        """The features of a bundle; ScoringError where one cannot be computed."""
        known = self._computed.get(loaded.features)
        if known is None:
            values = self._histories[loaded.features]
            known = self._computed[loaded.features] = loaded.compiled.rows.compute(
                self._events, values
            )
        return known
