"""Checks of the acceptance gate that are there where something is declared: decisions, gaps, size and work. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plumbline.evaluate.acceptance import Check
from plumbline.evaluate.decision_costs import TITLES, ordered
from plumbline.evaluate.decision_document import DecisionEvidence
from plumbline.evaluate.fairness_document import GapVerdict
from plumbline.evaluate.params import Evaluate
from plumbline.model.footprint import Footprint

FOOTPRINT = {"size": "the trees on disk are", "work": "the splits that a row passes through are"}


def checks(
    settings: Evaluate,
    acts: DecisionEvidence | None,
    verdicts: Sequence[GapVerdict] | None,
    footprint: Footprint | None,
) -> Iterator[Check]:
    """Those of what is declared, one after another."""
    yield from decisions(acts)
    yield from gaps(verdicts)
    yield from affordable(footprint, settings.max_size, settings.max_work)


def decisions(section: DecisionEvidence | None) -> list[Check]:
    """Is no simpler way to decide cheaper than the declared decisions, beyond noise?

    Equal rates have a price, which is shown and not judged.
    """
    if section is None or section.equal:
        return []
    words = {TITLES[name]: section.differences[name].word for name in ordered(section.differences)}
    cheaper = ", ".join(name for name, word in words.items() if word == "worse")
    if cheaper:
        text = f"cheaper than the declared decisions, beyond noise: {cheaper}"
        return [Check("decisions", False, text)]
    texts = {
        "better": "cost less, beyond noise, than",
        "within noise": "cost as much, within noise, as",
    }
    parts = [
        f"{text} {', '.join(name for name, found in words.items() if found == word)}"
        for word, text in texts.items()
        if word in words.values()
    ]
    return [Check("decisions", True, f"the decisions {'; '.join(parts)}")]


def gaps(verdicts: Sequence[GapVerdict] | None) -> list[Check]:
    """Is every declared gap within its limit? One that cannot be judged has not passed."""
    if not verdicts:
        return []
    failed = [one.reason for one in verdicts if one.word == "fail"]
    unknown = [one.reason for one in verdicts if one.word == "cannot tell"]
    reasons = [*failed, *unknown] or [one.reason for one in verdicts]
    passed = not failed and not unknown
    return [Check("fairness", passed, "; ".join(reasons), known=passed or bool(failed))]


def affordable(
    footprint: Footprint | None, max_size: float | None, max_work: float | None
) -> list[Check]:
    """Is the bundle as small, and its work for a row as little, as its limits say?"""
    limits = {"size": max_size, "work": max_work}
    declared = {name: most for name, most in limits.items() if most is not None}
    if not declared:
        return []
    if footprint is None:
        return [Check("footprint", False, "cannot tell: the bundle was not measured", known=False)]
    texts, passed = [], True
    for name, most in declared.items():
        value = getattr(footprint, name)
        passed = passed and value <= most
        texts.append(f"{FOOTPRINT[name]} {value:.3g} times the yardstick's (at most {most:g})")
    return [Check("footprint", passed, "; ".join(texts))]
