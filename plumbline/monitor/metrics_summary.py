"""The few figures of the monitor that `dvc metrics show` and `dvc metrics diff` print. Pure."""

from __future__ import annotations

from plumbline.core.documents import rounded
from plumbline.monitor.result import MonitorResult
from plumbline.monitor.served.served_report import ServedReport


def summary(verdict: MonitorResult) -> dict[str, float | int | str | None]:
    """The level, how many findings there are, the loss of quality on known labels, and what was served, if anything.

    The full verdict is in monitor.json; nothing reads this but DVC's commands and people.
    """
    loss = verdict.quality.loss if verdict.quality else None
    value = loss.value if loss else None
    return {
        "level": verdict.level,
        "findings": len(verdict.findings),
        "quality_loss": None if value is None else rounded(value),
        **(_of_served(verdict.served) if verdict.served else {}),
    }


def _of_served(served: ServedReport) -> dict[str, float | int | None]:
    """What was answered in production: events, features that differ, and the quality of the logged scores."""
    skewed = {one.name for bundle in served.parity for one in bundle.skewed}
    newest = served.quality[0].value if served.quality else None
    return {
        "served_events": served.events,
        "served_skewed_features": len(skewed),
        "served_quality": newest.value if newest else None,
    }
