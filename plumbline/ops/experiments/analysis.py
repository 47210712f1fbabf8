"""The state of an experiment: differences, guardrails and assignment, at every look so far. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from plumbline.core.declarations import Array
from plumbline.core.documents import rounded
from plumbline.metrics import assignment, confidence_sequence
from plumbline.metrics.bootstrap import Estimate
from plumbline.metrics.confidence_sequence import Moments
from plumbline.metrics.entity_means import EntitySums
from plumbline.metrics.interval import Interval
from plumbline.ops.experiments import metric_names, observations, verdict
from plumbline.ops.experiments.declaration import Experiment, Guardrail
from plumbline.ops.experiments.experiment_document import (
    ArmFigures,
    Assignment,
    Difference,
    ExperimentReport,
    GuardrailFigures,
    Look,
)
from plumbline.ops.experiments.observations import Observations

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Judged:
    """An experiment, what was observed of it, and the days at whose end it is looked at, as days since 1970."""

    experiment: Experiment
    seen: Observations
    looks: Array

    @classmethod
    def of(cls, experiment: Experiment, seen: Observations, until: date) -> Judged:
        """With a look at the end of each day from the start to `until`."""
        first, last = days_since(experiment.start), days_since(min(until, experiment.last))
        looks = np.arange(first, days_since(until) + 1)
        return cls(experiment, seen.rows((seen.day >= first) & (seen.day <= last)), looks)

    @property
    def paired(self) -> bool:
        return self.experiment.design == "paired"

    def sums(self, metric: str, arm: str) -> list[EntitySums]:
        """An arm's sums at each look; of a paired design those of its differences from the control."""
        return list(observations.sums_by_look(self.seen, metric, arm, self.looks))

    def moments(self, metric: str, treatment: str) -> list[tuple[Moments, ...]]:
        """At each look those of the differences, or of the control and of the treatment."""
        arms = (treatment,) if self.paired else (self.experiment.control, treatment)
        sides = [[one.moments() for one in self.sums(metric, arm)] for arm in arms]
        return list(zip(*sides, strict=True))

    def estimates(
        self, metric: str, treatment: str, alpha: float, planned: float | None = None
    ) -> list[Estimate]:
        """The treatment minus the control at each look; `planned`: the error at which intervals are narrowest.

        None: as it would be at the end, were it to fall from the first look on as that of independent days.
        """
        sides = self.moments(metric, treatment)
        planned = planned or _expected(sides, self.experiment.days)
        if self.paired:
            return [confidence_sequence.mean(one, planned, alpha) for (one,) in sides]
        return [confidence_sequence.difference(a, b, planned, alpha) for a, b in sides]


def report(
    usecase: str,
    name: str,
    experiment: Experiment,
    seen: Observations,
    until: date | None,
    delay: int = 0,
) -> ExperimentReport:
    """The state at the end of `until`, None where nothing was served; `delay`: days until the metric is known."""
    seen, crossed = seen.without_crossing()
    final = experiment.ended.day if experiment.ended else experiment.last + timedelta(days=delay)
    until = min(until, final) if until else None
    judged = Judged.of(experiment, seen, until) if until and until >= experiment.start else None
    differences = tuple(_differences(judged)) if judged else ()
    guardrails = tuple(_guardrails(judged)) if judged else ()
    shares = _assignment(judged) if judged and not judged.paired else None
    left_out = {
        "entities that changed their arm: events after that": crossed,
        "events that are due without feedback": seen.unlabelled,
        "events whose label is withheld, with none like them let through": seen.withheld,
        "scores without a counterpart": seen.unpaired,
    }
    status, text = verdict.of(experiment, until, final, differences, guardrails, shares)
    return ExperimentReport(
        usecase=usecase,
        name=name,
        hypothesis=experiment.hypothesis,
        design=experiment.design,
        metric=experiment.metric,
        title=metric_names.title(experiment.metric),
        better=experiment.better,
        control=experiment.control,
        start=experiment.start,
        last=experiment.last,
        day=until,
        status=status,
        verdict=text,
        alpha=experiment.alpha,
        effect=experiment.effect,
        arms=tuple(_arms(judged)) if judged else (),
        differences=differences,
        guardrails=guardrails,
        assignment=shares,
        left_out={reason: count for reason, count in left_out.items() if count},
        warnings=tuple(_warnings(seen, crossed)),
        keep=experiment.ended.keep if experiment.ended else None,
    )


def days_since(day: date) -> int:
    """Days since 1970."""
    return (day - EPOCH).days


def planned_error(effect: float, days: int, alpha: float, power: float) -> float:
    """The standard error at the end for which intervals are narrowest: that which gives the planned power."""
    return confidence_sequence.needed_error(effect, min(days, 28), alpha, power)


def _differences(judged: Judged) -> Iterator[Difference]:
    one = judged.experiment
    planned = planned_error(one.effect, one.days, one.comparison_alpha, one.power)
    for treatment in one.treatments:
        estimates = judged.estimates(one.metric, treatment, one.comparison_alpha, planned)
        control = math.nan if judged.paired else judged.sums(one.metric, one.control)[-1].mean
        baseline = one.baseline if judged.paired and one.baseline else control
        yield Difference(
            treatment=treatment,
            metric=one.metric,
            interval=Interval.from_estimate(estimates[-1]),
            relative=_figure(estimates[-1].value / baseline) if baseline else None,
            decided=_first(judged, [e.low > 0 or e.high < 0 for e in estimates]),
            looks=tuple(_looks(judged, estimates)),
        )


def _guardrails(judged: Judged) -> Iterator[GuardrailFigures]:
    one = judged.experiment
    for treatment in one.treatments:
        for metric, rail in one.guardrails.items():
            yield _guardrail(judged, treatment, metric, rail)


def _guardrail(judged: Judged, treatment: str, metric: str, rail: Guardrail) -> GuardrailFigures:
    one = judged.experiment
    estimates = judged.estimates(metric, treatment, one.guardrail_alpha)
    sign = 1 if rail.worse == "higher" else -1
    worst = [_signed(e, sign) for e in estimates]
    broken = _first(judged, [low > rail.limit for low, _ in worst])
    _low, high = worst[-1]
    return GuardrailFigures(
        treatment=treatment,
        metric=metric,
        worse=rail.worse,
        limit=rail.limit,
        interval=Interval.from_estimate(estimates[-1]),
        broken=broken,
        kept=False if broken else (True if high <= rail.limit else None),
    )


def _expected(sides: Sequence[Sequence[Moments]], days: int) -> float:
    """The error at the end, from the first look that has one; 1 where none has."""
    errors = [math.hypot(*(side.error for side in one)) for one in sides]
    first = next((look for look, error in enumerate(errors, start=1) if error > 0), None)
    return errors[first - 1] * math.sqrt(first / max(days, first)) if first else 1.0


def _signed(estimate: Estimate, sign: int) -> tuple[float, float]:
    """The interval of how much worse it is."""
    ends = (estimate.low, estimate.high)
    return ends if sign > 0 else (-ends[1], -ends[0])


def _arms(judged: Judged) -> Iterator[ArmFigures]:
    one = judged.experiment
    for arm in one.treatments if judged.paired else one.arms:
        sums = judged.sums(one.metric, arm)[-1]
        yield ArmFigures(
            name=arm,
            share=one.shares.get(arm),
            entities=observations.units_by_look(judged.seen, arm, judged.looks)[-1],
            events=round(sums.events),
            mean=_figure(sums.mean),
        )


def _assignment(judged: Judged) -> Assignment | None:
    one = judged.experiment
    planned = [one.shares[arm] / sum(one.shares.values()) for arm in one.arms]
    counts = [observations.units_by_look(judged.seen, arm, judged.looks) for arm in one.arms]
    looks = list(zip(*counts, strict=True))
    return Assignment(
        planned={arm: rounded(share) for arm, share in zip(one.arms, planned, strict=True)},
        found=dict(zip(one.arms, looks[-1], strict=True)),
        evidence=_figure(assignment.evidence(looks[-1], planned)),
        mismatch=any(assignment.mismatch(look, planned) for look in looks),
    )


def _looks(judged: Judged, estimates: Sequence[Estimate]) -> Iterator[Look]:
    for day, one in zip(judged.looks, estimates, strict=True):
        ends = (_figure(value) for value in (one.value, one.low, one.high))
        yield Look(day=_date(day), **dict(zip(("value", "low", "high"), ends, strict=True)))


def _first(judged: Judged, true: Sequence[bool]) -> date | None:
    places = np.flatnonzero(true)
    return _date(judged.looks[places[0]]) if len(places) else None


def _date(day: int) -> date:
    return EPOCH + timedelta(days=int(day))


def _figure(value: float) -> float | None:
    return rounded(value) if math.isfinite(value) else None


def _warnings(seen: Observations, crossed: int) -> Iterator[str]:
    units = max(1, len(np.unique(seen.unit)))
    if crossed > units / 100:
        yield (
            f"{crossed} of {units} entities changed their arm, as after a change of the routes: their later events are "
            "left out; a new experiment after the change is safer"
        )
    if seen.withheld:
        yield (
            f"of {seen.withheld} events no label can come, and none like them was let through: what needs a label is "
            "known of the others only (serve.explore lets a share through)"
        )
    if seen.unlabelled > len(seen) / 20:
        yield f"{seen.unlabelled} events are due and have no feedback; if it is missing more often in one arm, this misleads"
