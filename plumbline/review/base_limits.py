"""Head's documents judged once more by base's limits and severities: what base would refuse. Pure.

A change may widen a limit and use it at once. What head's own stages let pass is compared here with what
base's params allow, from the figures that the stages wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from plumbline.config import UseCaseParams
from plumbline.core import documents
from plumbline.core.errors import PlumblineError
from plumbline.evaluate import acceptance, declared_checks, gap_limits
from plumbline.evaluate.evaluate_document import EvaluateDocument
from plumbline.evaluate.gap_params import GapLimit
from plumbline.evaluate.params import Evaluate
from plumbline.metrics.metrics import HIGHER_IS_BETTER
from plumbline.monitor.params import LevelLimits, Monitor
from plumbline.monitor.verdict import LEVELS
from plumbline.report.numbers import figure, share
from plumbline.validate.check import DEFAULTS, severity_of
from plumbline.validate.params import SHARE_LIMIT
from plumbline.validate.waivers import Waivers

WARNED = re.compile(r"(?:^|: )column '([^']+)', check '(\w+)': ")
"""How validate's warnings name a check."""
LEVELLED = {
    "rows": "rows_change",
    "missing_ids": "missing_ids",
    "unlabelled": "unlabelled",
    "calibration": "calibration",
    "quality": "quality",
}
"""Of the monitor's checks, those whose level is a matter of a size; and which limit it is."""


def refusals(
    stages: Mapping[str, Mapping[str, Any]], base: UseCaseParams, head: UseCaseParams
) -> list[str]:
    """What base's limits refuse of head's documents (by stage) and head's do not, a sentence each."""
    found: list[str] = []
    if base.evaluation != head.evaluation:
        found += _of_evaluate(stages.get("evaluate", {}), base)
    if base.validate_ != head.validate_:
        found += _of_validate(stages.get("validate", {}), base)
    if base.monitor != head.monitor:
        found += _of_monitor(stages.get("monitor", {}), base.monitor)
    return found


def _of_evaluate(section: Mapping[str, Any], base: UseCaseParams) -> list[str]:
    try:
        document = documents.parse(EvaluateDocument, dict(section), "evaluate.json")
    except PlumblineError as error:
        return [str(error)]
    checks = (*_acceptance(document, base.evaluate), *_choices(document, base))
    return [reason for passed, reason in checks if not passed]


def _acceptance(document: EvaluateDocument, base: Evaluate) -> Iterator[tuple[bool, str]]:
    """The acceptance gate's checks that have a limit, each with its result in words."""
    higher = document.primary in HIGHER_IS_BETTER
    limits = acceptance.Limits(
        slice_floor=base.slice_floor,
        slice_floors={k: v for k, v in base.slice_floors.items() if k in document.slices},
        max_ece=base.max_ece,
        max_bias=base.max_bias,
    )
    groups = {
        name: {group: one.estimate for group, one in members.items()}
        for name, members in document.slices.items()
    }
    overall = document.metrics[document.primary].estimate.value
    floors = acceptance.floors(overall, groups, limits, higher)
    for check in (acceptance.slices(groups, floors, higher), _calibration(document, limits)):
        yield check.passed, check.reason
    if document.leaks:
        leaks = acceptance.free_of_leaks(acceptance.declared(document.leaks, base.harmless))
        yield leaks.passed, leaks.reason
    for check in declared_checks.affordable(document.footprint, base.max_size, base.max_work):
        yield check.passed, check.reason
    for limit in base.max_gaps:
        word, reason = _gap(document, limit)
        yield word == "pass", reason
    for name, outcome in document.behaviours.items():
        text = f"behaviour {name} was checked on {outcome.pairs} pairs, {base.min_pairs} are needed"
        yield outcome.pairs >= base.min_pairs, text


def _gap(document: EvaluateDocument, limit: GapLimit) -> tuple[str, str]:
    """What head's figures say of a gap that base limits; those of chosen groups stand only with a limit of them."""
    if not limit.groups and limit.by in document.fairness:
        return gap_limits.judge(limit, document.fairness[limit.by].in_force(limit.rate))
    for one in document.gap_limits or ():
        if (one.by, one.rate, tuple(one.groups)) == (limit.by, limit.rate, limit.groups):
            return gap_limits.judge(limit, one.gap)
    return "cannot tell", (
        f"cannot tell: the gap of {limit.rate} by {limit.by} is limited and no longer measured; put the limit back"
    )


def _calibration(document: EvaluateDocument, limits: acceptance.Limits) -> acceptance.Check:
    metrics = document.metrics
    if document.classes is not None:
        figures = document.classes.figures
        each = enumerate(one.miscalibrated for one in figures.values())
        shares = {code: share for code, share in each if share is not None}
        return acceptance.calibrated_classes(shares, list(figures), limits)
    if document.calibration is None:
        return acceptance.unbiased(metrics["bias"].estimate, metrics["mae"].value or 0.0, limits)
    positives = (document.rows.positives or 0) / document.rows.test
    ece = metrics["ece"].estimate.value
    return acceptance.calibrated(ece, document.calibration.noise, positives, limits)


def _choices(document: EvaluateDocument, base: UseCaseParams) -> Iterator[tuple[bool, str]]:
    """What every figure rests on; where it differs, the figures say nothing by base's rules."""
    settings, own = document.settings, base.evaluate
    level = f"intervals at a level of {share(settings.level)}, {share(own.level)} is set"
    yield settings.level == own.level, f"cannot tell: {level}"
    count = f"{settings.bootstrap} replicates for the intervals, {own.bootstrap} are set"
    yield settings.bootstrap >= own.bootstrap, f"cannot tell: {count}"
    costs = "policies are judged by other costs"
    yield document.costs == base.train.costs, f"cannot tell: {costs}"
    if document.classes is not None:
        same = document.classes.costs == base.train.class_costs
        yield same, f"cannot tell: {costs}"
    if base.train.decisions:
        gone = document.decisions is None
        yield not gone, "cannot tell: decisions are declared and no longer priced; put them back"


def _of_validate(section: Mapping[str, Any], params: UseCaseParams) -> Iterator[str]:
    base = params.validate_
    waived = Waivers("", base.waivers, params.data.as_of)
    for table, rows in (section.get("rows") or {}).items():
        gone, before = rows.get("set_aside", 0), rows.get("in", 0)
        if gone > base.max_quarantine * before and not waived.active(f"{table}.{SHARE_LIMIT}"):
            most = share(base.max_quarantine)
            yield f"{figure(gone)} of {figure(before)} rows of {table} were set aside (at most {most})"
    for column, kind in _broken(section):
        severity = severity_of(waived.severity(base.severity), column, kind)
        if severity == "block":
            yield f"the check {column}.{kind} failed, and it blocks"
        elif severity == "quarantine" and not _set_aside(section, f"{column}.{kind}"):
            yield f"rows that break {column}.{kind} are set aside, and here they were used"


def _broken(section: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Column and kind of each check that failed and stopped nothing."""
    texts = [WARNED.search(str(line)) for line in section.get("warnings") or ()]
    found = [(match[1], match[2]) for match in texts if match and match[2] in DEFAULTS]
    return list(dict.fromkeys(found))


def _set_aside(section: Mapping[str, Any], check: str) -> bool:
    return any(check in checks for checks in (section.get("quarantined") or {}).values())


def _of_monitor(section: Mapping[str, Any], base: Monitor) -> Iterator[str]:
    """Findings that base's limits take for more than head's: a finding's size against the limit's."""
    for finding in section.get("findings") or ():
        limit = LEVELLED.get(finding.get("check"))
        size, level = finding.get("size"), finding.get("level")
        if not limit or size is None or level not in LEVELS:
            continue
        bounds = getattr(base, limit)
        by_base = _level(abs(size), bounds)
        if LEVELS.index(by_base) > LEVELS.index(level):
            name = finding["check"]
            yield f"the monitor's {name} is {by_base}, not {level}: {share(abs(size))}"
    yield from _of_loss(section, base.quality)


def _of_loss(section: Mapping[str, Any], limits: LevelLimits) -> Iterator[str]:
    """A loss that labels show, and that head's limits report not at all."""
    loss = (section.get("quality") or {}).get("loss") or {}
    low, value = loss.get("low"), loss.get("value")
    found = [f for f in section.get("findings") or () if f.get("check") == "quality"]
    if found or low is None or value is None or low <= 0 or value < limits.warning:
        return
    yield f"known labels show a loss of {share(value)}, which the monitor does not report"


def _level(size: float, bounds: LevelLimits) -> str:
    return "alert" if size >= bounds.alert else "warning" if size >= bounds.warning else "ok"
