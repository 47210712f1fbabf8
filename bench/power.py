"""What loss does the gate see? A table per use case: `python -m bench.power [USECASE ...]`.

It reads the outs in the work tree (`dvc repro train@card_fraud train@flights`), trains the model under 13 other
seeds as `compare` does, and keeps all answers to the test window in reports/power/ for the next call. A case
takes two of the 14 models as base and head and 6 each as their seed replicates, makes head and its replicates
worse in one of two ways, and lets the gate judge. `--write` puts the tables into docs/evaluation.md.

- *weaker*: between the model and its first tree, so that every answer is a little worse;
- *mixed up*: a share of the events, drawn anew for each model, gets another event's answer.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from plumbline import config
from plumbline.core import tables, usecase_loader
from plumbline.core.hashing import md5_file
from plumbline.evaluate import assessment
from plumbline.evaluate.evidence import LabelledWindow
from plumbline.metrics import bootstrap, metrics
from plumbline.metrics.bootstrap import Array, Resample
from plumbline.model import bundle
from plumbline.review import paired, seed_variance
from plumbline.review.comparison_sections import PairedResult
from plumbline.review.paired import MetricNoise
from plumbline.review.scoring import Criteria
from plumbline.runtime import runner
from tests import reviews

SEEDS = 6
"""Replicates of a side, as many as the gate has by default."""
MODELS = 2 * (SEEDS + 1)
LOSSES = (0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.10, 0.15)
CASES = 30
WORDS = ("passes", "cannot tell", "refused")
KEPT = Path("reports") / "power"
PAGE = Path("docs") / "evaluation.md"
MARKS = ("<!-- power -->", "<!-- /power -->")


@dataclass(frozen=True)
class Answers:
    """The answers of 14 models to one test window, and of their first trees, float64 (14, n)."""

    name: str
    window: LabelledWindow
    limit: float
    full: Array
    early: Array

    @cached_property
    def sample(self) -> Resample:
        return self.window.sample()

    @cached_property
    def base(self) -> list[Array]:
        """The primary metric of each model as it is, over all draws."""
        return [self.figures(score) for score in self.full]

    def figures(self, score: Array) -> Array:
        """The primary metric over all draws, the plain one first."""
        return metrics.primary(self.window.problem, self.window.label, score, self.sample)

    def figure(self, score: Array) -> float:
        """The primary metric of the window as it is."""
        once = bootstrap.every_row_once(len(score))
        return float(metrics.primary(self.window.problem, self.window.label, score, once)[0])


Worse = Callable[[Answers, int, float, np.random.Generator], Array]
"""The answers of a model by number, made worse by so much (0 to 1)."""


def weaker(answers: Answers, model: int, much: float, _random: np.random.Generator) -> Array:
    """Between the model's answers and its first tree's."""
    return (1 - much) * answers.full[model] + much * answers.early[model]


def mixed_up(answers: Answers, model: int, much: float, random: np.random.Generator) -> Array:
    """A share of the events with one another's answers."""
    score = answers.full[model].copy()
    rows = np.flatnonzero(random.random(len(score)) < much)
    score[rows] = score[random.permutation(rows)]
    return score


WAYS: dict[str, Worse] = {"weaker": weaker, "mixed up": mixed_up}


def answers(name: str) -> Answers:
    """Of a use case's models: kept ones, or, for another bundle, trained now."""
    criteria = Criteria(usecase_loader.load(name), config.load(name))
    table = tables.read(Path(f"data/{name}/tables/test.parquet"))
    own = bundle.load(Path(f"models/{name}"), name)
    window = assessment.window(criteria.usecase, criteria.params.evaluation, table, None)
    kept = KEPT / f"{name}-{md5_file(f'models/{name}/{bundle.MODEL}')[:8]}.npz"
    if not kept.exists():
        pair = [Path(f"data/{name}/tables/{part}.parquet") for part in ("train", "valid")]
        models = [own, *seed_variance.replicates(criteria, own, MODELS - 1, *pair)]
        firsts = [replace(one, booster=one.booster[0:1]) for one in models]
        kept.parent.mkdir(parents=True, exist_ok=True)
        full, early = (np.array([m.raw(table) for m in some]) for some in (models, firsts))
        np.savez(kept, full=full, early=early)
    with np.load(kept) as scores:
        full, early = scores["full"], scores["early"]
    if window.problem == "classification":
        full, early = map(_log_odds, (full, early))
    return Answers(name, window, criteria.params.gate.max_loss, full, early)


def _log_odds(chance: Array) -> Array:
    """On a common scale, with the same order: between two of them lies a model between them."""
    odds = np.log(np.clip(chance, 1e-12, 1 - 1e-12)) - np.log1p(-np.clip(chance, 1e-12, 1 - 1e-12))
    return (odds - odds.mean(axis=1, keepdims=True)) / odds.std(axis=1, keepdims=True)


def strength(answers: Answers, worse: Worse, loss: float) -> float:
    """How much of a way loses `loss` of the figure, in the mean of all models, by bisection; NaN where none does."""
    plain = np.mean([answers.figure(score) for score in answers.full])
    low, high = 0.0, 1.0
    if _loss(answers, worse, high, float(plain)) < loss:
        return float("nan")
    for _ in range(12):
        middle = (low + high) / 2
        below = _loss(answers, worse, middle, float(plain)) < loss
        low, high = (middle, high) if below else (low, middle)
    return high


def _loss(answers: Answers, worse: Worse, much: float, plain: float) -> float:
    random = np.random.default_rng(1)
    own = [answers.figure(worse(answers, m, much, random)) for m in range(0, MODELS, 2)]
    return abs(float(np.mean(own)) - plain) / abs(plain)


def verdicts(answers: Answers, worse: Worse, loss: float, cases: int) -> Counter[str]:
    """What the gate says to `cases` changes that lose so much."""
    much = strength(answers, worse, loss) if loss else 0.0
    if np.isnan(much):
        return Counter()
    random = np.random.default_rng(0)
    return Counter(verdict(answers, worse, much, random) for _ in range(cases))


def verdict(answers: Answers, worse: Worse, much: float, random: np.random.Generator) -> str:
    """The gate's word on one case: two models and their seeds, drawn."""
    order = random.permutation(MODELS)
    base, head, own, others = order[0], order[1], order[2 : 2 + SEEDS], order[2 + SEEDS :]
    score = worse(answers, head, much, random)
    again = [answers.figure(worse(answers, model, much, random)) for model in own]
    noise = MetricNoise(0.0, np.array(again), np.array([answers.base[m][0] for m in others]))
    window = answers.window
    result = paired.difference(
        window, window.primary, answers.base[base], answers.figures(score), answers.sample, noise
    )
    found = PairedResult(
        comparable=True, rows=len(score), metrics={window.primary: result}, slices={}
    )
    return gate(window, answers.limit, found)


def gate(window: LabelledWindow, limit: float, result: PairedResult) -> str:
    """The merge gate's word on the primary metric of a comparison, one of WORDS."""
    case = {
        "primary": window.primary,
        "level": window.level,
        "limits": {"max_loss": limit},
        "seeds": {"replicates": SEEDS, "base": SEEDS, "reason": None},
        "base": {"head": result.plain()},
        "release": {},
    }
    kinds = {reason.kind for reason in reviews.comparison(case).gate.reasons}
    return "refused" if "worse" in kinds else "cannot tell" if kinds else "passes"


def table(answers: Answers, losses: Sequence[float], cases: int) -> Iterator[str]:
    """Markdown: by loss and way, how many of the cases pass, cannot be told, are refused."""
    yield f"| {answers.name}: loss of {answers.window.primary} | " + " | ".join(WAYS) + " |"
    yield "|---" * (len(WAYS) + 1) + "|"
    for loss in losses:
        cells = []
        for worse in WAYS.values():
            counts = verdicts(answers, worse, loss, cases)
            cells.append(" / ".join(str(counts[word]) for word in WORDS) if counts else "–")
        yield f"| {loss:.0%} | " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("usecases", nargs="*", default=["card_fraud", "flights"])
    parser.add_argument("--cases", type=int, default=CASES)
    chosen = parser.parse_args()
    runner.prepare()
    for name in chosen.usecases:
        for line in table(answers(name), LOSSES, chosen.cases):
            print(line, flush=True)
        print(flush=True)


if __name__ == "__main__":
    main()
