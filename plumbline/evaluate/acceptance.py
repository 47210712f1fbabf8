"""The acceptance gate: whether a model is good enough to be proposed. Pure: evidence in, verdict out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from plumbline.core.errors import ParamsError, suggest
from plumbline.evaluate.behaviour import BehaviourResult
from plumbline.evaluate.evaluate_document import (
    AcceptanceGate,
    CheckWord,
    LeakSearch,
    PassOrFail,
)
from plumbline.evaluate.policies import title
from plumbline.metrics.bootstrap import Estimate, Word
from plumbline.report import numbers
from plumbline.report.metric_titles import metric_title
from plumbline.report.verdict_sentences import floor_breach

MOST_LEAKS, MOST_HARMLESS, LONGEST = 5, 3, 250
"""Suspicions that a reason names, those of them that are declared harmless, and characters of each."""


@dataclass(frozen=True)
class Limits:
    """The limits of evaluate's params.

    `slice_floor`: a slice's primary metric must reach this share of the overall one; where lower is
    better, the overall one must be this share of the slice's. `slice_floors`: by a slice's name, its
    floor in the metric's own unit. `max_ece`: calibration error over the share of the rarer class.
    `max_bias`: mean error over the mean absolute error.
    """

    slice_floor: float = 0.5
    slice_floors: Mapping[str, float] = field(default_factory=dict)
    max_ece: float = 0.3
    max_bias: float = 0.5


@dataclass(frozen=True)
class Check:
    """One check of the gate, and its result in a sentence; an empty one where there is nothing to say."""

    name: str
    passed: bool
    reason: str
    known: bool = True  # False: it cannot be judged, which is not passed

    @property
    def word(self) -> CheckWord:
        """pass, fail, or that it cannot be judged."""
        return _word(self.passed) if self.known else "cannot tell"


@dataclass(frozen=True)
class AcceptanceVerdict:
    """All checks. It passes where each does; the reasons are the failed ones', or all when none did."""

    checks: tuple[Check, ...]

    @property
    def verdict(self) -> PassOrFail:
        return _word(all(c.passed for c in self.checks))

    @property
    def reasons(self) -> list[str]:
        failed = [c.reason for c in self.checks if not c.passed]
        return failed or [c.reason for c in self.checks if c.reason]

    @property
    def document(self) -> AcceptanceGate:
        """The verdict's word, each check's, and the reasons, for evaluate.json."""
        checks = {c.name: c.word for c in self.checks}
        return AcceptanceGate(verdict=self.verdict, checks=checks, reasons=self.reasons)


def beats(metric: str, words: Mapping[str, Word]) -> Check:
    """Does the model beat every baseline beyond noise? `words`: what each paired difference says."""
    unbeaten = [f"{name} ({word})" for name, word in words.items() if word != "better"]
    if unbeaten:
        return Check(
            "baselines", False, f"{metric_title(metric)} does not beat {', '.join(unbeaten)}"
        )
    return Check("baselines", True, f"{metric_title(metric)} beats {', '.join(words)} beyond noise")


def floors(
    overall: float, names: Iterable[str], limits: Limits, higher_is_better: bool
) -> dict[str, float]:
    """Each slice's floor (where lower is better, its ceiling) in the primary metric's unit."""
    names = list(names)
    for name in limits.slice_floors:
        if name not in names:
            raise ParamsError(
                f"params.yaml, evaluate.slice_floors: there is no slice '{name}'; {suggest(name, names)}"
            )
    share = limits.slice_floor
    default = overall * share if higher_is_better else overall / share if share else math.inf
    return {name: limits.slice_floors.get(name, default) for name in names}


def slices(
    groups: Mapping[str, Mapping[str, Estimate]],
    floors: Mapping[str, float],
    higher_is_better: bool,
) -> Check:
    """Is any slice worse than its floor, beyond noise? A group too small for an interval is not judged."""
    breaches = [
        floor_breach(name, group, estimate.value, floors[name], higher_is_better)
        for name, members in groups.items()
        for group, estimate in members.items()
        if below(estimate, floors[name], higher_is_better)
    ]
    if breaches:
        return Check("slices", False, "; ".join(breaches))
    limits = "below its floor" if higher_is_better else "above its limit"
    return Check("slices", True, f"no slice is {limits}")


def below(estimate: Estimate, floor: float, higher_is_better: bool) -> bool:
    """Whether the whole interval lies on the wrong side of the floor; NaN never does."""
    return estimate.high < floor if higher_is_better else estimate.low > floor


def calibrated(ece: float, noise: float, positives: float, limits: Limits) -> Check:
    """Is a probability what it says? `noise`: the error that a perfect model shows on so many rows.

    `positives` is the share of positives. What exceeds the noise is held against the rarer class.
    """
    share = max(ece - noise, 0.0) / min(positives, 1 - positives)
    text = (
        f"calibration error above a perfect model's is {share:.2g} of the rarer class's share "
        f"(at most {limits.max_ece:g})"
    )
    return Check("calibration", share <= limits.max_ece, text)


def calibrated_classes(
    shares: Mapping[int, float], classes: Sequence[str | int], limits: Limits
) -> Check:
    """Is each class's probability what it says? `shares`: by code, the calibration error above a perfect
    model's, over the share of the class or of the others, whichever is rarer.
    """
    if not shares:
        text = "cannot tell whether the probabilities are right: too few rows of each class"
        return Check("calibration", True, text)
    worst = max(shares, key=lambda code: shares[code])
    text = (
        f"the largest calibration error above a perfect model's is {shares[worst]:.2g} of the rarer share, of "
        f"class {classes[worst]} (at most {limits.max_ece:g})"
    )
    return Check("calibration", shares[worst] <= limits.max_ece, text)


def saves(saved: Estimate) -> Check:
    """Does the model cost no more, beyond noise, than always the cheapest class?"""
    if saved.high < 0:
        text = "always the same class costs less than the model's decisions, beyond noise"
        return Check("policies", False, text)
    beyond = "less, beyond noise, than" if saved.low > 0 else "within noise of"
    return Check("policies", True, f"the model's decisions cost {beyond} always the same class")


def unbiased(bias: Estimate, mae: float, limits: Limits) -> Check:
    """Is the mean error small beside the mean absolute error, or at least within noise of it?"""
    near_zero = _nearest_to_zero(bias)
    share = abs(bias.value) / mae if mae > 0 else 0.0
    text = f"bias is {share:.2g} of the mean absolute error (at most {limits.max_bias:g})"
    return Check("calibration", near_zero <= limits.max_bias * mae, text)


def behaves(outcomes: Sequence[BehaviourResult]) -> Check:
    """Do the expected behaviours hold?"""
    broken = [
        f"{o.name} ({numbers.share(o.share)} of {o.pairs} pairs, expected {numbers.share(o.required)} of {o.least} or more)"
        for o in outcomes
        if not o.holds
    ]
    if broken:
        return Check("behaviours", False, f"behaviours that do not hold: {'; '.join(broken)}")
    return Check("behaviours", True, _hold(len(outcomes)))


def pays(words: Mapping[str, Word]) -> Check:
    """Is no rival policy cheaper than the model at its threshold, beyond noise?"""
    cheaper, beaten, level = (
        ", ".join(title(name) for name, word in words.items() if word == which)
        for which in ("worse", "better", "within noise")
    )
    if cheaper:
        return Check("policies", False, f"cheaper than the model, beyond noise: {cheaper}")
    parts = [f"the model costs less, beyond noise, than {beaten}"] if beaten else []
    parts += [f"its cost is within noise of {level}"] if level else []
    return Check("policies", True, "; ".join(parts) or "no rival policy is declared")


def free_of_leaks(search: LeakSearch) -> Check:
    """Is there nothing that nearly answers by itself, but what is declared harmless with a reason?"""
    if not search.columns:
        return Check("leaks", True, "cannot tell whether a column leaks: too few rows")
    open_ = [one for one in search.found if one.harmless is None]
    if not open_:
        given = [
            f"{_short(one.sentence)}, declared harmless: {one.harmless}"
            for one in search.found[:MOST_HARMLESS]
        ]
        if search.found[MOST_HARMLESS:]:
            given.append(f"{len(search.found) - MOST_HARMLESS} more, in the model card")
        return Check("leaks", True, "; ".join(given))
    named = [_short(one.sentence) for one in open_[:MOST_LEAKS]]
    more = f"; and {len(open_) - MOST_LEAKS} more, in the model card" if open_[MOST_LEAKS:] else ""
    return Check(
        "leaks",
        False,
        f"a leak is suspected: {'; '.join(named)}{more}. Is it known when the model answers? If not, set "
        "known=False or leave it out; if it is, say why: "
        f'evaluate.harmless: {{"{_short(open_[0].key)}": "..."}} in params.yaml',
    )


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def declared(search: LeakSearch, harmless: Mapping[str, str]) -> LeakSearch:
    """A search with these reasons, by key, why what it found is harmless."""
    found = [one.model_copy(update={"harmless": harmless.get(one.key)}) for one in search.found]
    return search.model_copy(update={"found": found})


def _word(passed: bool) -> PassOrFail:
    return "pass" if passed else "fail"


def _hold(count: int) -> str:
    if count == 0:
        return "no behaviours are declared"
    return (
        "the one expected behaviour holds"
        if count == 1
        else f"all {count} expected behaviours hold"
    )


def _nearest_to_zero(bias: Estimate) -> float:
    if math.isnan(bias.low):
        return abs(bias.value)
    return max(bias.low, -bias.high, 0.0)
