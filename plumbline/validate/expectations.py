"""The edge to Great Expectations: a suite made from the checks, run over frames, one result per table.

Imported at the point of use: nothing else pays for it. No telemetry, nothing kept on disk.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from plumbline.core.imports import without
from plumbline.core.params_base import Severity
from plumbline.core.safe_text import HIDDEN
from plumbline.validate.check import STATISTICS, ContractCheck

SHOWN = 20
"""Broken values that a result lists."""

LEVELS: Mapping[Severity, str] = {"block": "critical", "quarantine": "warning", "warn": "info"}

ABSENT = (
    *("rfc3987_syntax", "sqlalchemy", "boto3", "botocore"),
    *("google.api_core", "google.auth", "google.cloud", "google.oauth2"),
)
"""What Great Expectations loads where it is there, and no check of frames needs: a grammar of addresses, databases, stores
in clouds. Its charts (altair) and SciPy's statistics are of an expectation that no contract has. All are half of the import's time."""


COUNTED = ("element_count", "unexpected_count", "missing_count", "partial_unexpected_list")
"""What is kept of a result; the rest follows from it."""
Counts = Mapping[str, Any]


@dataclass(frozen=True)
class CheckResult:
    """What Great Expectations found for one check in one frame.

    `rows` looked at, `broken` of them (0 or 1 where the check is not about single rows), and its own
    result, for the reports.
    """

    check: ContractCheck
    success: bool
    rows: int
    broken: int
    raw: Any = field(repr=False, compare=False)


class Checker:
    """Runs checks over frames."""

    def __init__(self) -> None:
        os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
        with without(*ABSENT, unused=("altair",), deferred=("scipy.stats",)):
            import great_expectations
        from great_expectations.data_context.types.base import ProgressBarsConfig

        logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)
        self.context = great_expectations.get_context(mode="ephemeral")
        self.context.variables.progress_bars = ProgressBarsConfig(globally=False)
        asset = self.context.data_sources.add_pandas("files").add_dataframe_asset("rows")
        self._batch = asset.add_batch_definition_whole_dataframe("all")

    def run(self, frame: Any, checks: Sequence[ContractCheck]) -> list[CheckResult]:
        """One result per check, in their order. `frame` has a column for each check's `shown`."""
        batch = self._batch.get_batch({"dataframe": frame}) if checks else None
        return self.results(batch, checks, len(frame))

    @staticmethod
    def results(batch: Any, checks: Sequence[ContractCheck], rows: int) -> list[CheckResult]:
        """One result per check over a batch of so many rows."""
        from great_expectations import ExpectationSuite

        if not checks:
            return []
        suite = ExpectationSuite("contract", expectations=[expectation(c) for c in checks])
        with _configurations_kept():
            results = batch.validate(suite, result_format="SUMMARY").results
        return [_result(c, r, rows) for c, r in zip(checks, results, strict=True)]


@contextmanager
def _configurations_kept() -> Iterator[None]:
    """An expectation's configuration is made once: Great Expectations makes it anew 70 times a check."""
    from great_expectations.expectations.expectation import Expectation

    made = Expectation.configuration
    kept: dict[int, tuple[Any, Any]] = {}

    def configuration(self: Any) -> Any:
        if id(self) not in kept:
            kept[id(self)] = self, made.fget(self)
        return kept[id(self)][1]

    Expectation.configuration = property(configuration)
    try:
        yield
    finally:
        Expectation.configuration = made


def expectation(check: ContractCheck) -> Any:
    """The expectation that says what `check` says."""
    return _MAKERS[check.kind](check)


def merged(results: Iterable[CheckResult]) -> list[CheckResult]:
    """One result per check from those of several frames: counts summed, examples joined."""
    by_check: dict[ContractCheck, list[CheckResult]] = {}
    for result in results:
        by_check.setdefault(result.check, []).append(result)
    return [_merged(check, group) for check, group in by_check.items()]


def counts(result: CheckResult) -> Counts:
    """What is kept of a result: rows, those that break the check, those without a value, and examples."""
    found = _counts([result.raw.result])
    return {name: found[name] for name in COUNTED}


def clean(rows: int, missing: int) -> Counts:
    """The counts of so many rows of which none breaks a check."""
    return dict(zip(COUNTED, (rows, 0, missing, []), strict=True))


def folded(check: ContractCheck, parts: Sequence[Counts]) -> CheckResult:
    """The result of a check over several parts of a table, whose counts these are."""
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult

    result = _counts(parts)
    rows, broken = result["element_count"], result["unexpected_count"]
    raw = ExpectationValidationResult(
        success=not broken,
        expectation_config=expectation(check).configuration,
        result=result,
    )
    return CheckResult(check, not broken, rows, broken, raw)


def reports(results: Sequence[CheckResult]) -> dict[str, Any]:
    """Great Expectations' validation result over all checks of each table; for `datadocs`."""
    tables = dict.fromkeys(r.check.table for r in results)
    return {t: _report(t, [r for r in results if r.check.table == t]) for t in tables}


def _report(name: str, results: Sequence[CheckResult]) -> Any:
    from great_expectations.core.expectation_validation_result import (
        ExpectationSuiteValidationResult,
    )

    passed = sum(r.success for r in results)
    return ExpectationSuiteValidationResult(
        success=passed == len(results),
        suite_name=name,
        results=[r.raw for r in results],
        statistics={
            "evaluated_expectations": len(results),
            "successful_expectations": passed,
            "unsuccessful_expectations": len(results) - passed,
            "success_percent": 100.0 * passed / len(results) if results else None,
        },
        meta={},
    )


def _result(check: ContractCheck, raw: Any, rows: int) -> CheckResult:
    summary = raw.result = _shown(check, raw.result or {})
    if not raw.success and "unexpected_count" not in summary:
        raise RuntimeError(f"Great Expectations could not run {check.name}: {raw.exception_info}")
    return CheckResult(check, bool(raw.success), rows, int(summary["unexpected_count"]), raw)


def _shown(check: ContractCheck, summary: Mapping[str, Any]) -> Mapping[str, Any]:
    """The result as reports may show it: with no value of a forbidden column."""
    if not check.hidden:
        return summary
    values = len(summary.get("partial_unexpected_list", ()))
    kept = {k: v for k, v in summary.items() if not k.startswith("partial_unexpected")}
    return kept | ({"partial_unexpected_list": [HIDDEN] * values} if values else {})


def _merged(check: ContractCheck, group: Sequence[CheckResult]) -> CheckResult:
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult

    raw = ExpectationValidationResult(
        success=all(r.success for r in group),
        expectation_config=group[0].raw.expectation_config,
        result=_counts([r.raw.result for r in group]),
    )
    rows, broken = sum(r.rows for r in group), sum(r.broken for r in group)
    return CheckResult(check, bool(raw.success), rows, broken, raw)


def _counts(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The counts of several frames as one. Examples in the order of the rows."""
    total = Counter({k: int(sum(f.get(k, 0) for f in results)) for k in COUNTED[:3]})
    rows, seen = total["element_count"], total["element_count"] - total["missing_count"]
    values = [v for f in results for v in f.get("partial_unexpected_list", ())][:SHOWN]
    kinds = Counter(str(v) for v in values)
    return {
        **total,
        "unexpected_percent": _percent(total["unexpected_count"], seen),
        "unexpected_percent_total": _percent(total["unexpected_count"], rows),
        "unexpected_percent_nonmissing": _percent(total["unexpected_count"], seen),
        "missing_percent": _percent(total["missing_count"], rows),
        "partial_unexpected_list": [str(v) for v in values],
        "partial_unexpected_counts": [
            {"value": v, "count": n} for v, n in sorted(kinds.items(), key=lambda i: (-i[1], i[0]))
        ],
    }


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 0.0


def _null(check: ContractCheck) -> Any:
    from great_expectations.expectations import ExpectColumnValuesToNotBeNull

    return ExpectColumnValuesToNotBeNull(column=check.shown, **_common(check))


def _between(check: ContractCheck) -> Any:
    from great_expectations.expectations import ExpectColumnValuesToBeBetween

    bounds = {"min_value": check.low, "max_value": check.high}
    return ExpectColumnValuesToBeBetween(column=check.shown, **bounds, **_common(check))


def _in_set(check: ContractCheck) -> Any:
    from great_expectations.expectations import ExpectColumnValuesToBeInSet

    allowed = list(check.allowed)
    return ExpectColumnValuesToBeInSet(column=check.shown, value_set=allowed, **_common(check))


def _unique(check: ContractCheck) -> Any:
    from great_expectations.expectations import ExpectColumnValuesToBeUnique

    return ExpectColumnValuesToBeUnique(column=check.shown, **_common(check))


def _common(check: ContractCheck) -> dict[str, Any]:
    words = f"{check.kind}: {check.expects} (if not: {check.severity})"
    return {"severity": LEVELS[check.severity], "description": words}


_MAKERS: Mapping[str, Callable[[ContractCheck], Any]] = {
    **dict.fromkeys(("columns", "null"), _null),
    **dict.fromkeys(("empty", "range", "future", "past"), _between),
    **dict.fromkeys(
        ("type", "set", "order", "partition", "delay", "early", "tie", "orphan"), _in_set
    ),
    **dict.fromkeys(STATISTICS, _between),
    "unique": _unique,
}
