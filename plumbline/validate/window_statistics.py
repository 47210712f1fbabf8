"""What is measured of the valid rows: the window's profile, how it moved, what looks wrong or is still to come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from plumbline.core import data_plan
from plumbline.core.data_plan import PlanGap
from plumbline.validate import (
    irregularities,
    label_history,
    months,
    profile,
    profile_shifts,
    suspicious,
)
from plumbline.validate.irregularities import Irregularity
from plumbline.validate.params import Validate
from plumbline.validate.profile_document import Profile
from plumbline.validate.profile_shifts import ProfileShift
from plumbline.validate.quarantine import Quarantine


@dataclass(frozen=True)
class WindowStatistics:
    """The window's profile, its measures, each with its limits, irregularities of the whole table, the gap to the plan."""

    profile: Profile
    shifts: Sequence[ProfileShift]
    odd: Sequence[Irregularity]
    plan: PlanGap | None = None
    not_judged: str = ""  # why poisoning was not looked for


def measure(
    rows: Quarantine,
    valid: Path,
    accepted: Profile | None,
    limits: Validate,
    days: tuple[date | None, date | None],
) -> WindowStatistics:
    """Of the files in `valid`; `days`: data.start and data.as_of. Units are looked for in all `rows`."""
    connection, case, (start, as_of) = rows.connection, rows.usecase, days
    span = profile.window(connection, case, rows.files["events"], as_of, limits.window_days)
    clean = months.scan(connection, case, valid)
    now = profile.measure(connection, case, clean, span)
    odd = irregularities.find(connection, case, clean, accepted=bool(accepted))
    odd += label_history.rewritten(case, accepted, now, start)
    by_day = profile.by_day(connection, case, rows.files, span)
    shifts = profile_shifts.measures(accepted, now, limits, by_day)
    shifts += suspicious.measures(connection, case, clean, span, accepted=bool(accepted))
    empty = [name for name, column in now.columns.items() if column.null >= 1]
    unjudged = suspicious.not_judged(case, suspicious.span(connection, case, clean, span))
    return WindowStatistics(now, shifts, odd, data_plan.gap(case, empty), unjudged)
