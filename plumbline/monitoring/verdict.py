"""From effects to words: findings, the level fine, watch or page, and whether to retrain.

A page needs evidence of harm: the input is broken where the model looks, the model's answers have
shifted, or labels show a loss. Drift in a column that the model hardly uses is watched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from plumbline.evaluation.bootstrap import Estimate
from plumbline.monitoring.drift import Effect, Size
from plumbline.monitoring.matured import Quality
from plumbline.params import Limits, Monitor

Level = Literal["fine", "watch", "page"]
LEVELS: tuple[Level, ...] = ("fine", "watch", "page")
FAULTS = ("missing", "type", "all_null", "constant", "null_share", "unseen", "outside", "rows")
"""Checks whose page says that the data are not to be learned from before someone has looked."""

NEXT = {
    "missing": "find out where the column was lost before the next run",
    "type": "find out what changed the column's type at the source",
    "all_null": "find out why the source stopped filling the column",
    "constant": "check whether the source is stuck",
    "null_share": "find out which rows lack the value, and since when",
    "unseen": "look at the new values; add them to the contract if they are right",
    "outside": "check the unit and the source of the extreme values",
    "drift": "open the report's inputs; explain the change or retrain once labels are known",
    "prediction": "find the columns that moved the score; watch the quality as labels come in",
    "label": "check the labels' source; expect other numbers of cases",
    "quality": "retrain",
    "rows": "check for missing partitions or a partial day",
    "unlabelled": "find out why labels that are due have not arrived",
}


@dataclass(frozen=True)
class Finding:
    """One thing worth a line: what was checked, where, how large (`size` beyond noise, in `unit`)."""

    check: str
    level: Level
    size: float
    unit: str
    evidence: str
    column: str | None = None
    importance: float | None = None

    @property
    def next(self) -> str:
        """What to do about it."""
        return NEXT[self.check]


@dataclass(frozen=True)
class Input:
    """A monitored column: its share of the model's gain (0 to 1), and its effect where comparable.

    `problem` is "missing" or "type" with `detail` in words where there is nothing to compare.
    """

    name: str
    importance: float
    effect: Effect | None = None
    problem: Literal["missing", "type"] | None = None
    detail: str = ""


def column_findings(one: Input, limits: Monitor, *, felt: bool) -> list[Finding]:
    """What is wrong with one column; a page only where the model uses it.

    `felt`: the model's answers have shifted; without that, drift is watched.
    """
    if one.problem or one.effect is None:
        lost = Finding(one.problem or "missing", "page", 1.0, "share of rows", one.detail)
        return [_cap(lost, one, limits)]
    effect = one.effect
    if effect.all_null:
        text = f"no value in the current window; {effect.null_shares[0]:.1%} null before"
        return [_cap(Finding("all_null", "page", 1.0, "share of rows", text), one, limits)]
    if min(effect.rows) < limits.min_rows:
        return []
    sized = _value_findings(effect, limits, felt)
    if effect.constant:
        text = f"all {effect.rows[1]:,} values are the same; they varied before"
        sized.append(Finding("constant", "page", 1.0, "share of rows", text))
    return [_cap(f, one, limits) for f in sized if f.level != "fine"]


def prediction_findings(effect: Effect | None, limits: Monitor) -> list[Finding]:
    """Whether the model's answers have shifted."""
    if effect is None or min(effect.rows) < limits.min_rows:
        return []
    found = _sized("prediction", effect.psi, limits.psi, "PSI", _drift_text(effect))
    return [found] if found.level != "fine" else []


def label_findings(found: Quality, limits: Monitor) -> list[Finding]:
    """Whether the known labels have shifted: watched only, as the loss of quality says what it costs."""
    shift = found.label_shift
    if (
        shift is None
        or found.labels is None
        or not _beyond_zero(shift)
        or abs(shift.value) < limits.label
    ):
        return []
    before, now = found.labels
    text = f"mean known label {before.value:.4g} before, {now.value:.4g} now"
    return [Finding("label", "watch", abs(shift.value), "relative change or SDs", text)]


def quality_findings(found: Quality, limits: Monitor) -> list[Finding]:
    """Whether known labels show a loss beyond its interval and beyond the reference's own weeks."""
    loss = found.loss
    if loss is None or not loss.low > 0 or loss.value <= found.noise:
        return []
    grave = grade(loss.value, limits.quality)
    return (
        [Finding("quality", grave, loss.value, "relative loss", quality_text(found))]
        if grave != "fine"
        else []
    )


def quality_text(found: Quality) -> str:
    """The known quality before and now in one line, or why there is none."""
    if found.values is None or found.loss is None:
        return found.why
    before, now = found.values
    return (
        f"{found.metric.replace('_', ' ')} {before.value:.4g} before, {now.value:.4g} now, "
        f"loss {found.loss.value:.1%} ({found.loss.low:.1%} to {found.loss.high:.1%})"
    )


def row_findings(before: float | None, now: int, limits: Monitor) -> list[Finding]:
    """Whether rows are missing or doubled: `before` rows were to be expected, None if unknown."""
    if now == 0:
        return [Finding("rows", "page", 1.0, "relative change", "the current window has no rows")]
    if not before:
        return []
    change = now / before - 1
    text = f"{now:,} rows, {before:,.0f} expected from the reference's weeks"
    found = _sized("rows", Size(abs(change), 0.0), limits.rows_change, "relative change", text)
    return [found] if found.level != "fine" else []


def unlabelled_findings(due: int, without: int, limits: Monitor) -> list[Finding]:
    """Whether labels that are due have not arrived: `without` of `due` rows."""
    if not due:
        return []
    text = f"{without:,} of {due:,} rows that are due have no label"
    found = _sized("unlabelled", Size(without / due, 0.0), limits.null_share, "share of rows", text)
    return [found] if found.level != "fine" else []


def level(findings: Iterable[Finding]) -> Level:
    """The gravest level among the findings; fine where there are none."""
    return max((f.level for f in findings), key=LEVELS.index, default="fine")


def retrain(findings: Sequence[Finding], judged: bool) -> tuple[bool, str]:
    """Whether to retrain, and why. `judged`: known labels told the quality of the current window."""
    paged = [f for f in findings if f.level == "page"]
    faults = [f for f in paged if f.check in FAULTS]
    if faults:
        return (
            False,
            f"refused: mend the input first ({_names(faults)}); a model learns from bad data",
        )
    lost = [f for f in paged if f.check == "quality"]
    moved = [f for f in paged if f.check in ("drift", "prediction")]
    if lost:
        return True, f"known labels show a loss of quality: {lost[0].evidence}"
    if moved and not judged:
        return (
            True,
            f"harm is to be expected: {_names(moved)} moved, and no label tells the quality yet",
        )
    if moved:
        return False, f"{_names(moved)} moved, but known labels show no loss that calls for it"
    if not judged:
        return (
            False,
            "nothing that the model uses has moved; quality is unknown until labels come in",
        )
    if any(f.check == "quality" for f in findings):
        return False, "known labels show no loss that calls for it; watch it"
    return False, "known labels show no loss of quality beyond noise"


def order(findings: Iterable[Finding]) -> list[Finding]:
    """Gravest first, then by the model's use of the column and by size; the same for the same set."""
    return sorted(
        findings,
        key=lambda f: (
            -LEVELS.index(f.level),
            -(f.importance or 0.0),
            -f.size,
            f.check,
            f.column or "",
        ),
    )


def grade(excess: float, limits: Limits) -> Level:
    """The level of a size beyond noise.

    >>> grade(0.3, Limits(watch=0.1, page=0.25))
    'page'
    """
    if excess >= limits.page:
        return "page"
    return "watch" if excess >= limits.watch else "fine"


def _value_findings(effect: Effect, limits: Monitor, felt: bool) -> list[Finding]:
    rows = "share of rows"
    drift = _sized("drift", effect.psi, limits.psi, "PSI", _drift_text(effect))
    before, now = effect.null_shares
    return [
        drift if felt or drift.level == "fine" else replace(drift, level="watch"),
        _sized(
            "null_share",
            effect.null,
            limits.null_share,
            rows,
            f"{before:.1%} null before, {now:.1%} now",
        ),
        _sized(
            "unseen",
            effect.unseen,
            limits.unseen,
            rows,
            f"{effect.unseen.value:.1%} of values were never seen before",
        ),
        _sized(
            "outside",
            effect.outside,
            limits.outside,
            rows,
            f"{effect.outside.value:.1%} of values lie beyond the reference's range",
        ),
    ]


def _sized(check: str, size: Size, limits: Limits, unit: str, text: str) -> Finding:
    return Finding(check, grade(size.excess, limits), size.excess, unit, text)


def _drift_text(effect: Effect) -> str:
    return f"PSI {effect.psi.value:.2f} (noise {effect.psi.noise:.2f}), JS {effect.js:.2f}, KS {effect.ks:.2f}"


def _cap(found: Finding, one: Input, limits: Monitor) -> Finding:
    """The finding with its column, a watch where the model hardly uses it."""
    capped: Level = found.level if one.importance >= limits.used else "watch"
    return replace(found, level=capped, column=one.name, importance=one.importance)


def _beyond_zero(estimate: Estimate) -> bool:
    return estimate.low > 0 or estimate.high < 0


def _names(findings: Sequence[Finding]) -> str:
    names = sorted({f.column or f.check for f in findings})
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
