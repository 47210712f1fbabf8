"""A loss of quality, or calibration that has moved, on periods whose labels are known."""

from __future__ import annotations

from collections.abc import Sequence

from plumbline.monitor import label_tests
from plumbline.monitor.label_outcomes import LabelOutcome
from plumbline.monitor.label_tests import LabelTest
from plumbline.monitor.params import LevelLimits, Monitor
from plumbline.monitor.verdict import Finding, Level

CLUSTERS = 4
"""Times that a test of labels is counted: cases come in clusters that outlast a run of days."""
METRICS = {
    "classification": "average precision",
    "multiclass": "log loss",
    "regression": "mean absolute error",
}


def findings(
    problem: str,
    labels: tuple[Sequence[LabelOutcome], Sequence[LabelOutcome]],
    limits: Monitor,
    classes: Sequence[str] = (),
) -> list[Finding]:
    """At most one finding of quality and one of calibration: the clearest run of each.

    `labels`: outcomes of past periods, and of the recent ones whose labels are known.
    """
    results = (
        label_tests.of_classes(*labels, classes) if classes else label_tests.tests(problem, *labels)
    )
    out = []
    for name, bounds in (("quality", limits.quality), ("calibration", limits.calibration)):
        ordered = sorted((t for t in results if t.name == name), key=lambda t: t.p)
        clearest = _clearest(ordered, bounds, limits, max(1, len(classes)))
        if clearest:
            out.append(_finding(problem, *clearest))
    return out


def _clearest(
    ordered: Sequence[LabelTest], bounds: LevelLimits, limits: Monitor, classes: int
) -> tuple[LabelTest, Level] | None:
    split = 2 * len(label_tests.RUNS) * CLUSTERS * classes
    levels: tuple[tuple[Level, float, float], ...] = (
        ("alert", limits.false_alert_days, bounds.alert),
        ("warning", limits.false_warning_days, bounds.warning),
    )
    for level, days, least in levels:
        for test in ordered:
            if test.p < 1 / days / split and abs(test.size) >= least:
                return test, level
    return None


def _finding(problem: str, test: LabelTest, level: Level) -> Finding:
    of_class = f"class {test.of}: " if test.of else ""
    problem = "classification" if test.of else problem
    if test.name == "quality":
        text = f"{METRICS[problem]} {test.before:.3g} before, {test.now:.3g} now"
        unit, cause = "relative loss", "what decides the label has changed"
    elif problem == "classification":
        text = f"{test.now:.3g} cases per case expected by the scores, {test.before:.3g} before"
        unit = "relative change"
        cause = f"labels {1 + test.size:.2g} times as frequent as the scores say"
    else:
        text = f"mean error {test.now:.3g}, {test.before:.3g} before"
        unit, cause = "mean absolute errors", "the label has moved away from the scores"
    days = f"{test.first} to {test.last}" if test.run > 1 else f"{test.last}"
    return Finding(
        test.name,
        level,
        abs(test.size),
        unit,
        f"{of_class}{text} (labels of {days})",
        cause=cause,
        since=str(test.first),
    )
