"""The `features` section of params.yaml."""

from __future__ import annotations

from typing import Literal

from plumbline.core.params_base import Days, Section, Share


class Features(Section):
    """How the events are split. Timed: whole days back from as_of. Plain tables: shares of the keys.

    `join`: how snapshots meet events, by Feast's point-in-time join or by a direct one in DuckDB,
    which is several times faster. Both write the same bytes.
    """

    join: Literal["feast", "direct"] = "direct"
    warmup_days: Days = 30
    valid_days: Days = 30
    test_days: Days = 30
    current_days: Days = 30
    valid_share: Share = 0.15
    test_share: Share = 0.2
    current_share: Share = 0.15
