"""Input faults of one period: what is broken, how large, since which hour, and the likely cause."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from plumbline.monitoring import causes, entities, usual
from plumbline.monitoring.layout import RARE, Layout, Plan
from plumbline.monitoring.sketch import Raw, Sketch
from plumbline.monitoring.usual import Past, Shift
from plumbline.monitoring.verdict import Finding, Level
from plumbline.params import Monitor
from plumbline.usecase import Array

if TYPE_CHECKING:
    from plumbline.monitoring.judge import Budget

ROWS = "share of rows"


def findings(
    layout: Layout,
    before: Sequence[Sketch],
    now: Sketch,
    trail: Sequence[Sketch],
    past: Past,
    moved: dict[str, Shift],
    limits: Monitor,
    chances: Budget,
) -> list[Finding]:
    """All faults of the period; a column that is lost or empty has no other."""
    if now.rows == 0:
        text = "no row came in this period"
        return [Finding("rows", "page", 1.0, ROWS, text, cause="the period's partition is missing")]
    found = _hours(layout, now, past, moved, limits, chances)
    if not any(f.check == "hours" for f in found):
        found += _rows(layout, before, now, limits, chances)
        found += entities.findings(layout, before, now, trail, limits, chances)
    found += _keys(layout, before, now, limits, chances)
    for plan in layout.plans:
        if plan.raw or plan.name in now.problems:
            found += _column(layout, plan, before, now, limits, chances)
    broken = {f.column for f in found}
    found = [f for f in found if f.check != "missing" or not broken & set(_roots(layout, f))]
    return [*_mixtures(layout, before, now, moved, found, limits, chances), *_without(found)]


def _roots(layout: Layout, finding: Finding) -> tuple[str, ...]:
    return layout.named[finding.column].roots if finding.column else ()


def _without(found: list[Finding]) -> list[Finding]:
    return found


def _column(
    layout: Layout,
    plan: Plan,
    before: Sequence[Sketch],
    now: Sketch,
    limits: Monitor,
    chances: Budget,
) -> list[Finding]:
    used = plan.reach >= limits.used
    if plan.name in now.problems:
        check, text = now.problems[plan.name]
        lost: Level = "page" if used else "watch"
        return [Finding(check, lost, 1.0, ROWS, text, plan.name, plan.reach, f"{plan.name} {text}")]
    nulls = now.nulls[plan.name]
    usual_nulls = _past(before, lambda s: s.nulls.get(plan.name, 0))
    if nulls == now.rows and usual_nulls[0].sum() < usual_nulls[1].sum():
        lost = "page" if used else "watch"
        text = f"no value in {now.rows:,} rows"
        return [
            Finding(
                "all_null", lost, 1.0, ROWS, text, plan.name, plan.reach, "null in 100 % of rows"
            )
        ]
    out = []

    def rated(check: str, count: int, counts: tuple[Array, Array], text: str, cause: str) -> None:
        chance, share = usual.rate(count, now.rows, *counts)
        excess = count / now.rows - share
        level = _level(chance, excess, limits, chances, used=used)
        if level:
            evidence = f"{count / now.rows:.1%} {text}, {share:.2%} before"
            out.append(Finding(check, level, excess, ROWS, evidence, plan.name, plan.reach, cause))

    rated("null_share", nulls, usual_nulls, "null", f"null in {_percent(nulls / now.rows)} of rows")
    raw = now.raw.get(plan.name, Raw())
    if plan.kind == "category":
        names = " and ".join(f"'{n}'" for n in raw.names[:3])
        past = _past(before, lambda s: s.raw.get(plan.name, Raw()).unseen)
        rated("unseen", raw.unseen, past, "new values", f"new {plan.name} {names}")
    if plan.rare is not None:
        rare = _past(
            before, lambda s: s.raw.get(plan.name, Raw()).rare, RARE * layout.rows, layout.rows
        )
        rated("outside", raw.rare, rare, "where training had almost none", "values out of range")
        value, count, alone = raw.top
        tops = _past(before, lambda s: s.raw.get(plan.name, Raw()).top[1])
        top_chance, top_share = _top(count, now.rows, tops)
        excess = count / now.rows - top_share
        level = _level(top_chance, excess, limits, chances, used=used)
        if level:
            where = f"; {alone:,} of these rows in entities with no other value" if alone else ""
            evidence = f"{count / now.rows:.1%} of rows are {value:g}, the commonest value had {top_share:.2%} before{where}"
            cause = f"stuck at {value:g} in {_percent(count / now.rows)} of rows"
            check = "constant" if raw.distinct == 1 else "stuck"
            out.append(Finding(check, level, excess, ROWS, evidence, plan.name, plan.reach, cause))
    return out


def _top(count: int, rows: int, past: tuple[Array, Array]) -> tuple[float, float]:
    """The chance that the commonest new value is so common: its past shares' log, moderated."""
    if not len(past[0]):
        return 1.0, 0.0
    shares = (past[0] + 0.5) / (past[1] + 1)
    usual_share = float(shares.mean())
    sampling = 1 / max(usual_share * rows, 1.0)
    logs = np.append(np.log(shares), np.log((count + 0.5) / (rows + 1)))
    floor = float(np.sqrt(max(sampling, 0.04)) * 0.5)
    chance = usual.moderated({"": logs}, np.ones(len(logs), bool), floor=floor, upper=True)[""]
    # a commonest value is an extreme: ask as much of a Poisson count as well
    return max(chance, usual.rate(count, rows, past[0], past[1])[0]), usual_share


def _keys(
    layout: Layout, before: Sequence[Sketch], now: Sketch, limits: Monitor, chances: Budget
) -> list[Finding]:
    out = []
    names = (
        ("repeated", layout.key, "rows have a key that came before", "rows come twice"),
        ("astray", layout.time, "event times outside the period", "times outside the period"),
    )
    for check, column, text, cause in names:
        count = int(getattr(now, check))
        counts = _past(before, lambda s, c=check: int(getattr(s, c)))
        chance, share = usual.rate(count, now.rows, *counts)
        excess = count / now.rows - share
        level = _level(chance, excess, limits, chances, used=True)
        if level and before:
            evidence = f"{count / now.rows:.1%} {text}, {share:.2%} before"
            out.append(Finding(check, level, excess, ROWS, evidence, column, None, cause))
    return out


def _rows(
    layout: Layout, before: Sequence[Sketch], now: Sketch, limits: Monitor, chances: Budget
) -> list[Finding]:
    """More or fewer rows than the same weekday had: paged only where most are missing."""
    if len(before) < limits.min_history:
        return []
    mine = [s.rows for s in before if usual.season(layout, s) == usual.season(layout, now)]
    expected = float(np.mean(mine[-usual.SEASONS :])) if mine else float(now.rows)
    if expected < limits.min_rows:
        return []
    change = now.rows / expected - 1
    logs = [np.log(s.rows + 1) for s in before]
    rest = _season_rest(layout, before, logs)
    values = np.append(rest, np.log((now.rows + 1) / (expected + 1)))
    chance = usual.moderated({"": values}, np.ones(len(values), bool), floor=0.02)[""]
    if chance >= chances.watch or abs(change) < limits.rows_change.watch:
        return []
    gone = change <= -limits.rows_change.page and chance < chances.page
    text = f"{now.rows:,} rows, {expected:,.0f} expected from the same weekday"
    cause = "rows are missing" if change < 0 else "more rows than usual"
    return [
        Finding(
            "rows", "page" if gone else "watch", abs(change), "relative change", text, cause=cause
        )
    ]


def _season_rest(layout: Layout, before: Sequence[Sketch], logs: Sequence[float]) -> Array:
    """Each past period's log rows less the mean of its season's earlier ones."""
    out = []
    for i, one in enumerate(before):
        same = [
            logs[j]
            for j in range(i)
            if usual.season(layout, before[j]) == usual.season(layout, one)
        ][-usual.SEASONS :]
        if same:
            out.append(logs[i] - float(np.mean(same)))
    return np.array(out)


def _hours(
    layout: Layout,
    now: Sketch,
    past: Past,
    moved: dict[str, Shift],
    limits: Monitor,
    chances: Budget,
) -> list[Finding]:
    """Missing hours, and a clock that is late or early."""
    plan = layout.named.get(layout.time or "")
    if plan is None or plan.name not in moved or moved[plan.name].p >= chances.page:
        return []
    mine, reference = past.counts[-1, plan.place], past.reference[-1, plan.place]
    gap = causes.missing_hours(mine, reference)
    if gap and gap.share >= limits.hours and gap.chance < chances.page:
        text = f"no row {gap.words}, where {gap.share:.0%} of a day's rows are usual"
        return [Finding("hours", "page", gap.share, ROWS, text, cause=f"nothing {gap.words}")]
    late = causes.clock(mine, reference)
    if late:
        cause = f"times {abs(late)} hours {'late' if late > 0 else 'early'}"
        text = f"the day's hours fit the usual ones when moved by {-late:+d} hours"
        return [
            Finding("time", "page", float(abs(late)), "hours", text, plan.name, plan.reach, cause)
        ]
    return []


def _mixtures(
    layout: Layout,
    before: Sequence[Sketch],
    now: Sketch,
    moved: dict[str, Shift],
    found: list[Finding],
    limits: Monitor,
    chances: Budget,
) -> list[Finding]:
    """Units and swapped columns: parts of a column that another scale or column explains."""
    grids = {
        p.name: (now.raw[p.name].fine, _fine(layout, p, before))
        for p in layout.plans
        if p.rare is not None and p.name in now.raw and now.raw[p.name].fine is not None
    }
    suspects = {f.column for f in found if f.check == "outside"}
    suspects |= {n for n in grids if n in moved and moved[n].p < chances.watch}
    out = []
    for one, other, share in causes.swapped(grids, suspects):
        for name in (one, other):
            plan = layout.named[name]
            used = max(layout.named[one].reach, layout.named[other].reach) >= limits.used
            level: Level = "page" if used and share >= limits.fault else "watch"
            cause = f"{one} and {other} swapped in {_percent(share)} of rows"
            text = f"{_percent(share)} of the values look like those of {other if name == one else one}"
            out.append(Finding("swapped", level, share, ROWS, text, name, plan.reach, cause))
    taken = {f.column for f in out}
    for name in sorted(suspects & set(grids) - taken):
        plan = layout.named[name]
        scaled = causes.scaled(*grids[name])
        if scaled is None:
            continue
        factor, share, _ = scaled
        level = "page" if plan.reach >= limits.used and share >= limits.fault else "watch"
        cause = f"{name} x{factor:g} in {_percent(share)} of rows"
        text = f"{_percent(share)} of the values fit the usual ones times {factor:g}"
        out.append(Finding("unit", level, share, ROWS, text, name, plan.reach, cause))
    named = {f.column for f in out}
    found[:] = [f for f in found if f.check != "outside" or f.column not in named]
    return out


def _fine(layout: Layout, plan: Plan, before: Sequence[Sketch]) -> Array:
    grids = [s.raw[plan.name].fine for s in before if plan.name in s.raw]
    known = [g for g in grids if g is not None]
    return np.sum(known, axis=0) if known else layout.fine[plan.name]


def _past(
    before: Sequence[Sketch],
    count: Callable[[Sketch], int],
    first: float = 0.0,
    rows: float = 0.0,
) -> tuple[Array, Array]:
    """Past counts and rows; without a past the training window's."""
    if not before:
        return np.array([first]), np.array([rows])
    return (
        np.array([count(s) for s in before], float),
        np.array([s.rows for s in before], float),
    )


def _level(
    chance: float, excess: float, limits: Monitor, chances: Budget, *, used: bool
) -> Level | None:
    if chance >= chances.watch:
        return None
    return "page" if used and chance < chances.page and excess >= limits.fault else "watch"


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.095 else f"{100 * share:.0f} %"
