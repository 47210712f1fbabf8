"""The `features` section of params.yaml."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from plumbline.core.params_base import Day, Days, Section, Share


class Features(Section):
    """How events are joined to their histories, and how they are split.

    A use case with an event time is split by whole days, counted back from as_of; a plain table is
    split by shares of its keys.
    """

    # point-in-time join of snapshots by Feast, or by DuckDB alone (direct), which is several times faster; checked:
    # direct, and Feast joins 2,000 rows of each table as well: a value that differs stops the stage. All write the same
    # bytes; a cluster joins directly
    join: Literal["feast", "checked", "direct"] = "direct"
    warmup_days: Days = 30  # first days, which feed histories only
    valid_days: Days = 30  # window for early stopping, calibration and the threshold
    test_days: Days = 30  # window that the model is evaluated on
    current_days: Days = 30  # last days, which the monitor judges
    # days with faults in their events: no model learns from these or is tested on them; histories count them
    leave_out: tuple[Day, ...] = Field(default=(), strict=False)
    # last days whose events the out tiles/ keeps one by one, for late events of a service, and for which its
    # events wait for their outcomes; at least the label delay
    recent_days: Days = 8
    # True: model tables have a column ENTITY_history_age, hours since the entity's newest history, by
    # which evaluate judges slices
    history_age: bool = False
    valid_share: Share = 0.15  # plain table: share of the keys, in place of valid_days
    test_share: Share = 0.2  # plain table: in place of test_days
    current_share: Share = 0.15  # plain table: in place of current_days
