"""Days since the champion's as-of date whose events had a fault: a challenger does not learn from them.

A fault that lasts stops a retrain. One that is over is in the windows all the same, and a model that learns from
it, or is judged on it, is worse for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline.monitor.result import DayVerdict, MonitorResult
from plumbline.monitor.verdict import FAULTS
from plumbline.ops import params_text

LONGEST = 500
"""Letters of a reason in params.yaml."""
FaultyDays = Mapping[date, str]
"""Day to what its fault was, in a line."""


def of(verdict: MonitorResult, first: date | None = None, end: date | None = None) -> FaultyDays:
    """The days that a verdict calls faulty, each with its first fault, from `first` on and before `end`."""
    found: dict[date, str] = {}
    for judged in verdict.days:
        fault = _fault(judged)
        if judged.day is None or fault is None or not judged.rows:
            continue
        start = date.fromisoformat(judged.day)
        for day in (start + timedelta(days=n) for n in range(verdict.period_days)):
            if (first is None or day >= first) and (end is None or day < end):
                found[day] = fault
    return found


def begin(verdict: MonitorResult, end: date) -> date:
    """The first day that a verdict judges; `end` where it judges none."""
    days = [date.fromisoformat(judged.day) for judged in verdict.days if judged.day]
    return min(days, default=end)


def _fault(judged: DayVerdict) -> str | None:
    alerts = [f for f in judged.findings if f.level == "alert" and f.check in FAULTS]
    texts = [f"{f.column or 'rows'}: {f.check}: {f.evidence}" for f in alerts]
    return next(iter(texts), None)


def gap(tables: Iterable[Path], time: str, first: date, end: date, target: Path) -> bool:
    """Write the rows of model tables from `first` on and before `end`, which no monitor has judged, in order of time.

    False, and no file, where there is none.
    """
    moments = [pa.scalar(day, pa.date32()).cast(pa.timestamp("us")) for day in (first, end)]
    inside = (pc.field(time) >= moments[0]) & (pc.field(time) < moments[1])
    rows = pa.concat_tables([pq.read_table(p, filters=inside) for p in tables])
    if not rows.num_rows:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows.sort_by(time), target)
    return True


def left_out(text: str, name: str, already: Iterable[date], days: FaultyDays) -> str:
    r"""The text of params.yaml with these days in `features.leave_out`, beside those that stand there, and why.

    The windows that a change is judged on are then others: the reason is an override of the merge gate, which
    stands in the comment's first lines.

    >>> left_out("shop: {features: {}}\n", "shop", [], {date(2025, 1, 8): "amount: unit"})
    'shop: {gate: {override: "left out for faults: 2025-01-08 (amount: unit)"}, features: {leave_out: ["2025-01-08"]}}\n'
    """
    every = [str(day) for day in sorted({*already, *days})]
    text = params_text.with_entry(text, (name, "features"), "leave_out", every)
    return params_text.with_entry(text, (name, "gate"), "override", sentence(days))


def sentence(days: FaultyDays) -> str:
    """Which days are left out, and why, as far as a reason in params.yaml may be long.

    >>> sentence({date(2025, 1, 8): "amount: unit: 40 of 50 rows"})
    'left out for faults: 2025-01-08 (amount: unit: 40 of 50 rows)'
    """
    start, parts = "left out for faults: ", [f"{day} ({why})" for day, why in sorted(days.items())]
    whole = start + "; ".join(parts)
    if len(whole) > LONGEST:
        whole = start + ", ".join(f"{day}" for day in sorted(days))
    return whole if len(whole) <= LONGEST else f"{whole[: LONGEST - 4]} ..."
