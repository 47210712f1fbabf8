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
    latest_outcomes,
    months,
    profile,
    profile_shifts,
    suspicious,
)
from plumbline.validate.irregularities import Irregularity
from plumbline.validate.months import File
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
    connection, case, (start, as_of), kept = rows.connection, rows.usecase, days, rows.kept
    span = profile.window(connection, case, rows.files["events"], as_of, limits.window_days, kept)
    every = months.scan(connection, case, valid)
    with latest_outcomes.tables(connection, case, every, rows.own) as clean:
        now = profile.measure(connection, case, clean, span, kept)
        odd = irregularities.find(connection, case, clean, accepted=bool(accepted), kept=kept)
        then = _then(rows, every["outcomes"], accepted, now)
        odd += label_history.rewritten(case, accepted, then, start)
        by_day = profile.by_day(connection, case, rows.files, span)
        shifts = profile_shifts.measures(accepted, now, limits, by_day)
        shifts += suspicious.measures(
            connection, case, clean, span, accepted=bool(accepted), kept=kept
        )
        unjudged = suspicious.not_judged(case, suspicious.span(connection, case, clean, span, kept))
    empty = [name for name, column in now.columns.items() if column.null >= 1]
    return WindowStatistics(now, shifts, odd, data_plan.gap(case, empty), unjudged)


def _then(
    rows: Quarantine, outcomes: Sequence[File], accepted: Profile | None, now: Profile
) -> Profile:
    """`now` with the labels of past months as they were known when the profile was accepted: a later outcome rewrites
    none. Outcomes without a table of their own are as they are."""
    if not (rows.own and outcomes and accepted and accepted.window):
        return now
    until = date.fromisoformat(accepted.window[1])
    known = latest_outcomes.known(rows.usecase, outcomes, until)
    months_then = label_history.months(rows.connection, rows.usecase, known, until)
    return now.model_copy(update={"months": months_then})
