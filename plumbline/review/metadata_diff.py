"""What two runs' small JSONs say of data, checks, features and drift, side by side. Pure.

A side's JSONs come by stage ("data", "validate", ...); one that is not there is empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from plumbline.core import documents
from plumbline.core.errors import PlumblineError
from plumbline.evaluate import acceptance
from plumbline.evaluate.evaluate_document import EvaluateDocument
from plumbline.features import partition_drift
from plumbline.features.partition_drift import HistoryDrift
from plumbline.metrics.metrics import HIGHER_IS_BETTER
from plumbline.review import lock_changes
from plumbline.review.comparison_sections import (
    BelowFloor,
    ChangedValue,
    DataChanges,
    EvaluateSummary,
    FeatureChanges,
    MonitorSummary,
    Redefined,
    Sides,
)
from plumbline.review.definition_sections import DefinitionChanges
from plumbline.validate.waivers import WaiverUse

Metrics = Mapping[str, Mapping[str, Any]]
LONGEST = 1_000
"""Characters of a line about a waiver."""
SHOWN = 20
"""Features whose drift is listed."""
LONGEST_DRIFT = 200
"""Characters of a line about one."""
NOT_DEFINITION = frozenset(
    ("missing", "in_model", "description", "owner", "version", "definition", "sources")
)
"""Of a feature's line in the catalog: what the data, the model's list, words or other lines say."""


def data(base: Metrics, head: Metrics, sources: Sequence[str] = ()) -> DataChanges:
    """Rows, span, columns' types and units, and the rows set aside by reason, of either side.

    `sources`: what differs in the manifests of files that are read in place.
    """
    old, new = base.get("data", {}), head.get("data", {})
    return DataChanges(
        rows=_both(old, new, "rows"),
        span=_both(old, new, "span"),
        as_of=_both(old, new, "as_of"),
        columns=lock_changes.values(_schema(old), _schema(new)),
        quarantine=_counts(base.get("validate", {}), head.get("validate", {})),
        let_through=_let_through(head.get("validate", {})),
        sources=list(sources),
    )


def _let_through(validated: Mapping[str, Any]) -> list[str]:
    """What head's waivers let through, or no longer do, each with its reason; nothing for another version's JSON."""
    try:
        uses = [WaiverUse.model_validate(one) for one in validated.get("waivers") or ()]
    except ValidationError:
        return ["cannot tell: the waivers in validate.json are not those of this version"]
    return [use.words[:LONGEST] for use in uses]


def features(
    base: Metrics, head: Metrics, defined: DefinitionChanges | None = None
) -> FeatureChanges:
    """Features added, removed, and redefined (with the parts of their definition that differ).

    `defined`: what the commits say of definitions; where it is not known, the catalogs tell.
    """
    old, new = _catalog(base), _catalog(head)
    both = sorted(old.keys() & new.keys())
    parts = {
        n: [c.key for c in lock_changes.values(_meaning(old[n]), _meaning(new[n]))] for n in both
    }
    left_out = [frozenset(_dropped(side)) for side in (base, head)]
    before = {n: bool(old[n].get("in_model")) and n not in left_out[0] for n in both}
    used = {n: bool(new[n].get("in_model")) and n not in left_out[1] for n in both}
    return FeatureChanges(
        added=sorted(new.keys() - old.keys()),
        removed=sorted(old.keys() - new.keys()),
        redefined=_redefined(defined)
        or [Redefined(name=n, parts=own) for n, own in parts.items() if own],
        joined=[n for n in both if used[n] and not before[n]],
        left=[n for n in both if before[n] and not used[n]],
        drifted=_drifted(head),
    )


def _drifted(head: Metrics) -> list[str]:
    """A line for each feature whose newest month is unlike the months before."""
    written = head.get("features", {}).get("partitions") or ()
    try:
        histories = [documents.parse(HistoryDrift, one, "features.json") for one in written]
    except PlumblineError:  # of another version
        return []
    return [line[:LONGEST_DRIFT] for line in partition_drift.drifted(histories)[:SHOWN]]


def _redefined(defined: DefinitionChanges | None) -> list[Redefined]:
    found = defined.changes if defined else ()
    return [Redefined(name=c.name, parts=c.parts) for c in found if c.change == "redefined"]


def monitor(head: Metrics) -> MonitorSummary:
    """Head's verdict on drift: level, summary, whether to retrain and why, the findings' number."""
    section = head.get("monitor", {})
    return MonitorSummary(
        level=section.get("level"),
        summary=section.get("summary"),
        retrain=section.get("retrain"),
        findings=len(section.get("findings") or ()),
    )


def evaluate(head: Metrics) -> EvaluateSummary:
    """Head's own gate: verdict and reasons, and the slices below their floor beyond noise."""
    if not head.get("evaluate"):
        return _not_evaluated([])
    try:
        document = documents.parse(EvaluateDocument, head["evaluate"], "evaluate.json")
    except PlumblineError as error:  # of another version
        return _not_evaluated([str(error)])
    gate = document.gate
    return EvaluateSummary(
        verdict=gate.verdict,
        reasons=gate.reasons,
        checks=dict(gate.checks),
        below_floor=_below(document),
        harmless=_harmless(document),
    )


def _not_evaluated(reasons: list[str]) -> EvaluateSummary:
    return EvaluateSummary(verdict=None, reasons=reasons, checks={}, below_floor=[])


def blocked(head: Metrics) -> int:
    """How many of the contract's checks that block have failed."""
    checks = head.get("validate", {}).get("checks") or {}
    return int((checks.get("failed_by_severity") or {}).get("block") or 0)


def _both(old: Mapping[str, Any], new: Mapping[str, Any], key: str) -> Sides:
    return Sides(base=old.get(key), head=new.get(key))


def _schema(section: Mapping[str, Any]) -> dict[str, str]:
    columns = section.get("columns") or {}
    return {name: f"{c.get('type')}, {c.get('unit')}" for name, c in columns.items()}


def _counts(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[ChangedValue]:
    """Rows set aside: a line per reason that either side has, 0 where it has none."""
    before, after = (_reasons(t.get("quarantined") or {}) for t in (old, new))
    keys = sorted(before.keys() | after.keys())
    return [ChangedValue(key=k, base=before.get(k, 0), head=after.get(k, 0)) for k in keys]


def _reasons(section: Mapping[str, Any]) -> dict[str, int]:
    return {
        f"{table}: {why}": rows
        for table, reasons in section.items()
        for why, rows in (reasons or {}).items()
    }


def _dropped(side: Metrics) -> list[str]:
    """The features that tune's selection left out of the model."""
    selection = side.get("tune", {}).get("selection") or {}
    return [one["name"] for one in selection.get("tried") or () if not one.get("kept", True)]


def _catalog(section: Metrics) -> dict[str, Mapping[str, Any]]:
    return {f["name"]: f for f in section.get("features", {}).get("features") or ()}


def _meaning(line: Mapping[str, Any]) -> Mapping[str, Any]:
    return {k: v for k, v in line.items() if k not in NOT_DEFINITION}


def _harmless(document: EvaluateDocument) -> list[str]:
    """What nearly answers, and is declared harmless, with the reason."""
    found = document.leaks.found if document.leaks else []
    lines = [f"{one.sentence[:1000]}: {one.harmless}" for one in found if one.harmless is not None]
    return lines[:100]


def _below(document: EvaluateDocument) -> list[BelowFloor]:
    higher = document.primary in HIGHER_IS_BETTER
    return [
        BelowFloor(slice=name, group=group, value=figure.estimate.value, floor=floor)
        for name, groups in document.slices.items()
        for group, figure in groups.items()
        if (floor := document.floors.get(name)) is not None
        and acceptance.below(figure.estimate, floor, higher)
    ]
