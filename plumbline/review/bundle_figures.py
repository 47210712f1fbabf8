"""Size, work and latency of the bundle on either side of a comparison. An edge: reads the records of runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plumbline.review import run_cost
from plumbline.review.comparison_sections import BundleFigure
from plumbline.runtime import run_records
from plumbline.runtime.dvc_lock import Entries

Documents = Mapping[str, Mapping[str, Any]]
COUNTED = {
    "trees": "trees",
    "bytes": "trees on disk, bytes",
    "size": "the same, times the yardstick",
    "node_bytes": "nodes in memory, bytes",
    "visits": "splits that a row passes through",
    "work": "the same, times the yardstick",
}
"""Of evaluate.json's footprint: the same on every machine."""
MEASURED = {
    "single_us": "CPU of a single event, µs",
    "single_ratio": "the same, times the yardstick",
    "batch_us": "CPU of an event in a batch, µs",
    "batch_ratio": "the same, times the yardstick",
}
"""Of the run's record: known where this machine ran it."""


def of(
    root: Path,
    usecase_name: str,
    entries: tuple[Entries, Entries],
    stages: tuple[Documents, Documents],
) -> list[BundleFigure]:
    """A line per figure that is known on a side, base's and head's. `stages`: what their stages wrote, by stage."""
    counted = [side.get("evaluate", {}).get("footprint") or {} for side in stages]
    known = run_records.read(usecase_name, root)
    measured = [run_cost.latency(known, own) for own in entries]
    pairs = [(COUNTED, counted), (MEASURED, measured)]
    return [
        BundleFigure(name=name, what=what, base=base, head=head)
        for names, (old, new) in pairs
        for name, what in names.items()
        for base, head in [(old.get(name), new.get(name))]
        if base is not None or head is not None
    ]
