"""The outcome of one use case's retrain, with its reasons. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.monitor.result import MonitorResult, ReportedFinding
from plumbline.monitor.verdict import FAULTS, LOSSES, NEXT_SERVED, SERVING_FAULTS
from plumbline.ops.retrain.retrain_document import OutcomeKind
from plumbline.review import verdict_line
from plumbline.review.comparison import Comparison
from plumbline.review.comparison_sections import FailedStage

LEAVE_OUT = "features.leave_out"
"""The key of a use case's params that a retrain sets: days with faults."""


@dataclass(frozen=True)
class RetrainOutcome:
    """healthy: nothing to do. drift: seen, but a new model does not help. bad-data: fix the input
    first. bad-serving: fix the service first. challenger: a new model that the gate lets through."""

    kind: OutcomeKind
    reasons: tuple[str, ...]


def of_failure(failed: FailedStage) -> RetrainOutcome:
    """A stage before training failed: it refused the data."""
    return RetrainOutcome("bad-data", (f"stage {failed.stage} failed: {failed.error}",))


def of_monitor(result: MonitorResult) -> RetrainOutcome | None:
    """From the monitor's verdict on the champion on the new window; None: build a challenger."""
    kinds: tuple[tuple[OutcomeKind, tuple[str, ...]], ...] = (
        ("bad-data", FAULTS),
        ("bad-serving", SERVING_FAULTS),
    )
    for kind, checks in kinds:
        alerts = [f for f in result.findings if f.level == "alert" and f.until is None]
        faults = [f for f in alerts if f.check in checks]
        if faults:
            return RetrainOutcome(kind, tuple(map(sentence, faults)))
    if result.retrain and result.retrain.now:
        return None
    moved = any(f.check not in NEXT_SERVED or f.check in LOSSES for f in result.findings)
    kind = "drift" if moved and result.level != "ok" else "healthy"
    why = result.retrain.why if result.retrain else "no advice on retraining"
    return RetrainOutcome(kind, (result.summary, why))


def of_comparison(comparison: Comparison, left_out: str = "") -> RetrainOutcome:
    """From the comparison of the challenger with the champion: only the gate's plain yes counts.

    An override was written for another change, but for `left_out`: the retrain's own, which says why days with faults
    are left out, and lifts that alone.
    """
    gate = comparison.gate
    if gate.verdict == "yes" or (left_out and _lifts_that_alone(comparison, left_out)):
        return RetrainOutcome("challenger", (verdict_line.verdict(comparison),))
    against = [*gate.reasons, *gate.lifted]
    return RetrainOutcome(
        "drift", tuple(f"challenger refused: {verdict_line.reason(r)}" for r in against)
    )


def _lifts_that_alone(comparison: Comparison, reason: str) -> bool:
    gate = comparison.gate
    return (
        gate.verdict == "overridden"
        and [*gate.overrides.values()] == [reason]
        and {r.kind for r in gate.lifted} == {"rules"}
        and {rule.key for rule in comparison.rules} == {LEAVE_OUT}
    )


def sentence(finding: ReportedFinding) -> str:
    """A monitor's finding in one line."""
    where = f"{finding.column}: " if finding.column else ""
    return f"{where}{finding.check}: {finding.evidence}; {finding.next}"
