"""Columns that moved together are one finding: what moved one of them moved all. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from plumbline.core import arrays
from plumbline.core.declarations import Array
from plumbline.monitor.verdict import Finding
from plumbline.monitor.window import ScoredWindow

CHECKS = ("drift", "trend_shift")
"""Checks whose findings are grouped; a fault of the input is a column's own."""
TOGETHER = 0.6
"""Rank correlation from which two columns are taken to move together."""
ROWS = 2_000
"""Rows, evenly spaced, that correlations are computed from."""
NAMED = 4
"""Companions that are named; the others are counted."""


def grouped(findings: Sequence[Finding], reference: ScoredWindow) -> list[Finding]:
    """The findings, the most severe first, each with the columns that moved with it in its evidence."""
    ranks = {f.column: _ranks(reference, f.column) for f in findings if f.check in CHECKS}
    kept: list[Finding] = []
    followers: dict[int, list[str]] = {}
    for finding in findings:
        leaders = (i for i, one in enumerate(kept) if _follows(finding, one, ranks))
        leader = next(leaders, None)
        if leader is None:
            kept.append(finding)
        else:
            followers.setdefault(leader, []).append(str(finding.column))
    return list(_named(kept, followers))


def _follows(finding: Finding, leader: Finding, ranks: dict[str | None, Array | None]) -> bool:
    if finding.check not in CHECKS or leader.check != finding.check:
        return False
    one, other = ranks[leader.column], ranks[finding.column]
    if one is None or other is None:
        return False
    return bool(abs(float(np.mean(one * other))) >= TOGETHER)


def _ranks(window: ScoredWindow, column: str | None) -> Array | None:
    """Standardised ranks of a numeric column, float (ROWS,); None where it has none or one value."""
    values = window.columns.get(column or "")
    numbers = None if values is None else arrays.numeric(values)
    if numbers is None or not len(numbers):
        return None
    numbers = numbers[np.linspace(0, len(numbers) - 1, ROWS).astype(np.int64)]
    numbers = np.where(np.isfinite(numbers), numbers, -np.inf)  # what is not known stands first
    _, codes, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - counts / 2
    ranks = middle[codes] - middle[codes].mean()
    spread = float(ranks.std())
    return ranks / spread if spread else None


def _named(kept: Sequence[Finding], followers: dict[int, list[str]]) -> Iterator[Finding]:
    for number, finding in enumerate(kept):
        names = followers.get(number)
        yield replace(finding, evidence=f"{finding.evidence}; {_with(names)}") if names else finding


def _with(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    listed = ", ".join(names[:NAMED])
    return f"moved together with {listed}" + (f" and {more} more" if more > 0 else "")
