"""Plans from past days: what was served, or the test window where nothing was yet. An edge: reads files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from plumbline.core.documents import rounded
from plumbline.core.errors import PlumblineError
from plumbline.ops.experiments import (
    analysis,
    declaration,
    experimenting,
    metric_names,
    observations,
    observed_values,
    plan_document,
    planning,
    served_events,
)
from plumbline.ops.experiments.declaration import Experiment
from plumbline.ops.experiments.experimenting import Project
from plumbline.ops.experiments.observations import Observations
from plumbline.ops.experiments.plan_document import ExperimentPlan, PlannedDesign
from plumbline.ops.experiments.planning import Pilot, Wanted
from plumbline.ops.experiments.served_events import Served
from plumbline.ops.experiments.terms import Terms

ALL = "all"
AB, PAIRED = "A/B", "paired (shadow)"


def plan(project: Project, options: Terms) -> ExperimentPlan:
    """Days and events at the traffic of past days; PlumblineError where there are none."""
    metric_names.check("--metric", options.metric, project.known)
    served = served_events.read(
        project.root,
        project.usecase,
        options.past,
        project.routed_by,
        project.columns([options.metric]),
    )
    return planned(project, options, served)


def declared(project: Project, terms: Terms) -> Experiment:
    """A declaration with these terms; a relative effect is one of the present mean, which past days must tell."""
    if not terms.treatments:
        raise PlumblineError("--treatment: expected at least one arm, like challenger=50")
    pilot = plan(project, terms) if terms.relative else None
    value = {
        "hypothesis": terms.hypothesis or _hypothesis(terms),
        "design": "paired" if terms.paired else "ab",
        "metric": terms.metric,
        "better": terms.better,
        "control": terms.control,
        "treatments": list(terms.treatments),
        "shares": {} if terms.paired else terms.percentages,
        "unit": project.routed_by,
        "start": terms.start or experimenting.next_day(project),
        "days": terms.days,
        "effect": pilot.effect if pilot else terms.effect,
        "baseline": pilot.baseline if pilot else None,
        "power": terms.power,
        "alpha": terms.alpha,
        "guardrails": {name: rail.model_dump() for name, rail in terms.guardrails.items()},
    }
    return declaration.parsed("experiment new", value)


def _hypothesis(terms: Terms) -> str:
    arms = " and ".join(terms.treatments)
    return f"{metric_names.title(terms.metric).capitalize()} is {terms.better} with {arms}"


def planned(project: Project, options: Terms, served: Served) -> ExperimentPlan:
    """The plan from what was served."""
    live = _live(project, options, served)
    pilot = _pilot(live, options.metric)
    if not np.isfinite(pilot.mean):
        raise PlumblineError(_unknown(project, options, served))
    effect = abs(options.effect * (pilot.mean if options.relative else 1.0))
    if not effect > 0:
        raise PlumblineError(
            f"--effect: a share of the present mean, which is {pilot.mean:g}, is no effect; give one in the metric's unit"
        )
    signed = effect if options.better == "higher" else -effect
    wanted = Wanted(signed, options.power, options.alpha, options.shares)
    designs = [_design(AB, pilot, wanted)]
    shadow = _shadow(project, options, served, pilot)
    if shadow:
        designs.append(_design(PAIRED, shadow, replace(wanted, effect=effect)))
    days = len(pilot.by_day)
    return ExperimentPlan(
        usecase=project.usecase.name,
        metric=options.metric,
        baseline=rounded(pilot.mean),
        effect=rounded(effect),
        relative=rounded(signed / pilot.mean) if pilot.mean else None,
        power=options.power,
        alpha=options.alpha,
        treatments=options.arms,
        unit=project.routed_by or "event",
        pilot=f"served until {served.last}",
        pilot_days=days,
        pilot_entities=pilot.by_day[-1].n,
        events_a_day=rounded(pilot.events_a_day),
        delay=project.usecase.delay_words,
        designs=tuple(designs),
        advice=tuple(_advice(project, options, designs, days)),
    )


def _live(project: Project, options: Terms, served: Served) -> Observations:
    """What was answered, as one arm."""
    rows = served.rows.rows(served.rows.mode == "live")
    until = analysis.days_since(served.last)
    seen = observed_values.observed(
        rows, served.outcomes, project.judgement(), [options.metric], until
    )
    return replace(seen, arm=np.full(len(seen), ALL, object))


def _shadow(project: Project, options: Terms, served: Served, pilot: Pilot) -> Pilot | None:
    """The differences of a shadow's scores from the answers; None where there is no shadow, or nothing to compare."""
    rows = served.rows
    names = sorted(set(rows.arm[rows.mode == "shadow"]))
    if not names or metric_names.is_of_service(options.metric):
        return None
    name = next(iter(options.treatments), names[-1])
    if name not in names:
        return None
    chosen = rows.rows((rows.mode == "live") | ((rows.mode == "shadow") & (rows.arm == name)))
    until = analysis.days_since(served.last)
    seen = observed_values.paired(
        chosen, served.outcomes, project.judgement(), [options.metric], until
    )
    if not np.any(seen.metrics[options.metric].weight > 0):
        return None
    return _pilot(replace(seen, arm=np.full(len(seen), ALL, object)), options.metric, pilot.mean)


def _pilot(seen: Observations, metric: str, baseline: float | None = None) -> Pilot:
    """By day of the event: what is known by now of each, as labels come later."""
    there = seen.metrics[metric].weight > 0
    if not np.any(there):
        return Pilot(float("nan"), (), 0.0)
    by_event = replace(seen.metrics[metric], known=np.where(there, seen.day, observations.NEVER))
    days = np.arange(seen.day[there].min(), seen.day[there].max() + 1)
    of_day = replace(seen, metrics={metric: by_event})
    sums = list(observations.sums_by_look(of_day, metric, ALL, days))
    lasting = observations.lasting_variance(seen, metric)
    mean = sums[-1].mean if baseline is None else baseline
    return Pilot.of(sums, mean, lasting, baseline is not None)


def _design(name: str, pilot: Pilot, wanted: Wanted) -> PlannedDesign:
    length = planning.length(pilot, wanted)
    return PlannedDesign(
        design=name,
        days=length.days,
        events=length.events,
        power={day: rounded(share) for day, share in length.power},
        smallest=rounded(length.smallest) if np.isfinite(length.smallest) else None,
    )


def _advice(
    project: Project, options: Terms, designs: list[PlannedDesign], days: int
) -> Iterator[str]:
    name = project.usecase.name
    if metric_names.needs_label(options.metric, project.known.late):
        yield f"labels are due {project.usecase.delay_words} after an event: the last day counts as much later"
    if (
        len(designs) == 2
        and designs[1].events
        and designs[1].events < (designs[0].events or np.inf)
    ):
        yield (
            f"decide it paired: both score the same events, and {designs[1].events:,} of them are enough where "
            f"an A/B needs {designs[0].events:,}"
            if designs[0].events
            else f"decide it paired: both score the same events, and {designs[1].events:,} of them are enough; no A/B of a year is"
        )
    elif len(designs) == 1 and options.metric in plan_document.PAIRED:
        yield (
            "cost and quality are better decided paired, on the same events: a hundredth of the events is often enough; "
            f"`plumbline routes {name} shadow REV` for some days, then plan again, or `plumbline replay {name}`"
        )
    if days < 7:
        yield f"the pilot has {days} days: with a week or more the plan knows how often entities come again"


def _unknown(project: Project, options: Terms, served: Served) -> str:
    late = metric_names.needs_label(options.metric, project.known.late)
    why = f" (labels are due {project.usecase.delay_words} after an event)" if late else ""
    return (
        f"--metric {options.metric}: not known of any of the {len(served.rows):,} events that were served until "
        f"{served.last}{why}; choose another metric, or plan later"
    )
