"""Another way to answer what was served: another bundle, other thresholds. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from plumbline.core.declarations import Array
from plumbline.core.errors import PlumblineError, suggest
from plumbline.model.bundle import Bundle
from plumbline.model.decisions import BLOCK, Cut, DecisionPolicy
from plumbline.ops.replay import rescoring
from plumbline.ops.replay.bundles import ReplayBundle
from plumbline.ops.replay.rescoring import Rescored
from plumbline.ops.replay.served_rows import ServedRows

ALARM = "alarm"
CUTS = (ALARM, "review", "block")


@dataclass(frozen=True)
class Alternative:
    """Another bundle, or the one that answered where it is None; thresholds in place of the bundle's own, by name."""

    bundle: ReplayBundle | None = None
    cuts: Mapping[str, float] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """As a person says it."""
        parts = [f"bundle {self.bundle.md5}"] if self.bundle else []
        parts += [f"{name} from {value:g} on" for name, value in self.cuts.items()]
        return ", ".join(parts) or "as it was answered"

    def places(self, answered: ReplayBundle, rows: ServedRows, result: Rescored) -> OtherAnswers:
        """What it decides about rows of the bundle `answered`, which are scored and have the columns `result.columns`."""
        found, again, note = self.bundle or answered, result, ""
        check(found.bundle, self.cuts)
        if self.bundle and self.bundle.md5 != answered.md5:
            try:
                again = rescoring.score(found, _columns(found, rows))
            except PlumblineError as error:
                note = str(error)
        if note:
            return OtherAnswers(None, np.full(len(rows), np.nan), note)
        model = found.bundle
        return OtherAnswers(self._decided(model, again), again.score[:, 0], "")

    def _decided(self, model: Bundle, again: Rescored) -> Array:
        """Places of the decisions, int (n,)."""
        if model.classes:
            return model.decided(again.score)
        score = again.score[:, 0]
        policy = model.manifest.decisions
        if policy:
            return moved(policy, self.cuts).places(again.columns, score)
        limit = self.cuts.get(ALARM, self.cuts.get("block", model.threshold))
        return np.where(score >= (math.inf if limit is None else limit), BLOCK, 0)


@dataclass(frozen=True)
class OtherAnswers:
    """The places of the decisions, int (n,), None where there are none, and `note` why; the scores (n,)."""

    places: Array | None
    score: Array
    note: str


def parsed(words: Iterable[str]) -> dict[str, float]:
    """Thresholds as they are typed, `0.7` or `review=0.2`; PlumblineError for anything else."""
    cuts: dict[str, float] = {}
    for word in words:
        name, sign, text = word.rpartition("=")
        name = name.strip() if sign else ALARM
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if name not in CUTS or not math.isfinite(value):
            hint = "" if name in CUTS else f"; {suggest(name, CUTS)}"
            raise PlumblineError(
                f"--threshold {word}: expected a number like 0.7, or NAME=NUMBER with one of {', '.join(CUTS)}{hint}"
            )
        cuts[name] = value
    return cuts


def check(model: Bundle, cuts: Mapping[str, float]) -> None:
    """PlumblineError where a bundle has no such thresholds, or they cross."""
    if not cuts:
        return
    policy = model.manifest.decisions
    if model.classes or (policy is None and model.threshold is None):
        raise PlumblineError(
            f"--threshold: the model of '{model.usecase}' decides by no threshold; leave it out"
        )
    if policy is None or not policy.review:
        odd = [name for name in cuts if name == "review"]
        if odd:
            raise PlumblineError(
                f"--threshold review: the model of '{model.usecase}' sends nothing to review; set {ALARM}"
            )
    if policy:
        moved(policy, cuts)


def moved(policy: DecisionPolicy, cuts: Mapping[str, float]) -> DecisionPolicy:
    """The policy with other thresholds in every segment; a review's lies at most at the block's."""
    block, review = cuts.get("block", cuts.get(ALARM)), cuts.get("review")
    if block is None and review is None:
        return policy

    def cut(one: Cut) -> Cut:
        high = one.block if block is None else block
        low = min(one.review, high) if review is None else review
        if not policy.review:
            low = high
        if low > high:
            raise PlumblineError(
                f"--threshold: review from {low:g} on lies above block from {high:g} on; set both"
            )
        return Cut(review=low, block=high)

    segments = {name: cut(one) for name, one in policy.segments.items()}
    return policy.model_copy(update={"otherwise": cut(policy.otherwise), "segments": segments})


def _columns(found: ReplayBundle, rows: ServedRows) -> dict[str, Array]:
    """All that a bundle scores rows from that another one answered; PlumblineError where the log does not have it."""
    columns = rescoring.inputs(found.usecase, rows)
    if not found.unchecked:
        return {**columns, **rescoring.recomputed(found.usecase, columns)}
    if all(d == found.definitions for d in rows.facts["definitions"]):
        return {**columns, **{n: rows.computed[n] for n in rescoring.names(found.usecase)}}
    raise PlumblineError(found.unchecked)
