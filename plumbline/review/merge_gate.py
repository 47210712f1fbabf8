"""Decides whether a change may be merged, from the comparison's evidence alone. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from plumbline.metrics.metrics import HIGHER_IS_BETTER
from plumbline.report.numbers import share
from plumbline.report.verdict_sentences import floor_breach
from plumbline.review import lock_reasons, paired_words, version_words
from plumbline.review.comparison import (
    Comparison,
    Evidence,
    GateVerdict,
    Reason,
    UseCaseComparison,
)
from plumbline.review.comparison_sections import (
    BelowFloor,
    DataChanges,
    EvaluateSummary,
    NotComparable,
    PairedFigure,
    PairedResult,
    Result,
    RuleChange,
)
from plumbline.review.metric_change import change

Finding = tuple[str, str]
"""Kind and text of a reason that is a use case's."""


PROJECT = ""
"""Whose override it is that lifts the project's reasons, in the place of a use case's name."""
LIFTED = frozenset(("rules", "removed", "definitions"))
"""Kinds of the project's reasons that its override lifts; a wrong dvc.lock can only be repaired."""
STANDING = frozenset(("version",))
"""Kinds of a use case's reasons that none lifts: the line to write is in the reason."""


def judged(evidence: Evidence) -> Comparison:
    """The evidence with its words and the verdict on it, both from the values.

    Words and a verdict that it already carries count for nothing.
    """
    evidence = paired_words.again(evidence)
    return Comparison.model_construct(
        evidence.model_fields_set | {"gate"}, **{**dict(evidence), "gate": decide(evidence)}
    )


def decide(evidence: Evidence) -> GateVerdict:
    """The verdict ("yes", "no", "overridden", "failed") and all reasons against; override by use case.

    An override lifts its use case's reasons, the project's those that rules or ends of use cases give;
    what is wrong with dvc.lock, or a version that stands for two definitions, can only be repaired.
    """
    against = list(reasons(evidence))
    overrides = {n: u.override for n, u in evidence.usecases.items() if u.override}
    if evidence.override:
        overrides = {PROJECT: evidence.override, **overrides}
    lifted = [r for r in against if _lifts(overrides, r)]
    standing = [r for r in against if r not in lifted]
    verdict = "no" if standing else "overridden" if lifted else "yes"
    if evidence.failed:
        verdict = "failed"
    return GateVerdict.model_validate(
        {"verdict": verdict, "reasons": standing, "lifted": lifted, "overrides": overrides}
    )


def _lifts(overrides: Mapping[str, str], reason: Reason) -> bool:
    if reason.kind in STANDING:
        return False
    if reason.usecase is None:
        return PROJECT in overrides and reason.kind in LIFTED
    return reason.usecase in overrides


def reasons(evidence: Evidence) -> Iterator[Reason]:
    """All reasons against merging: dvc.lock's, ends of use cases, the models', altered rules."""
    failed = evidence.failed
    if failed:
        yield _reason(None, "failed", f"stage {failed.stage} failed: {failed.error}")
    for text in evidence.contradictions:
        yield _reason(None, "git", text)
    yield from lock_reasons.of_lock(evidence.lock)
    for name in evidence.removed:
        text = (
            f"the use case {name} is removed: its model is judged no more; say why in gate.override"
        )
        yield _reason(None, "removed", text)
    for name, usecase in evidence.usecases.items():
        for kind, text in _of_usecase(usecase):
            yield _reason(name, kind, text)
    for name, changes in evidence.definitions.items():
        owner = name if name in evidence.usecases else None
        yield from (
            _reason(owner, kind, text) for kind, text in version_words.reasons(name, changes)
        )
    yield from _of_rules(evidence.rules, evidence.usecases)


def _of_rules(rules: Sequence[RuleChange], compared: Collection[str]) -> Iterator[Reason]:
    """One reason for all rules of a use case, and one for the project's, that the change alters.

    Those of a use case with no outs that differ are the project's to lift.
    """
    owners = {id(rule): rule.usecase if rule.usecase in compared else None for rule in rules}
    for owner in dict.fromkeys(owners.values()):
        own = [_named(rule, owner) for rule in rules if owners[id(rule)] == owner]
        where = "gate.override" if owner is None else f"{owner}.gate.override"
        text = f"it changes how changes are judged: {lock_reasons.some(own)}; say why in {where}"
        yield _reason(owner, "rules", text)


def _named(rule: RuleChange, owner: str | None) -> str:
    return rule.key if rule.usecase == owner else f"{rule.usecase}.{rule.key}"


def _of_usecase(usecase: UseCaseComparison) -> Iterator[Finding]:
    if usecase.blocked:
        checks = (
            "1 blocking check" if usecase.blocked == 1 else f"{usecase.blocked} blocking checks"
        )
        yield "contract", f"{checks} of the contract failed"
    for other, windows in (("base", usecase.base), ("the last release", usecase.release)):
        for window, result in windows.results().items():
            yield from _of_window(usecase, other, window, result)
    for window, result in usecase.base.results().items():
        yield from _not_judged(usecase, window, result)
        if isinstance(result, PairedResult):
            yield from _of_parts(usecase, window, result)
    yield from _of_lost_rows(usecase)
    yield from _of_seeds(usecase)
    if isinstance(usecase.base.head, PairedResult):
        yield from _of_gain(usecase, usecase.base.head)
    yield from _of_age(usecase.data)
    yield from _of_evaluate(usecase.primary, usecase.evaluate)
    yield from (("by-base", f"by base's limits: {text}") for text in usecase.by_base)


def _of_parts(usecase: UseCaseComparison, window: str, result: PairedResult) -> Iterator[Finding]:
    """Slices that lost, and a cost that grew, on one window against base."""
    limits, primary, where = usecase.limits, usecase.primary, _where("base", window)
    for name, groups in result.slices.items():
        for group, paired in groups.items():
            if _lost(paired, limits.get("slice_loss")):
                yield "slice", f"slice {name} {group}: {_worse(usecase, primary, paired)}{where}"
    cost = result.metrics.get("cost")
    if cost and _lost(cost, limits.get("cost_growth")):
        where_decided = (
            "by its decisions" if usecase.problem == "multiclass" else "at the threshold"
        )
        yield "cost", f"{where_decided}, {_worse(usecase, 'cost', cost)}{where}"


def _of_gain(usecase: UseCaseComparison, result: PairedResult) -> Iterator[Finding]:
    """On head's window against base: a gain that cannot be."""
    primary = usecase.primary
    gain, most = result.metrics.get(primary), usecase.limits.get("too_good")
    if gain and most is not None and _too_good(primary, gain, most):
        yield (
            "too-good",
            f"{change(primary, gain, usecase.units).sentence}, more than {most:.0%} of what was left "
            "to gain; look for a leak, or explain the gain in gate.override",
        )


def _of_seeds(usecase: UseCaseComparison) -> Iterator[Finding]:
    """No other seed of head's could be tried, though base's could: its noise is not known."""
    seeds = usecase.seeds
    if seeds.base > 1 and seeds.replicates < 2:
        reason = seeds.reason or "head's code gave none"
        yield "cannot-tell", f"no model of head was trained with other seeds: {reason}"


def _not_judged(usecase: UseCaseComparison, window: str, result: Result) -> Iterator[Finding]:
    """A loss that cannot be excluded: too wide an interval, or none, or no comparison at all."""
    where = _where("base", window).lstrip(",")
    if isinstance(result, NotComparable):
        yield "not-comparable", f"the models cannot be compared{where}: {result.reason}"
    limit = usecase.limits.get("max_loss")
    paired = result.metrics.get(usecase.primary) if isinstance(result, PairedResult) else None
    if limit is None or paired is None or paired.difference.word in ("better", "worse"):
        return
    moved = change(usecase.primary, paired, usecase.units)
    loss = _possible_loss(usecase.primary, paired)
    if loss is not None and loss <= limit:
        return
    known = (
        "" if loss is None else f", so that {share(loss)} may be lost, and {share(limit)} at most"
    )
    text = f"cannot tell{where}: {moved.sentence} {moved.evidence(usecase.level)}{known}"
    yield "cannot-tell", f"{text}; more test days, or a smaller change"


def _possible_loss(metric: str, paired: PairedFigure) -> float | None:
    """How much worse head may be, at the interval's bad end, as a share of base's figure."""
    low, high = paired.difference.low, paired.difference.high
    if low is None or high is None or not paired.base:
        return None
    worst = -low if metric in HIGHER_IS_BETTER else high
    return max(worst, 0.0) / abs(paired.base)


def _of_lost_rows(usecase: UseCaseComparison) -> Iterator[Finding]:
    """Rows of base's test window that head's data do not have any more."""
    lost, limit = usecase.base.lost, usecase.limits.get("max_lost_rows")
    if lost and limit is not None and lost.rows > limit * lost.of:
        yield (
            "rows",
            f"{lost.rows:,} of {lost.of:,} rows of base's test window are missing from head's "
            f"(at most {share(limit)}): what is hard may have been set aside",
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
    where = _where(other, window)
    evidence = moved.evidence(usecase.level)
    yield "worse", f"{since}{moved.sentence}, worse beyond noise {evidence}{where}"


def _where(other: str, window: str) -> str:
    """Behind a sentence, which test window it is about, unless it is head's."""
    return "" if window == "head" else f", on {other}'s test window"


def _reason(usecase: str | None, kind: str, text: str) -> Reason:
    return Reason(usecase=usecase, kind=kind, text=text)
