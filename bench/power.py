"""What loss does the gate see? A table per use case: `python -m bench.power [USECASE ...]`.

It reads the outs in the work tree (`dvc repro train@card_fraud train@flights`), trains the model under 13 other
seeds as `compare` does, and keeps all answers to the test window in reports/power/ for the next call. A case
takes two of the 14 models as base and head and 6 each as their seed replicates, makes head and its replicates
worse in one of two ways, and lets the gate judge.

- *noisier*: every answer is off by a random amount, so that all are a little worse;
- *mixed up*: a share of the events gets another event's answer.

- *unstable*: as noisier, but how much differs from seed to seed, from nothing to twice as much.

The damage is that of the change: head and its seed replicates share it. The last lines say from which loss on
the gate refuses 9 of 10, and from which on 9 of 10 are not green: refused or "cannot tell".
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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
LOSSES = (0.0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.10)
CASES = 40
ENOUGH = 0.9
INSIDE = (1e-12, 1 - 1e-12)
WORDS = ("passes", "cannot tell", "refused")
KEPT = Path("reports") / "power"


@dataclass(frozen=True)
class Answers:
    """The answers of 14 models to one test window, float64 (14, n)."""

    name: str
    window: LabelledWindow
    limit: float
    full: Array

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


Worse = Callable[[Array, float, int, int], Array]
"""A model's answers made worse by so much (0 to 1), at random by the case's and the model's number."""


def noisier(score: Array, much: float, case: int, _model: int) -> Array:
    """Each off by a normal amount, of up to four standard deviations of the answers."""
    size = 4 * much * float(score.std())
    return score + size * np.random.default_rng(case).normal(size=len(score))


def unstable(score: Array, much: float, case: int, model: int) -> Array:
    """As noisier, by another amount for each model."""
    return noisier(score, 2 * much * np.random.default_rng((case, model)).random(), case, model)


def mixed_up(score: Array, much: float, case: int, _model: int) -> Array:
    """A share of them with one another's."""
    random, mixed = np.random.default_rng(case), score.copy()
    rows = np.flatnonzero(random.random(len(score)) < much)
    mixed[rows] = score[random.permutation(rows)]
    return mixed


WAYS: dict[str, Worse] = {"noisier": noisier, "mixed up": mixed_up, "unstable": unstable}


def answers(name: str, models: int = MODELS) -> Answers:
    """Of a use case's model and others by their seed: kept ones, or, for another bundle or more models, trained now."""
    criteria = Criteria(usecase_loader.load(name), config.load(name))
    table = tables.read(Path(f"data/{name}/tables/test.parquet"))
    own = bundle.load(Path(f"models/{name}"), name)
    window = assessment.window(criteria.usecase, criteria.params.evaluation, table, None)
    kept = KEPT / f"{name}-{md5_file(f'models/{name}/{bundle.MODEL}')[:8]}.npz"
    full = _kept(kept)
    if len(full) < models:
        pair = [Path(f"data/{name}/tables/{part}.parquet") for part in ("train", "valid")]
        others = seed_variance.replicates(criteria, own, models - 1, *pair)
        full = np.array([one.raw(table) for one in (own, *others)])
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.savez(kept, full=full)
    if window.problem == "classification":
        full = np.log(np.clip(full, *INSIDE)) - np.log1p(-np.clip(full, *INSIDE))
    return Answers(name, window, criteria.params.gate.max_loss, full[:models])


def _kept(file: Path) -> Array:
    """The answers in a file; none where there is none."""
    if not file.exists():
        return np.zeros((0, 0))
    with np.load(file) as scores:
        return np.array(scores["full"])


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
    own = [answers.figure(worse(answers.full[m], much, m, m)) for m in range(0, MODELS, 2)]
    return abs(float(np.mean(own)) - plain) / abs(plain)


def verdicts(answers: Answers, worse: Worse, loss: float, cases: int) -> Counter[str]:
    """What the gate says to `cases` changes that lose so much."""
    much = strength(answers, worse, loss) if loss else 0.0
    if np.isnan(much):
        return Counter()
    return Counter(verdict(answers, worse, much, case) for case in range(cases))


def verdict(answers: Answers, worse: Worse, much: float, case: int) -> str:
    """The gate's word on one case: two models and their seeds, drawn, and the damage."""
    order = np.random.default_rng(case).permutation(MODELS)
    base, head, own, others = order[0], order[1], order[2 : 2 + SEEDS], order[2 + SEEDS :]
    score = worse(answers.full[head], much, case, int(head))
    again = [answers.figure(worse(answers.full[model], much, case, int(model))) for model in own]
    of_base = [answers.base[model][0] for model in others]
    result = compared(answers, int(base), answers.figures(score), (again, of_base))
    return gate(answers.window, answers.limit, result)


def compared(
    answers: Answers, base: int, head: Array, seeds: tuple[Sequence[float], Sequence[float]]
) -> PairedResult:
    """Head's figures against those of the model `base`; `seeds`: the figures of head's and of base's replicates."""
    window = answers.window
    noise = MetricNoise(0.0, *map(np.array, seeds))
    pair = answers.base[base], head
    result = paired.difference(window, window.primary, *pair, answers.sample, noise)
    rows = len(window.label)
    return PairedResult(comparable=True, rows=rows, metrics={window.primary: result}, slices={})


def retrained(name: str, count: int) -> Counter[str]:
    """What a comparison, and the gate, say of `count` retrainings that differ from the model in seed alone.

    Each takes the six that follow it as its replicates, and the next six as those of the model.
    """
    some = answers(name, count + 1)
    counts: Counter[str] = Counter()
    for head in range(1, count + 1):
        order = [*range(head + 1, count + 1), *range(1, head)]
        own, others = order[:SEEDS], order[SEEDS : 2 * SEEDS]
        seeds = [some.base[m][0] for m in own], [some.base[m][0] for m in others]
        result = compared(some, 0, some.base[head], seeds)
        word = result.metrics[some.window.primary].difference.word
        counts.update((word, gate(some.window, some.limit, result)))
    return counts


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
    refused: dict[str, list[float]] = {way: [] for way in WAYS}
    held: dict[str, list[float]] = {way: [] for way in WAYS}
    for loss in losses:
        counts = {way: verdicts(answers, worse, loss, cases) for way, worse in WAYS.items()}
        for way, own in counts.items():
            refused[way].append(own["refused"] / cases)
            held[way].append((own["refused"] + own["cannot tell"]) / cases)
        cells = (" / ".join(str(own[w]) for w in WORDS) if own else "–" for own in counts.values())
        yield f"| {loss:.1%} | " + " | ".join(cells) + " |"
    yield (
        "| refused in 9 of 10 from | "
        + " | ".join(_from(losses, s) for s in refused.values())
        + " |"
    )


def _from(losses: Sequence[float], shares: Sequence[float]) -> str:
    """The loss from which on the share is 0.9 at least."""
    below = [i for i, share in enumerate(shares) if not share >= ENOUGH]
    first = max(below, default=-1) + 1
    return f"{losses[first]:.1%}" if first < len(losses) else "–"


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
