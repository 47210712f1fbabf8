"""The few figures of an evaluation that `dvc metrics show` and `dvc metrics diff` print. Pure."""

from __future__ import annotations

from plumbline.evaluate.evaluate_document import EvaluateDocument

GUARDS = ("macro_f1", "ece", "recall_at_false_alarm", "bias", "error_p90")
"""Beside the primary metric: calibration and ranking of a classification, F1 of several classes, the error of a regression."""
COST = "cost"


def summary(document: EvaluateDocument) -> dict[str, float | int | str | None]:
    """The primary metric with its interval's ends, guards and cost where the problem has them, size and work of the
    bundle over the yardstick's, verdict: at most nine. Where decisions are declared, the cost is theirs.

    The full figures are in evaluate.json; nothing reads this but DVC's commands and people.
    """
    primary, figures = document.primary, document.metrics
    interval = figures[primary]
    named = (*GUARDS, *(() if document.decisions else (COST,)))
    others = [name for name in named if name in figures and name != primary]
    return {
        primary: interval.value,
        f"{primary}_low": interval.low,
        f"{primary}_high": interval.high,
        **{name: figures[name].value for name in others},
        **_footprint(document),
        "gate": document.gate.verdict,
    }


def _footprint(document: EvaluateDocument) -> dict[str, float | None]:
    """What acting on the model costs a day, and what the bundle costs to keep and to ask."""
    acts, bundle = document.decisions, document.footprint
    decided = {"decisions_cost_a_day": acts.cost_a_day.value} if acts else {}
    return decided | ({"bundle_size": bundle.size, "bundle_work": bundle.work} if bundle else {})
