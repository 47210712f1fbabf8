"""What came of a retrain of one use case: one of four words, and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plumbline.monitor.verdict import FAULTS
from plumbline.ops.retrain.retrain_document import FailedStage, OutcomeKind
from plumbline.review import verdict_line
from plumbline.review.comparison import Comparison


@dataclass(frozen=True)
class RetrainOutcome:
    """healthy: nothing to do. drift: seen, but a new model does not help. bad-data: mend the input
    first. challenger: a new model that the gate lets through."""

    kind: OutcomeKind
    reasons: tuple[str, ...]


def of_failure(failed: FailedStage) -> RetrainOutcome:
    """A stage before training failed: it refused the data."""
    return RetrainOutcome("bad-data", (f"stage {failed.stage} failed: {failed.error}",))


def of_monitor(result: Mapping[str, Any]) -> RetrainOutcome | None:
    """From the monitor's JSON of the champion on the new window; None: build a challenger."""
    faults = [f for f in result["findings"] if f["level"] == "alert" and f["check"] in FAULTS]
    if faults:
        return RetrainOutcome("bad-data", tuple(map(sentence, faults)))
    if result["retrain"]["now"]:
        return None
    kind: OutcomeKind = "healthy" if result["level"] == "ok" else "drift"
    return RetrainOutcome(kind, (str(result["summary"]), str(result["retrain"]["why"])))


def of_comparison(comparison: Comparison) -> RetrainOutcome:
    """From the comparison of the challenger with the champion: only the gate's plain yes counts.

    An override was written for another change.
    """
    gate = comparison.gate
    if gate.verdict == "yes":
        return RetrainOutcome("challenger", (verdict_line.verdict(comparison),))
    against = [*gate.reasons, *gate.lifted]
    return RetrainOutcome(
        "drift", tuple(f"challenger refused: {verdict_line.reason(r)}" for r in against)
    )


def sentence(finding: Mapping[str, Any]) -> str:
    """A monitor's finding in one line."""
    where = f"{finding['column']}: " if finding.get("column") else ""
    return f"{where}{finding['check']}: {finding['evidence']}; {finding['next']}"
