"""Decisions, equal rates and reweighing on card_fraud and flights: what they save and cost, with intervals.

`python -m bench.decisions [--root FOLDER] [USECASE ...]` reads tables and bundles of a work tree (`dvc repro
train@card_fraud train@flights`; the data of flights: sources/flights/README.md). Thresholds are fitted on the
validation window and priced on the test window. For card_fraud it also shows how far events should count by their
probability: each span of 14 days chooses both thresholds, all other days judge them. `--json FILE` writes the figures,
`--picture FILE` draws them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from plumbline import config
from plumbline.core import files, tables, usecase_loader
from plumbline.core.declarations import Array, Columns
from plumbline.core.usecase import UseCase
from plumbline.evaluate import assessment, decision_costs, evaluation_plots, reweighed
from plumbline.evaluate.decision_document import DecisionEvidence
from plumbline.evaluate.fairness_document import ReweighingEvidence
from plumbline.evaluate.params import EvaluationSettings
from plumbline.metrics.cost_matrix import Costs
from plumbline.model import boosting, bundle, decision_fit, decision_prices, matrices
from plumbline.model.bundle import Bundle
from plumbline.model.decision_params import Decisions, positive
from plumbline.model.reweighing import Reweigh
from plumbline.report.numbers import figure, interval, relative, share
from plumbline.runtime import runner

SPAN = 14
"""Days that choose."""
BELIEFS = (0.5, 0.65, 0.8, 0.9, 1.0)
CAPACITIES = (6, 20, 100)
REVIEW: dict[str, dict[str, Any]] = {
    "card_fraud": {"positive": {"column": "amount_cents", "times": 0.1}, "negative": 200},
    "flights": {"positive": 10, "negative": 3},
}
SEGMENTS: dict[str, dict[str, Any]] = {
    "card_fraud": {"column": "distance_m", "edges": [2_500, 5_000]},
    "flights": {"column": "origin"},
}
RATES = {"card_fraud": ("false_alarm_rate", "recall"), "flights": ("false_alarm_rate", "recall")}
REWEIGHED: dict[str, list[dict[str, Any]]] = {
    "card_fraud": [SEGMENTS["card_fraud"], {**SEGMENTS["card_fraud"], "strength": 0.5}],
    "flights": [{"column": "origin"}, {"column": "carrier"}],
}
FLIGHT_COSTS = {"unit": "EUR", "false_negative": 60, "false_positive": 20, "true_positive": 5}
"""Of a flight that arrives an hour late or more and whose passengers were not rebooked; of one rebooked for nothing."""


@dataclass(frozen=True)
class Subject:
    """A use case with its bundle, both windows, their scores, and its costs."""

    usecase: UseCase
    settings: EvaluationSettings
    scorer: Bundle
    costs: Costs
    valid: Columns
    test: Columns

    @classmethod
    def read(cls, name: str, root: Path) -> Subject:
        usecase, params = usecase_loader.load(name), config.load(name)
        scorer = bundle.load(root / "models" / name, name)
        folder = root / "data" / name / "tables"
        valid, test = (tables.read(folder / f"{t}.parquet") for t in ("valid", "test"))
        costs = params.train.costs or Costs.model_validate(FLIGHT_COSTS)
        return cls(usecase, params.evaluation, scorer, costs, valid, test)

    def declared(self, **section: Any) -> Decisions:
        """Decisions; of flights about those that arrive an hour late."""
        late = {"positive_from": 60.0} if self.usecase.problem == "regression" else {}
        return Decisions.model_validate({**late, **section})

    def evidence(self, declared: Decisions) -> DecisionEvidence:
        """The decisions fitted on the validation window, priced on the test window."""
        scores = [self.scorer.predict(one) for one in (self.valid, self.test)]
        policy = decision_fit.fit(self.usecase, self.valid, scores[0], declared, self.costs)
        window = assessment.window(self.usecase, self.settings, self.test, self.scorer.threshold)
        known = decision_costs.Declared(self.usecase, declared, self.costs, (self.valid, scores[0]))
        return decision_costs.evidence(known, window, self.test, scores[1], policy)


def ways(subject: Subject) -> Iterator[tuple[str, Decisions]]:
    """What is tried, by name."""
    name = subject.usecase.name
    segment, review = SEGMENTS[name], REVIEW[name]
    yield "review, no limit", subject.declared(review=review)
    for capacity in (5, 20):
        limited = {**review, "capacity": capacity}
        yield f"review, {capacity} a day", subject.declared(review=limited)
    limited = {**review, "capacity": 20}
    by = f"by {segment['column']}"
    yield f"review, 20 a day, {by}", subject.declared(review=limited, segment=segment)
    yield f"no review, {by}", subject.declared(segment=segment)
    for rate in RATES[name]:
        yield f"equal {rate}, {by}", subject.declared(segment=segment, equal=rate)


def reweigh(subject: Subject, root: Path, declared: Reweigh) -> ReweighingEvidence:
    """What weights cost: the bundle's settings and rounds boosted with them and without."""
    usecase, scorer = subject.usecase, subject.scorer
    folder = root / "data" / usecase.name / "tables"
    paths = folder / "train.parquet", folder / "valid.parquet"
    plain = reweighed.without_weights(usecase, subject.settings, scorer, paths, subject.valid)
    full = {**scorer.manifest.params, "nthread": 0}
    matrix = matrices.binned(usecase, full, *paths)[0]
    matrices.weigh(usecase, declared, matrix, paths[0])
    booster = boosting.grow(full, matrix, rounds=scorer.manifest.rounds)
    own = reweighed.calibrated(
        usecase, subject.settings, replace(scorer, booster=booster), subject.valid
    )
    pair = own, plain
    return reweighed.price(usecase, subject.settings, declared, subject.test, pair)


def print_reweighed(one: ReweighingEvidence) -> None:
    """Differences to the model without weights, and the gaps of both."""
    print(f"reweighed by {one.column}, strength {one.strength:g}")
    for name, apart in one.differences.items():
        print(f"    {name}: {interval(apart)}, {relative(apart.relative)}, {apart.word}")
    for rate, pair in one.gaps.items():
        write = share if rate in ("recall", "false_alarm_rate") else figure
        both = (interval(gap, write) for gap in (pair.without, pair.reweighed))
        print(f"    widest gap of {rate}: {' -> '.join(both)}")


def print_way(way: str, one: DecisionEvidence) -> None:
    """Cost a day with its interval, then what the decisions save beside each simpler way, a day."""
    print(f"{way}: {interval(one.cost_a_day)} {one.unit} a day")
    for name in decision_costs.ordered(one.differences):
        apart, days = one.differences[name], one.days
        ends = [
            figure(v / days) if v is not None else "–" for v in (apart.value, apart.low, apart.high)
        ]
        text = f"{ends[0]} ({ends[1]} to {ends[2]})"
        print(f"    minus {decision_costs.TITLES[name]}: {text}, {apart.word}")
    for name, gap in one.gaps.items():
        print(f"    widest gap, {name}: {interval(gap, share)}" if gap else f"    gap, {name}: –")


@contextmanager
def believing(belief: float) -> Iterator[None]:
    """So far an event counts by its probability, in the block."""
    before = decision_prices.REVIEW_BELIEF
    decision_prices.REVIEW_BELIEF = belief
    try:
        yield
    finally:
        decision_prices.REVIEW_BELIEF = before


def on_other_days(subject: Subject, belief: float, capacity: int) -> float:
    """What thresholds chosen by spans of validation and test window cost a day on the days around them."""
    names = (subject.usecase.key, str(subject.usecase.time), subject.usecase.label)
    needed = dict.fromkeys([*names, *subject.costs.columns])
    whole = {n: np.concatenate([subject.valid[n], subject.test[n]]) for n in needed}
    scores = [subject.scorer.predict(one) for one in (subject.valid, subject.test)]
    score = np.concatenate(scores)
    day = whole[str(subject.usecase.time)].astype("datetime64[D]")
    days = np.unique(day)
    review = {**REVIEW[subject.usecase.name], "capacity": capacity}
    declared, costs = subject.declared(review=review), []
    for first in range(0, len(days) - SPAN + 1, SPAN // 2):
        inside = (day >= days[first]) & (day <= days[first + SPAN - 1])
        with believing(belief):
            policy = decision_fit.fit(
                subject.usecase, _rows(whole, inside), score[inside], declared, subject.costs
            )
        others = _rows(whole, ~inside)
        places = policy.places(others, score[~inside])
        made = decision_costs.within(day[~inside], others[names[1]], places, capacity)
        case = positive(declared, others[names[2]])
        price = decision_prices.prices(declared, subject.costs, others, case).of(made)
        costs.append(float(price.sum()) / (len(days) - SPAN))
    return float(np.mean(costs))


def _rows(columns: Columns, rows: Array) -> dict[str, Array]:
    return {name: values[rows] for name, values in columns.items()}


def draw(path: Path, found: dict[str, dict[str, DecisionEvidence]]) -> None:
    """Each way's cost minus that of one threshold without review, a day, with intervals; a panel per use case."""
    from matplotlib import pyplot as plt

    plt.rcParams |= evaluation_plots.STYLE
    figure_, panels = plt.subplots(1, len(found), figsize=(6.6 * len(found), 3.6))
    for panel, (name, ways_) in zip(np.atleast_1d(panels), found.items(), strict=True):
        for place, one in enumerate(ways_.values()):
            apart = one.differences[decision_costs.SINGLE]
            ends = [(v or 0.0) / one.days for v in (apart.value, apart.low, apart.high)]
            colour = {"better": "#0072B2", "worse": "#D55E00"}.get(apart.word, "#888888")
            panel.plot(ends[1:], [place, place], color=colour)
            panel.plot(ends[:1], [place], "o", color=colour)
        panel.axvline(0, color="#888888", linewidth=1)
        panel.set_yticks(range(len(ways_)), list(ways_))
        panel.invert_yaxis()
        panel.xaxis.set_major_formatter("{x:,.0f}")
        panel.set(title=name, xlabel=f"{one.unit} a day beside one threshold")
    figure_.tight_layout()
    figure_.savefig(path, metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("usecases", nargs="*", default=["card_fraud", "flights"])
    parser.add_argument(
        "--root", type=Path, default=Path(), help="work tree with data/ and models/"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--picture", type=Path, metavar="FILE")
    chosen = parser.parse_args()
    runner.prepare()
    kept: dict[str, Any] = {}
    found: dict[str, dict[str, DecisionEvidence]] = {}
    for name in chosen.usecases:
        subject = Subject.read(name, chosen.root)
        print(f"\n{subject.usecase.title}")
        for way, declared in ways(subject):
            one = subject.evidence(declared)
            kept.setdefault(name, {})[way] = one.plain()
            found.setdefault(name, {})[way] = one
            print_way(way, one)
        for section in REWEIGHED[name]:
            priced = reweigh(subject, chosen.root, Reweigh.model_validate(section))
            kept[name][f"reweighed by {priced.column}, {priced.strength:g}"] = priced.plain()
            print_reweighed(priced)
        if name == "card_fraud":
            print(
                f"\ncost a day on other days, thresholds chosen on {SPAN}: rows capacity, columns belief"
            )
            print(" " * 8 + "".join(f"{belief:>10}" for belief in BELIEFS))
            for capacity in CAPACITIES:
                costs = [on_other_days(subject, belief, capacity) for belief in BELIEFS]
                kept[name][f"belief, {capacity} a day"] = dict(
                    zip(map(str, BELIEFS), costs, strict=True)
                )
                print(f"{capacity:>8}" + "".join(f"{cost:>10,.0f}" for cost in costs))
    if chosen.picture:
        draw(chosen.picture, found)
    if chosen.json:
        files.write_json(chosen.json, kept)


if __name__ == "__main__":
    main()
