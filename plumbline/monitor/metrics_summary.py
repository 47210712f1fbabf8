"""The few figures of the monitor that `dvc metrics show` and `dvc metrics diff` print. Pure."""

from __future__ import annotations

from plumbline.core.documents import rounded
from plumbline.monitor.result import MonitorResult


def summary(verdict: MonitorResult) -> dict[str, float | int | str | None]:
    """The level, how many findings there are, and the loss of quality on known labels.

    The full verdict is in monitor.json; nothing reads this but DVC's commands and people.
    """
    loss = verdict.quality.loss if verdict.quality else None
    value = loss.value if loss else None
    return {
        "level": verdict.level,
        "findings": len(verdict.findings),
        "quality_loss": None if value is None else rounded(value),
    }
