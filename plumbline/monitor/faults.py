"""Input faults of one period: what is broken, how large, and the likely cause."""

from __future__ import annotations

from plumbline.monitor import columns, completeness, entities, mixtures
from plumbline.monitor.check_context import ROWS, Scene
from plumbline.monitor.verdict import Finding


def findings(scene: Scene) -> list[Finding]:
    """All faults of the period. A fault that another explains is left out."""
    if scene.now.rows == 0:
        text, cause = "no row came in this period", "the period's partition is missing"
        return [Finding("rows", "alert", 1.0, ROWS, text, cause=cause)]
    found = list(completeness.hours(scene))
    if not any(f.check == "hours" for f in found):  # else fewer rows and ids are no news
        found += [*completeness.rows(scene), *entities.findings(scene)]
    found += completeness.keys(scene)
    for plan in scene.layout.plans:
        if plan.raw or plan.name in scene.now.problems:
            found += columns.findings(scene, plan)
    explained = list(mixtures.findings(scene, found))
    named = {f.column for f in explained}
    found = [f for f in found if f.check != "outside" or f.column not in named]
    return [*explained, *_roots(scene, found)]


def _roots(scene: Scene, found: list[Finding]) -> list[Finding]:
    """Without the features that are lost with a raw column."""
    broken = {f.column for f in found}
    named = scene.layout.named
    return [
        f
        for f in found
        if f.check not in ("missing", "type")
        or not (f.column in named and broken & set(named[f.column or ""].roots))
    ]
