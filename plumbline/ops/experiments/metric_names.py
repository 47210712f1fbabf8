"""The metrics that an experiment may compare, by name: what each is, and what it needs. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.core.errors import PlumblineError, suggest

ALARMS, SCORE, LATENCY, FLAGGED, UNSCORED = "alarms", "score", "latency", "flagged", "unscored"
LABEL, COST, BRIER, ERROR = "label", "cost", "brier", "error"
DECISION, COLUMN = "decision:", "column:"
OF_SERVICE = frozenset((LATENCY, FLAGGED))
OF_LABEL = frozenset((LABEL, COST, BRIER, ERROR))
TITLES = {
    ALARMS: "share of events with an alarm",
    SCORE: "mean score",
    LATENCY: "time from request to answer, microseconds",
    FLAGGED: "share of events answered with a flag (late, unknown, defaulted, stale)",
    UNSCORED: "share of events that could not be scored",
    LABEL: "mean label",
    COST: "cost per event",
    BRIER: "squared error of the probability",
    ERROR: "absolute error",
}


@dataclass(frozen=True)
class KnownNames:
    """What a use case has: its problem, entities, decisions, numeric columns known at once and late, and costs."""

    problem: str
    entities: tuple[str, ...]
    decisions: tuple[str, ...]
    columns: tuple[str, ...]
    late: tuple[str, ...]
    costs: bool

    @property
    def metrics(self) -> tuple[str, ...]:
        """All metrics that it can be compared by."""
        plain = [ALARMS, SCORE, LATENCY, FLAGGED, UNSCORED, LABEL]
        plain += {"classification": [BRIER], "regression": [ERROR]}.get(self.problem, [])
        plain += [COST] if self.costs else []
        named = [f"{DECISION}{name}" for name in self.decisions]
        return (*plain, *named, *(f"{COLUMN}{name}" for name in (*self.columns, *self.late)))


def check(where: str, metric: str, known: KnownNames) -> None:
    """PlumblineError where a use case has no such metric."""
    if metric in known.metrics:
        return
    if metric == COST:
        raise PlumblineError(
            f"{where}: metric 'cost' needs prices; set train.costs for a classification in params.yaml"
        )
    raise PlumblineError(f"{where}: no metric '{metric}'; {suggest(metric, known.metrics)}")


def needs_label(metric: str, late: tuple[str, ...] = ()) -> bool:
    """Whether it is known only once the label is."""
    return metric in OF_LABEL or metric.removeprefix(COLUMN) in late


def is_of_service(metric: str) -> bool:
    """Whether it is a property of the answer's making, which a shadow does not share."""
    return metric in OF_SERVICE


def title(metric: str) -> str:
    """A metric for readers.

    >>> title("alarms"), title("decision:block")
    ('share of events with an alarm', 'share of events with the decision block')
    """
    if metric.startswith(DECISION):
        return f"share of events with the decision {metric.removeprefix(DECISION)}"
    if metric.startswith(COLUMN):
        return f"mean of {metric.removeprefix(COLUMN)}"
    return TITLES[metric]
