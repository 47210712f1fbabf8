"""What came of a retrain of one use case: one of four words, and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from plumbline.core.errors import PlumblineError
from plumbline.monitor.verdict import FAULTS
from plumbline.review import merge_gate, verdict_line

FORMAT = 1
Word = Literal["healthy", "drift", "bad-data", "challenger"]
KEYS = {"usecase", "outcome", "reasons", "as_of", "monitor", "failed", "comparison", "branch"}


@dataclass(frozen=True)
class Outcome:
    """healthy: nothing to do. drift: seen, but a new model does not help. bad-data: mend the input
    first. challenger: a new model that the gate lets through."""

    word: Word
    reasons: tuple[str, ...]


def of_failure(failed: Mapping[str, str]) -> Outcome:
    """A stage before training failed: it refused the data."""
    return Outcome("bad-data", (f"stage {failed['stage']} failed: {failed['error']}",))


def of_monitor(found: Mapping[str, Any]) -> Outcome | None:
    """From the monitor's JSON of the champion on the new window; None: build a challenger."""
    faults = [f for f in found["findings"] if f["level"] == "alert" and f["check"] in FAULTS]
    if faults:
        return Outcome("bad-data", tuple(map(told, faults)))
    if found["retrain"]["now"]:
        return None
    word: Word = "healthy" if found["level"] == "ok" else "drift"
    return Outcome(word, (str(found["summary"]), str(found["retrain"]["why"])))


def of_comparison(found: Mapping[str, Any]) -> Outcome:
    """From the comparison of the challenger with the champion: only the gate's plain yes counts.

    An override was written for another change.
    """
    gate = found["gate"]
    if gate["verdict"] == "yes":
        return Outcome("challenger", (verdict_line.verdict(found),))
    against = [*gate["reasons"], *gate["lifted"]]
    return Outcome("drift", tuple(f"challenger refused: {verdict_line.reason(r)}" for r in against))


def told(finding: Mapping[str, Any]) -> str:
    """A monitor's finding in one line."""
    where = f"{finding['column']}: " if finding.get("column") else ""
    return f"{where}{finding['check']}: {finding['evidence']}; {finding['next']}"


def read(found: Any, name: str) -> list[dict[str, Any]]:
    """The use cases' records in what `retrain` wrote; PlumblineError where it is something else."""
    whole = found if isinstance(found, dict) else {}
    listed = whole.get("usecases")
    if whole.get("format") != FORMAT or not isinstance(listed, list):
        raise PlumblineError(
            f"{name}: not what a retrain of format {FORMAT} writes; make it with "
            "`plumbline retrain`"
        )
    for record in listed:
        lacking = KEYS - record.keys() if isinstance(record, dict) else KEYS
        if lacking:
            raise PlumblineError(f"{name}: damaged: a record has no {', '.join(sorted(lacking))}")
        if record["comparison"] is not None:
            merge_gate.read(record["comparison"], name)
    return listed
