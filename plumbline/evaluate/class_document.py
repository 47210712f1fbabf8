"""What evaluate.json holds of several classes."""

from __future__ import annotations

from plumbline.core.documents import Document, SparseDocument
from plumbline.metrics.class_costs import ClassCosts
from plumbline.metrics.interval import Interval
from plumbline.model.calibration import Kind


class ClassFigures(Document):
    """A class against all others: rows of it, rows decided to be it, and its metrics.

    `miscalibrated`: its calibration error above a perfect model's, over its share or that of the others;
    null where the rows are too few to tell.
    """

    rows: int
    decided: int
    miscalibrated: float | None
    metrics: dict[str, Interval]


class ClassEvidence(SparseDocument):
    """The classes one by one, and how rows of each were decided.

    `confusion`: rows by class, then by the class decided on, in the order of `names`. `calibration`: the kind
    that was fitted. `costs`: those that decide; None where the likeliest class does.
    """

    names: list[str]
    figures: dict[str, ClassFigures]
    confusion: list[list[int]]
    calibration: Kind
    costs: ClassCosts | None = None
