"""Whether an entity's ids are all there, and whether its histories agree with what past periods held."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from plumbline.core.declarations import Array
from plumbline.monitor import chances
from plumbline.monitor.binning import ConsistencyCheck
from plumbline.monitor.calendar import DAY
from plumbline.monitor.check_context import CheckContext
from plumbline.monitor.period_summary import EntityCounts, PeriodSummary
from plumbline.monitor.verdict import Finding

RECENT = 28
"""Periods of which the ids are compared."""
MIN_IDS = 20
"""Ids below which an entity is not judged."""


def findings(context: CheckContext) -> Iterator[Finding]:
    """Ids that are missing, and histories that past periods contradict."""
    if context.short:
        return
    for name in context.binning.entities:
        yield from _missing_ids(context, name)
    for check in context.binning.consistency_checks:
        yield from _stale_histories(context, check)


def population(counts: EntityCounts) -> float:
    """How many equally active ids would show `distinct` ones in `known` rows.

    Unlike the number seen, it does not grow with the rows: d = t (1 - exp(-n / t)) solved for t.
    """
    low, high = float(counts.distinct), 1e3 * counts.known + 1.0
    for _ in range(60):
        middle = (low * high) ** 0.5
        short = middle * -np.expm1(-counts.known / middle) < counts.distinct
        low, high = (middle, high) if short else (low, middle)
    return (low * high) ** 0.5


def _missing_ids(context: CheckContext, name: str) -> Iterator[Finding]:
    """Fewer ids than as many rows of past periods would show: a partition that did not come."""
    earlier = [s.entity_counts[name] for s in context.before if name in s.entity_counts]
    current = context.now.entity_counts.get(name)
    usable = [counts for counts in earlier if counts.distinct >= MIN_IDS]
    if current is None or current.distinct < MIN_IDS or len(usable) < context.limits.min_history:
        return
    past = np.log([population(counts) for counts in usable])
    gap = float(np.log(population(current)) - past[-RECENT:].mean())
    values = np.append(past - past.mean(), gap)
    chance = chances.moderated({"": values}, np.ones(len(values), bool), floor=0.01)[""]
    missing = -float(np.expm1(gap))
    if missing < context.limits.missing_ids.warning:
        return
    fewer_rows = context.now.rows < np.mean([s.rows for s in context.before[-RECENT:]])
    level = context.graded(
        chance, missing, context.limits.missing_ids.alert, important=bool(fewer_rows)
    )
    if level:
        spec = context.binning.by_name[name]
        text = (
            f"{current.distinct:,} ids in {current.known:,} rows, as if {missing:.0%} of the ids "
            "were gone"
        )
        cause = f"rows of {missing:.0%} of {name} are missing"
        yield Finding("missing_ids", level, missing, "share of ids", text, name, spec.reach, cause)


def _stale_histories(context: CheckContext, check: ConsistencyCheck) -> Iterator[Finding]:
    """Snapshots that say another number or sum than the days before held."""
    current = contradicted(check, context.now, context.trail)
    before = context.before
    past = [
        contradicted(check, s, before[max(0, i - check.days) : i]) for i, s in enumerate(before)
    ]
    counts = np.array([p for p in past if p is not None], float).reshape(-1, 2)
    if current is None or not current[1] or not len(counts):
        return
    wrong, compared = current
    chance, share = chances.rate(wrong, compared, counts[:, 0], counts[:, 1])
    excess = wrong / compared - share
    entity = context.binning.by_name[check.entity]
    level = context.graded(
        chance, excess, context.limits.stale_histories, important=context.important(entity)
    )
    if level and excess >= context.limits.fault_share:
        what = "number of rows" if check.column is None else f"sum of {check.column}"
        text = f"{wrong / compared:.0%} of {compared:,} ids have another {what} in the days before"
        cause = f"the histories of {check.entity} are not up to date"
        yield Finding(
            "stale_histories", level, excess, "share of ids", text, check.name, entity.reach, cause
        )


def contradicted(
    check: ConsistencyCheck, now: PeriodSummary, trail: Sequence[PeriodSummary]
) -> tuple[int, int] | None:
    """Ids whose snapshot says another count or sum than the periods before, and ids compared.

    None where the days before are not all at hand.
    """
    current = now.entity_counts.get(check.entity)
    days = {s.day: s.entity_counts.get(check.entity) for s in trail}
    if current is None or now.day is None or check.name not in current.stated:
        return None
    earlier = [days.get(now.day - back * DAY) for back in range(1, check.days + 1)]
    if any(counts is None for counts in earlier):
        return None
    if any(check.name not in counts.counted for counts in earlier if counts):
        return None
    ids = current.ids
    counted = sum((_counted(one, check, ids) for one in earlier if one), np.zeros(len(ids)))
    stated = current.stated[check.name]
    compared = ~np.isnan(stated)
    return int((stated[compared] != counted[compared]).sum()), int(compared.sum())


def _counted(counts: EntityCounts, check: ConsistencyCheck, ids: Array) -> Array:
    """What the check counts or sums of each of `ids` in a period, 0 where there is nothing."""
    if not len(counts.ids):
        return np.zeros(len(ids))
    position = np.minimum(np.searchsorted(counts.ids, ids), len(counts.ids) - 1)
    return np.where(counts.ids[position] == ids, counts.counted[check.name][position], 0)
