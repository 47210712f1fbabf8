"""What an experiment would take, as it is shown and written as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from plumbline.core.documents import Document
from plumbline.metrics.interval import Figure
from plumbline.ops.experiments import metric_names
from plumbline.report.numbers import count, figure

PAIRED = frozenset((metric_names.COST, metric_names.BRIER, metric_names.ERROR))
"""What the same events can be compared by: costs and quality of decisions that an answer does not change."""


class PlannedDesign(Document):
    """One way to do it: days and events that give the power; null where a year does not.

    `power`: by the end of so many days. `smallest`: the effect that four weeks find.
    """

    design: str
    days: int | None
    events: int | None
    power: dict[int, float]
    smallest: Figure


class ExperimentPlan(Document):
    """Days, events and power at the traffic of the pilot. `entities`: seen in the pilot. `delay`: of the label, in words."""

    format: int = 1
    usecase: str
    metric: str
    baseline: Figure
    effect: float
    relative: Figure
    power: float
    alpha: float
    treatments: int
    unit: str
    pilot: str
    pilot_days: int
    pilot_entities: int
    events_a_day: float
    delay: str
    designs: tuple[PlannedDesign, ...]
    advice: tuple[str, ...]


def lines(plan: ExperimentPlan) -> Iterator[str]:
    """The plan for a terminal."""
    relative = f" ({plan.relative:+.1%})" if plan.relative is not None else ""
    yield f"{plan.usecase}: {metric_names.title(plan.metric)}, now {figure(plan.baseline)}"
    yield (
        f"to find: {figure(plan.effect)}{relative} with a power of {plan.power:.0%}, error {plan.alpha:.0%}, "
        f"{count(plan.treatments, 'treatment')}, looked at each day"
    )
    yield (
        f"traffic: {plan.events_a_day:,.0f} events a day, {count(plan.pilot_entities, plan.unit)} in "
        f"{count(plan.pilot_days, 'day')} ({plan.pilot})"
    )
    for design in plan.designs:
        yield from _design(design)
    yield from plan.advice


def _design(design: PlannedDesign) -> Iterator[str]:
    if design.days is None:
        yield f"{design.design}: no length up to a year finds it"
    else:
        yield f"{design.design}: {count(design.days, 'day')}, {design.events or 0:,} events"
    powers = ", ".join(f"{share:.0%} in {days} days" for days, share in design.power.items())
    yield f"  found with {powers}; four weeks find {figure(design.smallest)}"
