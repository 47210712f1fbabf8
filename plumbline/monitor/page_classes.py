"""The page's section on several classes: how often each comes, and how probable it is held. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from plumbline.core.safe_text import one_line
from plumbline.monitor.result import ClassReport, MonitorResult
from plumbline.report import columns
from plumbline.report.blocks import Block, Table, Text
from plumbline.report.numbers import NONE, fixed

HEAD = ("class", "share before", "share now", "probability before", "now", "PSI", "shift")


def classes(result: MonitorResult) -> Iterator[Block]:
    """Each class in both windows."""
    yield Text(
        "Share: of the known labels. Probability: the model's, mean of all rows; its shift in standard deviations "
        "of its rank. The score of this page is the probability of the likeliest class."
    )
    known = result.classes
    shares = [
        columns.intervals(
            [getattr(c.share, side) if c.share else None for c in known], percent=True
        )
        for side in ("reference", "current")
    ]
    means = [
        columns.figures([getattr(c, f"probability_{side}") for c in known], percent=True)
        for side in ("reference", "current")
    ]
    rows = [
        (one_line(one.name), *cells, *_moved(one))
        for one, *cells in zip(known, *shares, *means, strict=True)
    ]
    yield Table("Classes, reference and current window", HEAD, rows, frozenset(range(1, 7)))


def _moved(one: ClassReport) -> tuple[str, str]:
    if one.psi is None or one.shift is None:
        return NONE, NONE
    return fixed(one.psi, 3), fixed(one.shift, 3, sign=True)
