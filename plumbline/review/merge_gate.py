"""Decides whether a change may be merged, from the comparison's evidence alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plumbline.metrics.metrics import HIGHER_IS_BETTER
from plumbline.report.verdict_sentences import floor_breach
from plumbline.review.comparison import (
    Comparison,
    Evidence,
    GateVerdict,
    LockState,
    Reason,
    UseCaseComparison,
)
from plumbline.review.comparison_sections import (
    BelowFloor,
    DataChanges,
    EvaluateSummary,
    PairedFigure,
    PairedResult,
    Result,
)
from plumbline.review.metric_change import change

ENVIRONMENT = "run `plumbline environment`, `make install` and `dvc repro`, and commit"
Finding = tuple[str, str]
"""Kind and text of a reason that is a use case's."""


def judged(evidence: Evidence) -> Comparison:
    """The evidence with the verdict on it; a verdict that it already carries counts for nothing."""
    return Comparison.model_construct(
        evidence.model_fields_set | {"gate"}, **{**dict(evidence), "gate": decide(evidence)}
    )


def decide(evidence: Evidence) -> GateVerdict:
    """The verdict ("yes", "no", "overridden", "failed") and all reasons against; override by use case.

    An override lifts its use case's reasons; what is wrong with dvc.lock can only be repaired.
    """
    against = list(reasons(evidence))
    overrides = {n: u.override for n, u in evidence.usecases.items() if u.override}
    standing = [r for r in against if r.usecase not in overrides]
    lifted = [r for r in against if r.usecase in overrides]
    verdict = "no" if standing else "overridden" if lifted else "yes"
    if evidence.failed:
        verdict = "failed"
    return GateVerdict.model_validate(
        {"verdict": verdict, "reasons": standing, "lifted": lifted, "overrides": overrides}
    )


def reasons(evidence: Evidence) -> Iterator[Reason]:
    """All reasons against merging, the project's first."""
    failed = evidence.failed
    if failed:
        yield _reason(None, "failed", f"stage {failed.stage} failed: {failed.error}")
    yield from of_lock(evidence.lock)
    for name, usecase in evidence.usecases.items():
        for kind, text in _of_usecase(usecase):
            yield _reason(name, kind, text)


def of_lock(lock: LockState) -> Iterator[Reason]:
    """What is wrong with dvc.lock, the bytes that it names, and the model cards."""
    repair = "run `dvc repro` and commit dvc.lock"
    if lock.stale:
        yield _reason(None, "stale", _stale(lock.stale, lock.held, repair))
    for text in lock.environment:
        wrong = f"not what requirements.txt and the imports give: {text}"
        yield _reason(None, "environment", f"{wrong}; {ENVIRONMENT}")
    if lock.unlocked:
        yield _reason(None, "stale", f"dvc.lock has no entry of {_some(lock.unlocked)}; {repair}")
    if lock.uncommitted:
        text = f"running {_some(lock.uncommitted)} again gave another result than the committed dvc.lock"
        yield _reason(None, "uncommitted", f"{text}; {repair} and metrics/")
    for text in lock.bytes:
        yield _reason(None, "bytes", f"bytes that differ from dvc.lock: {text}")
    for text in lock.cards:
        yield _reason(None, "card", f"a model card that contradicts the metrics: {text}")


def _stale(stale: Sequence[str], held: Sequence[str], repair: str) -> str:
    """What would run again, and what to do: a checkout first, where the cache has the outs."""
    if set(stale) == set(held):
        return (
            f"the outs in the work tree are not those of dvc.lock: {_some(stale)} would run again; "
            "`dvc checkout` brings them from the cache"
        )
    first = f"`dvc checkout` brings the outs of {_some(held)} from the cache; then " if held else ""
    return f"dvc.lock is stale: {_some(stale)} would run again; {first}{repair}"


def _of_usecase(usecase: UseCaseComparison) -> Iterator[Finding]:
    if usecase.blocked:
        checks = (
            "1 blocking check" if usecase.blocked == 1 else f"{usecase.blocked} blocking checks"
        )
        yield "contract", f"{checks} of the contract failed"
    for other, windows in (("base", usecase.base), ("the last release", usecase.release)):
        for window, result in windows.results().items():
            yield from _of_window(usecase, other, window, result)
    if isinstance(usecase.base.head, PairedResult):
        yield from _of_head(usecase, usecase.base.head)
    yield from _of_age(usecase.data)
    yield from _of_evaluate(usecase.primary, usecase.evaluate)


def _of_head(usecase: UseCaseComparison, result: PairedResult) -> Iterator[Finding]:
    """On head's window against base: slices that lost, a cost that grew, a gain that cannot be."""
    limits, primary = usecase.limits, usecase.primary
    for name, groups in result.slices.items():
        for group, paired in groups.items():
            if _lost(paired, limits.get("slice_loss")):
                yield "slice", f"slice {name} {group}: {_worse(usecase, primary, paired)}"
    cost = result.metrics.get("cost")
    if cost and _lost(cost, limits.get("cost_growth")):
        yield "cost", f"at the threshold, {_worse(usecase, 'cost', cost)}"
    gain, share = result.metrics.get(primary), limits.get("too_good")
    if gain and share is not None and _too_good(primary, gain, share):
        yield (
            "too-good",
            f"{change(primary, gain, usecase.units).sentence}, more than {share:.0%} of what was left "
            "to gain; look for a leak, or explain the gain in gate.override",
        )


def _lost(paired: PairedFigure, share: float | None) -> bool:
    """Worse beyond noise, and by more than `share` of base's figure."""
    value = paired.difference.value
    if share is None or paired.difference.word != "worse" or value is None or paired.base is None:
        return False
    return abs(value) > share * abs(paired.base)


def _too_good(metric: str, paired: PairedFigure, share: float) -> bool:
    """Whether more than `share` of base's error is gone, beyond noise; a bounded metric's error is 1 - x."""
    value, best = paired.difference.value, 1.0 if metric in HIGHER_IS_BETTER else 0.0
    if paired.difference.word != "better" or value is None or paired.base is None:
        return False
    return abs(value) > share * abs(best - paired.base)


def _of_age(data: DataChanges) -> Iterator[Finding]:
    """Head was made as of an earlier day than base."""
    base, head = data.as_of.base, data.as_of.head
    if base and head and str(head) < str(base):
        yield "older", f"head's data are older: as of {head}, base's as of {base}"


def _worse(usecase: UseCaseComparison, metric: str, paired: PairedFigure) -> str:
    moved = change(metric, paired, usecase.units)
    return f"{moved.sentence}, worse beyond noise {moved.evidence()}"


def _of_evaluate(primary: str, evaluate: EvaluateSummary) -> Iterator[Finding]:
    if evaluate.verdict != "pass":
        yield from (("evaluate", text) for text in evaluate.reasons or ["evaluate left no verdict"])
    if evaluate.checks.get("slices") != "fail":
        yield from (("slice", _below(primary, low)) for low in evaluate.below_floor)


def _below(primary: str, low: BelowFloor) -> str:
    higher = primary in HIGHER_IS_BETTER
    return floor_breach(low.slice, low.group, low.value, low.floor, higher)


def _of_window(
    usecase: UseCaseComparison, other: str, window: str, result: Result
) -> Iterator[Finding]:
    primary = usecase.primary
    paired = result.metrics.get(primary) if isinstance(result, PairedResult) else None
    if paired is None or paired.difference.word != "worse":
        return
    moved = change(primary, paired, usecase.units)
    since = "" if other == "base" else f"since {other}, "
    where = "" if window == "head" else f", on {other}'s test window"
    evidence = moved.evidence(usecase.level)
    yield "worse", f"{since}{moved.sentence}, worse beyond noise {evidence}{where}"


def _some(names: Sequence[str], most: int = 5) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def _reason(usecase: str | None, kind: str, text: str) -> Reason:
    return Reason(usecase=usecase, kind=kind, text=text)
