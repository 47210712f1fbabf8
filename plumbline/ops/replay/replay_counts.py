"""Rows that were scored again, counted by bundle while they stream by. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from plumbline.core.declarations import Array
from plumbline.ops.replay.bundles import NoBundle, ReplayBundle
from plumbline.ops.replay.replay_document import DifferingRow, ReplayedBundle
from plumbline.ops.replay.served_rows import ServedRows
from plumbline.ops.replay.verdicts import RowVerdicts

SHOWN = 100
"""Rows that differ which a report lists."""


@dataclass
class BundleCount:
    """The rows of one bundle so far."""

    found: ReplayBundle | NoBundle
    arms: dict[str, None] = field(default_factory=dict)
    rows: int = 0
    live: int = 0
    equal: int = 0
    unchecked: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    first: date = date.max
    last: date = date.min

    def add(self, rows: ServedRows, verdicts: RowVerdicts) -> None:
        """Count rows with their verdicts."""
        self.arms |= dict.fromkeys(rows.facts["arm"])
        self.rows += len(rows)
        self.live += int(np.sum(rows.facts["mode"] == "live"))
        self.equal += int(np.sum(verdicts.reason == ""))
        self.unchecked += 0 if verdicts.checked or verdicts.rescored is None else len(rows)
        self.reasons.update(verdicts.reason[verdicts.reason != ""])
        self.first, self.last = min(self.first, rows.day), max(self.last, rows.day)

    def document(self) -> ReplayedBundle:
        """As the report has it."""
        found = self.found if isinstance(self.found, ReplayBundle) else None
        return ReplayedBundle(
            bundle=self.found.md5,
            arms=list(self.arms),
            rows=self.rows,
            live=self.live,
            first_day=str(self.first),
            last_day=str(self.last),
            equal=self.equal,
            reasons=dict(sorted(self.reasons.items())),
            found=found.origin if found else "",
            problem=self.found.problem if isinstance(self.found, NoBundle) else "",
            unchecked=self.unchecked,
            note=found.unchecked if found and self.unchecked else "",
            libraries=list(found.libraries) if found else [],
        )


@dataclass
class ReplayCounts:
    """All rows so far: counts by bundle, and the first rows that differ."""

    bundles: dict[str, BundleCount] = field(default_factory=dict)
    shown: list[DifferingRow] = field(default_factory=list)

    def add(self, found: ReplayBundle | NoBundle, rows: ServedRows, verdicts: RowVerdicts) -> None:
        """Count rows of one bundle."""
        self.bundles.setdefault(found.md5, BundleCount(found)).add(rows, verdicts)
        places = np.flatnonzero(verdicts.reason != "")[: SHOWN - len(self.shown)]
        self.shown += [_row(rows, verdicts, int(i)) for i in places]

    def total(self, name: str) -> int:
        """A count over all bundles."""
        return sum(getattr(one, name) for one in self.bundles.values())


def _row(rows: ServedRows, verdicts: RowVerdicts, place: int) -> DifferingRow:
    facts = {n: rows.facts[n][place] for n in ("sequence", "key", "arm", "mode", "bundle")}
    return DifferingRow(
        **facts,
        day=str(rows.day),
        reason=str(verdicts.reason[place]),
        detail=str(verdicts.detail[place]),
    )


def places_of(values: Array) -> dict[str, Array]:
    """By value the places that have it, in the order of first appearance."""
    result: dict[str, list[int]] = {}
    for place, value in enumerate(values):
        result.setdefault(value, []).append(place)
    return {value: np.array(places) for value, places in result.items()}
