"""Faults of single columns: lost, empty, null, new values, out of range, stuck."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from plumbline.core.declarations import Array
from plumbline.monitor import seasonal_baseline
from plumbline.monitor.binning import RARE, Plan
from plumbline.monitor.check_context import ROWS, Scene, percent
from plumbline.monitor.period_summary import Raw
from plumbline.monitor.verdict import Finding, Level


def findings(scene: Scene, plan: Plan) -> Iterator[Finding]:
    """The faults of one raw column, or of a feature that is lost."""
    level: Level = "alert" if scene.used(plan) else "warning"
    if plan.name in scene.now.problems:
        check, text = scene.now.problems[plan.name]
        yield _finding(check, level, 1.0, text, plan, f"{plan.name} {text}")
        return
    nulls = scene.now.nulls[plan.name]
    before = scene.counts(lambda s: s.nulls.get(plan.name, 0), 0.0)
    if nulls == scene.now.rows and before[0].sum() < before[1].sum():
        text = f"no value in {scene.now.rows:,} rows"
        yield _finding("all_null", level, 1.0, text, plan, "null in 100 % of rows")
        return
    cause = f"null in {percent(nulls / scene.now.rows)} of rows"
    yield from _rated(scene, plan, "null_share", nulls, before, "null", cause)
    raw = scene.now.raw.get(plan.name)
    if raw is None or scene.now.rows < scene.limits.min_rows:
        return
    if raw.distinct == 1 and plan.size > 1 and nulls == 0 and _varied(scene, plan):
        text = f"all {scene.now.rows:,} values are the same; they varied before"
        yield _finding("constant", level, 1.0, text, plan, "stuck at one value")
        return
    if plan.kind == "category":
        yield from _unseen(scene, plan, raw)
    if plan.rare is not None:
        before = scene.counts(lambda s: s.raw.get(plan.name, Raw()).rare, RARE)
        text, cause = "where training had almost none", "values out of range"
        yield from _rated(scene, plan, "outside", raw.rare, before, text, cause)
        yield from _stuck(scene, plan, raw)


def _rated(
    scene: Scene,
    plan: Plan,
    check: str,
    count: int,
    before: tuple[Array, Array],
    text: str,
    cause: str,
) -> Iterator[Finding]:
    """A share of rows that is higher than the past explains."""
    chance, share = seasonal_baseline.rate(count, scene.now.rows, *before)
    mine = count / scene.now.rows
    level = scene.graded(chance, mine - share, scene.limits.fault_share, used=scene.used(plan))
    if level:
        evidence = f"{mine:.1%} {text}, {share:.2%} before"
        yield _finding(check, level, mine - share, evidence, plan, cause)


def _unseen(scene: Scene, plan: Plan, raw: Raw) -> Iterator[Finding]:
    before = scene.counts(lambda s: s.raw.get(plan.name, Raw()).unseen, 0.0)
    names = " and ".join(f"'{n}'" for n in raw.names[:3])
    cause = f"new {plan.name} {names}"
    yield from _rated(scene, plan, "unseen", raw.unseen, before, "new values", cause)


def _stuck(scene: Scene, plan: Plan, raw: Raw) -> Iterator[Finding]:
    value, count, alone = raw.top
    rows = scene.now.rows
    before = scene.counts(lambda s: s.raw.get(plan.name, Raw()).top[1])
    chance, share = _commonest(count, rows, before)
    level = scene.graded(
        chance, count / rows - share, scene.limits.fault_share, used=scene.used(plan)
    )
    if not level:
        return
    where = f"; {alone:,} of these rows in entities with no other value" if alone else ""
    text = f"{count / rows:.1%} of rows are {value:g}, the commonest had {share:.2%} before{where}"
    cause = f"stuck at {value:g} in {percent(count / rows)} of rows"
    yield _finding("stuck", level, count / rows - share, text, plan, cause)


def _commonest(count: int, rows: int, before: tuple[Array, Array]) -> tuple[float, float]:
    """The chance that the commonest new value is so common, and its usual share.

    It is an extreme: both the logs of its past shares and a count with its past mean must be exceeded.
    """
    if not len(before[0]):
        return 1.0, 0.0
    shares = (before[0] + 0.5) / (before[1] + 1)
    share = float(shares.mean())
    floor = 0.5 * float(np.sqrt(max(1 / max(share * rows, 1.0), 0.04)))
    logs = np.append(np.log(shares), np.log((count + 0.5) / (rows + 1)))
    chance = seasonal_baseline.moderated(
        {"": logs}, np.ones(len(logs), bool), floor=floor, upper=True
    )[""]
    return max(chance, seasonal_baseline.rate(count, rows, *before)[0]), share


def _varied(scene: Scene, plan: Plan) -> bool:
    """Whether the column never was constant before, and one value for all rows is no chance."""
    counts = scene.past.reference[-1, plan.place]
    share = float(counts.max() / max(1.0, counts.sum()))
    return share**scene.now.rows < scene.alert and all(r.distinct != 1 for r in scene.raws(plan))


def _finding(check: str, level: Level, size: float, text: str, plan: Plan, cause: str) -> Finding:
    return Finding(check, level, size, ROWS, text, plan.name, plan.reach, cause)
