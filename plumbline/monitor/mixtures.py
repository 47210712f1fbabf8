"""Units and swapped columns: parts of a raw number that another scale or column explains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from plumbline.monitor import causes
from plumbline.monitor.binning import ColumnSpec
from plumbline.monitor.causes import GridPair
from plumbline.monitor.check_context import ROWS, CheckContext
from plumbline.monitor.verdict import Finding, Level
from plumbline.report import numbers


def findings(context: CheckContext, faults: Sequence[Finding]) -> Iterator[Finding]:
    """Causes of what is out of range (among `faults`) or has moved."""
    grids = {s.name: g for s in context.binning.specs if (g := _grids(context, s)) is not None}
    suspects = {f.column for f in faults if f.check == "outside" and f.column}
    moved = {n for n in grids if n in context.shifts and context.shifts[n].p < context.warning}
    suspects |= moved
    suspects -= {f.column for f in faults if f.check in ("stuck", "constant", "all_null")}
    swapped = list(_swapped(context, grids, suspects & set(grids)))
    yield from swapped
    for name in sorted(suspects & set(grids) - {f.column for f in swapped}):
        scaled = causes.scaled(*grids[name], context.binning.by_name[name].factors)
        if scaled is None:
            continue
        factor, share, _ = scaled
        if share <= causes.MOST_ROWS and _mix_moved(context):
            continue
        spec = context.binning.by_name[name]
        text = f"{numbers.share(share)} of the values fit the usual ones times {factor:g}"
        cause = f"{name} x{factor:g} in {numbers.share(share)} of rows"
        level = _level(context, share, important=context.important(spec))
        yield Finding("unit", level, share, ROWS, text, name, spec.reach, cause)


def _mix_moved(context: CheckContext) -> bool:
    """Whether the mix of a category has moved: then other events came, and some values differ with them."""
    categories = (s.name for s in context.binning.specs if s.kind == "category")
    return any(n in context.shifts and context.shifts[n].p < context.warning for n in categories)


def _swapped(
    context: CheckContext, grids: Mapping[str, GridPair], suspects: set[str]
) -> Iterator[Finding]:
    factors = {name: context.binning.by_name[name].factors for name in grids}
    for one, other, share in causes.swapped(grids, suspects, factors):
        specs = context.binning.by_name[one], context.binning.by_name[other]
        level = _level(context, share, important=any(context.important(s) for s in specs))
        cause = f"{one} and {other} swapped in {numbers.share(share)} of rows"
        for spec, like in zip(specs, (other, one), strict=True):
            text = f"{numbers.share(share)} of the values look like those of {like}"
            yield Finding("swapped", level, share, ROWS, text, spec.name, spec.reach, cause)


def _level(context: CheckContext, share: float, *, important: bool) -> Level:
    return "alert" if important and share >= context.limits.fault_share else "warning"


def _grids(context: CheckContext, spec: ColumnSpec) -> GridPair | None:
    """The column's fine grid now and over the past (the training window's without one)."""
    now = context.now.raw[spec.name].grid if spec.name in context.now.raw else None
    if spec.rare is None or now is None:
        return None
    past = [r.grid for r in context.raw_columns(spec, season=True) if r.grid is not None]
    return now, np.sum(past, axis=0) if past else context.binning.training_grids[spec.name]
