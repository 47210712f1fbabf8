"""Units and swapped columns: parts of a raw number that another scale or column explains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from plumbline.monitor import causes
from plumbline.monitor.binning import Plan
from plumbline.monitor.causes import Grid
from plumbline.monitor.check_context import ROWS, Scene, percent
from plumbline.monitor.verdict import Finding, Level


def findings(scene: Scene, found: Sequence[Finding]) -> Iterator[Finding]:
    """Causes of what is out of range (among `found`) or has moved."""
    grids = {p.name: g for p in scene.layout.plans if (g := _grid(scene, p)) is not None}
    suspects = {f.column for f in found if f.check == "outside" and f.column}
    suspects |= {n for n in grids if n in scene.moved and scene.moved[n].p < scene.warning}
    suspects -= {f.column for f in found if f.check in ("stuck", "constant", "all_null")}
    swapped = list(_swapped(scene, grids, suspects & set(grids)))
    yield from swapped
    for name in sorted(suspects & set(grids) - {f.column for f in swapped}):
        scaled = causes.scaled(*grids[name])
        if scaled is None:
            continue
        factor, share, _ = scaled
        plan = scene.layout.named[name]
        text = f"{percent(share)} of the values fit the usual ones times {factor:g}"
        cause = f"{name} x{factor:g} in {percent(share)} of rows"
        level = _level(scene, share, used=scene.used(plan))
        yield Finding("unit", level, share, ROWS, text, name, plan.reach, cause)


def _swapped(scene: Scene, grids: Mapping[str, Grid], suspects: set[str]) -> Iterator[Finding]:
    for one, other, share in causes.swapped(grids, suspects):
        plans = scene.layout.named[one], scene.layout.named[other]
        level = _level(scene, share, used=any(scene.used(p) for p in plans))
        cause = f"{one} and {other} swapped in {percent(share)} of rows"
        for plan, like in zip(plans, (other, one), strict=True):
            text = f"{percent(share)} of the values look like those of {like}"
            yield Finding("swapped", level, share, ROWS, text, plan.name, plan.reach, cause)


def _level(scene: Scene, share: float, *, used: bool) -> Level:
    return "alert" if used and share >= scene.limits.fault_share else "warning"


def _grid(scene: Scene, plan: Plan) -> Grid | None:
    """The column's fine grid now and over the past (the training window's without one)."""
    mine = scene.now.raw[plan.name].fine if plan.name in scene.now.raw else None
    if plan.rare is None or mine is None:
        return None
    known = [r.fine for r in scene.raws(plan, season=True) if r.fine is not None]
    return mine, np.sum(known, axis=0) if known else scene.layout.fine[plan.name]
