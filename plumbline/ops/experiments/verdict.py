"""What an experiment's figures say so far. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from plumbline.ops.experiments import metric_names
from plumbline.ops.experiments.declaration import Experiment
from plumbline.ops.experiments.experiment_document import (
    Assignment,
    Difference,
    GuardrailFigures,
    Status,
)
from plumbline.report.numbers import figure, known


def of(
    experiment: Experiment,
    day: date | None,
    final: date,
    differences: Sequence[Difference],
    guardrails: Sequence[GuardrailFigures],
    shares: Assignment | None,
) -> tuple[Status, str]:
    """The status and one sentence; what forbids a conclusion comes first. `final`: the day on which all is known."""
    if day is None or day < experiment.start:
        return "waiting", f"nothing was served since {experiment.start}"
    if shares and shares.mismatch:
        return "invalid", _mismatch(shares)
    broken = [one for one in guardrails if one.broken]
    if broken:
        return "guardrail", _broken(broken[0])
    decided = [one for one in differences if one.decided]
    if decided:
        return _decided(experiment, decided)
    if day >= final:
        return "no difference", _nothing(experiment, differences)
    return "running", f"no difference is sure by {day}; planned until {final}"


def is_better(experiment: Experiment, difference: Difference) -> bool:
    """Whether a sure difference is in the wanted direction, as it stood when it became sure."""
    look = next(one for one in difference.looks if one.day == difference.decided)
    return ((look.value or 0.0) > 0) == (experiment.better == "higher")


def _decided(experiment: Experiment, decided: Sequence[Difference]) -> tuple[Status, str]:
    better = [one for one in decided if is_better(experiment, one)]
    shown = min(better or decided, key=lambda one: one.decided or date.max)
    status: Status = "better" if better else "worse"
    others = len(better or decided) - 1
    more = f", and {others} more" if others else ""
    return status, (
        f"{shown.treatment}{more} is {status} than {experiment.control}: {_difference(shown)}, "
        f"sure since {shown.decided}"
    )


def _difference(one: Difference) -> str:
    ends = one.interval
    relative = f" ({one.relative:+.1%})" if one.relative is not None else ""
    name = metric_names.title(one.metric)
    return f"{name} differs by {figure(ends.value)}{relative}, from {figure(ends.low)} to {figure(ends.high)}"


def _nothing(experiment: Experiment, differences: Sequence[Difference]) -> str:
    ends = [
        abs(end)
        for one in differences
        for end in (one.interval.low, one.interval.high)
        if end is not None and known(end)
    ]
    if not ends:
        return "the planned days are over, and no difference could be measured: too few entities, or all alike"
    excluded = "ruled out" if max(ends) < experiment.effect else "not ruled out"
    return (
        "the planned days are over without a sure difference; an effect of "
        f"{figure(experiment.effect)} is {excluded}"
    )


def _broken(one: GuardrailFigures) -> str:
    ends = one.interval
    return (
        f"{one.treatment} breaks the guardrail on the {metric_names.title(one.metric)}: it differs by {figure(ends.value)}, "
        f"from {figure(ends.low)} to {figure(ends.high)}; allowed is {figure(one.limit)} {one.worse} (since {one.broken})"
    )


def _mismatch(shares: Assignment) -> str:
    total = sum(shares.found.values())
    parts = [
        f"{arm} {count / total:.1%} instead of {shares.planned[arm]:.1%}"
        for arm, count in shares.found.items()
    ]
    return (
        f"entities did not come to the arms as planned ({', '.join(parts)}): something assigns, drops or repeats them, and no "
        "difference can be trusted; check the routes' history and refused requests, then start anew"
    )
