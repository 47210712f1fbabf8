"""The model card's section on several classes, from evaluate.json's figures. Pure."""

from __future__ import annotations

from plumbline.evaluate.class_document import ClassEvidence
from plumbline.evaluate.evaluate_document import EvaluateDocument
from plumbline.metrics.class_metrics import PER_CLASS
from plumbline.report import columns
from plumbline.report.blocks import Block, Heading, Picture, Table, Text
from plumbline.report.metric_titles import metric_title
from plumbline.report.numbers import figure

CALIBRATIONS = {
    "none": "no calibration",
    "temperature": "temperature scaling",
    "vector": "vector scaling",
}
SHARES = ("precision", "recall", "ece")


def section(figures: EvaluateDocument) -> list[Block]:
    """Each class against all others, the decisions by class, and what they cost."""
    several = figures.classes
    if several is None:
        return []
    return [
        Heading("Classes"),
        Text(_method(several)),
        _each(several),
        _confusion(several),
        *_costs(several),
        Picture("classes", "Precision and recall by class, and calibration by class"),
    ]


def _method(several: ClassEvidence) -> str:
    decides = "of least expected cost" if several.costs else "that is likeliest"
    return (
        f"{len(several.names)} classes, each measured against all others together. The class "
        f"decided on is the one {decides}. Calibration: {CALIBRATIONS[several.calibration]}, fitted on the "
        "validation window."
    )


def _each(several: ClassEvidence) -> Table:
    members = [(name, several.figures[name]) for name in several.names]
    texts = [
        columns.intervals([one.metrics[m] for _, one in members], percent=m in SHARES)
        for m in PER_CLASS
    ]
    rows = [
        (name, figure(one.rows), figure(one.decided), *cells)
        for (name, one), *cells in zip(members, *texts, strict=True)
    ]
    head = ("class", "rows", "decided", *(metric_title(m) for m in PER_CLASS))
    return Table("By class", head, rows)


def _confusion(several: ClassEvidence) -> Table:
    rows = [
        (name, *map(figure, counts))
        for name, counts in zip(several.names, several.confusion, strict=True)
    ]
    return Table("Rows by class, and by the class decided on", ("class", *several.names), rows)


def _costs(several: ClassEvidence) -> list[Block]:
    costs = several.costs
    if costs is None:
        return []
    rows = [
        (true, *(_amount(several, true, decided) for decided in several.names))
        for true in several.names
    ]
    head = ("class", *several.names)
    return [
        Table(f"Cost of an event by its class and the class decided on, {costs.unit}", head, rows)
    ]


def _amount(several: ClassEvidence, true: str, decided: str) -> str:
    assert several.costs is not None
    other = 0.0 if true == decided else several.costs.other
    return figure(several.costs.amounts.get(true, {}).get(decided, other))
