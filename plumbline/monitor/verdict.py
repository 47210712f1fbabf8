"""Findings, their levels (ok, warning, alert), and whether to retrain.

An alert needs evidence of harm: the input is broken where the model looks, the model's answers have
shifted, or labels show a loss. Drift that leaves the model's scores where they were is a warning.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "alert"]
LEVELS: tuple[Level, ...] = ("ok", "warning", "alert")
FAULTS = (
    "missing",
    "type",
    "all_null",
    "constant",
    "null_share",
    "unseen",
    "outside",
    "unit",
    "swapped",
    "stuck",
    "time",
    "hours",
    "outside_period",
    "repeated",
    "rows",
    "missing_ids",
    "stale_histories",
)
"""Checks whose alert says that the data are not to be learned from before someone has looked."""
SERVING_FAULTS = ("skew", "served_score", "refused_events")
"""Checks whose alert says that the service is to be repaired, until it is: no new model helps against them."""
LOSSES = ("quality", "calibration", "served_quality")
"""Checks of labels: the model has become worse."""
MOVED = ("drift", "prediction", "outlier_predictions", "extreme_values")
"""Checks whose alert says that the model now answers about other events than it was validated on."""

NEXT = {
    "missing": "find out where the column was lost before the next run",
    "type": "find out what changed the column's type at the source",
    "all_null": "find out why the source stopped filling the column",
    "constant": "check whether the source is stuck",
    "null_share": "find out which rows lack the value, and since when",
    "unseen": "look at the new values; add them to the contract if they are right",
    "outside": "check the unit and the source of the extreme values",
    "unit": "find the sender that changed the unit; convert or set aside its rows",
    "swapped": "find the sender that mixes up the two columns; set aside its rows",
    "stuck": "find the devices that repeat one value; set aside their rows",
    "time": "check the clock and the time zone of the source",
    "hours": "fetch the missing hours, then run again",
    "outside_period": "check the clock of the source; set aside the rows",
    "repeated": "find out why rows come twice; drop the copies",
    "rows": "check for missing partitions or a partial day",
    "missing_ids": "find the partition that did not come, then run again",
    "stale_histories": "bring the feature store up to date, then score again",
    "drift": "look at the distributions; explain the change, or retrain once labels are known",
    "trend_shift": "look at the trend since training; plan a retraining",
    "prediction": "find the columns that moved the score; check the quality as labels come in",
    "outlier_predictions": "look at the rows with extreme scores; check their inputs before acting on them",
    "extreme_values": "check the features named; the model was never validated on such values",
    "calibration": "recalibrate or retrain; check the labels' source first",
    "quality": "retrain",
    "unlabelled": "find out why labels that are due have not arrived",
}
NEXT_SERVED = {
    "skew": "find out which side computes the feature differently; deploy one definition to both",
    "served_score": "find out which model the service answers with; verify its bundle, or roll back",
    "refused_events": "look at the refused columns and who sends them; correct the sender or the contract",
    "late_events": "find out who sends late: histories lack these events until they come",
    "unknown_entities": "check whether ids changed their form: new ids have no history",
    "defaulted_histories": "find out why ids are null: their histories have the declared defaults",
    "stale_state": "find out why the service received no events for so long",
    "state_age": "find out what keeps the service from counting its log in the histories",
    "latency": "look at the load and the machine of the service",
    "served_quality": "retrain, or roll back where the model before it was better",
    "withheld": "set serve.explore, so that a share of these events passes at random and has labels",
}
"""The same of what was served; these checks run where sealed predictions are."""


@dataclass(frozen=True)
class Finding:
    """What a check found: where, how large (`size` in `unit`), since when, and the likely cause.

    `since` is the first day of an unbroken run; `cause` is "" where unknown. `until`: the last day of something
    that is over, None of what may last.
    """

    check: str
    level: Level
    size: float
    unit: str
    evidence: str
    column: str | None = None
    importance: float | None = None
    cause: str = ""
    since: str | None = None
    until: str | None = None

    @property
    def next(self) -> str:
        """What to do about it."""
        return (NEXT | NEXT_SERVED)[self.check]


def level(findings: Iterable[Finding]) -> Level:
    """The most severe level among the findings; ok where there are none."""
    return max((f.level for f in findings), key=LEVELS.index, default="ok")


def order(findings: Iterable[Finding]) -> list[Finding]:
    """Most severe first, faults before drift, then by the column's importance and by size."""
    return sorted(
        findings,
        key=lambda f: (
            -LEVELS.index(f.level),
            f.check not in (*FAULTS, *SERVING_FAULTS),
            -(f.importance or 0.0),
            -f.size,
            f.check,
            f.column or "",
        ),
    )


def retrain(findings: Sequence[Finding], judged: bool, overdue: str = "") -> tuple[bool, str]:
    """Whether to retrain, and why.

    `judged`: known labels show the quality of the current window. `overdue`: why the model is older
    than its shelf life, "" where it is not.
    """
    alerts = [f for f in findings if f.level == "alert"]
    faults = [f for f in alerts if f.check in FAULTS]
    if faults:
        return (
            False,
            f"refused: repair the input first ({_names(faults)}); a model learns from bad data",
        )
    serving = [f for f in alerts if f.check in SERVING_FAULTS and f.until is None]
    if serving:
        return (
            False,
            f"refused: repair the service first ({_names(serving)}); a new model does not help",
        )
    losses = [f for f in alerts if f.check in LOSSES]
    moved = [f for f in alerts if f.check in MOVED]
    if losses:
        return True, f"known labels show a loss of quality: {losses[0].evidence}"
    if overdue:
        return True, overdue
    if moved and not judged:
        return (
            True,
            f"harm is to be expected: {_names(moved)} moved, and no label tells the quality yet",
        )
    if moved:
        return False, f"{_names(moved)} moved, but known labels show no loss that calls for it"
    if not judged:
        return (
            False,
            "nothing that the model uses has moved; quality is unknown until labels come in",
        )
    if any(f.check in LOSSES for f in findings):
        return False, "known labels show no loss that calls for it yet"
    return False, "known labels show no loss of quality that reaches its limit"


def _names(findings: Sequence[Finding]) -> str:
    names = sorted({f.column or f.check for f in findings})
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
