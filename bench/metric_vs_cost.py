"""Does the offline metric track what the business pays? Models made worse on purpose, step by step.

`python -m bench.metric_vs_cost [USECASE]` needs the tables and metrics/<usecase>/tune.json (`dvc repro`,
or `dvc checkout`). Each model gets its own early stopping, calibration and threshold, as a real one
would. It prints average precision and cost saved on the test window, and their rank correlation with an
interval by days. `--quick` learns from a quarter of the rows. `--more-days N` judges by a test window
that is N days longer, where the use case is simulated: a month's few large sums decide less.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench import extended_window
from plumbline import config as params_file
from plumbline.config import UseCaseParams
from plumbline.core import documents, files, tables, usecase_loader
from plumbline.core.declarations import Array, Columns
from plumbline.core.usecase import UseCase
from plumbline.evaluate import assessment, evidence
from plumbline.evaluate.evaluation_plots import canvas
from plumbline.metrics import bootstrap, cost_matrix
from plumbline.metrics.interval import Interval
from plumbline.model import threshold
from plumbline.model.tune_result import TuneResult
from plumbline.runtime import runner
from plumbline.studies.backtest import refit
from plumbline.studies.sensitivity.points import rank_correlation
from plumbline.train.fitting import FittedModel

ENOUGH = 0.9
FEWEST = 3
"""Cases to learn from below which a degradation is left out."""
MARKS = {
    "none": ("*", "#222222"),
    "rounds": ("o", "#0072B2"),
    "dropped": ("s", "#D55E00"),
    "noise": ("^", "#009E73"),
    "shuffled": ("D", "#AA4499"),
    "rows": ("v", "#7F7F7F"),
}


@dataclass(frozen=True)
class Degraded:
    """One way to make a model worse. `kind`: rounds, dropped, noise, shuffled, rows; `by`: how much."""

    kind: str
    by: float
    text: str


DEGRADED = (
    Degraded("none", 0, "as it is"),
    *(Degraded("rounds", n, f"{n} rounds") for n in (30, 12, 5, 2, 1)),
    *(Degraded("dropped", n, f"the {n} best features dropped") for n in (1, 3, 6, 9, 12, 15, 18)),
    *(
        Degraded("noise", s, f"{s:.0%} of the cases' labels swapped")
        for s in (0.2, 0.5, 0.8, 0.9, 0.95)
    ),
    *(Degraded("shuffled", n, f"the {n} best columns shuffled") for n in (1, 4, 7, 10, 14, 18)),
    *(Degraded("rows", n, f"one row in {n}") for n in (4, 16, 64, 200, 600)),
)


def fitted(
    usecase: UseCase,
    params: UseCaseParams,
    full: Mapping[str, Any],
    train: Columns,
    valid: Columns,
    how: Degraded,
    best: Sequence[str],
) -> FittedModel:
    """The model that a degradation leaves; `best`: features, the most gainful first."""
    random, by = np.random.default_rng(params.seed), int(how.by)
    columns = dict(train)
    if how.kind == "rounds":
        shorter = params.train.model_copy(update={"rounds": by})
        params = params.model_copy(update={"train": shorter})
    elif how.kind == "dropped":
        kept = tuple(f for f in usecase.features if f not in best[: min(by, len(best) - 1)])
        usecase = dataclasses.replace(usecase, features=kept)
    elif how.kind == "noise":
        columns[usecase.label] = swapped(train[usecase.label], how.by, random)
    elif how.kind == "shuffled":
        columns |= {name: random.permutation(train[name]) for name in best[:by]}
    elif how.kind == "rows":
        columns = {name: values[::by] for name, values in train.items()}
    return refit.fit(usecase, params, full, columns, valid)


def best(model: FittedModel) -> list[str]:
    """The features that the model uses, the most gainful first."""
    gains = model.booster.get_score(importance_type="total_gain")
    return sorted(gains, key=lambda name: (-gains[name], name))


def swapped(label: Array, share: float, random: np.random.Generator) -> Array:
    """A share of the cases called none, and as many others called cases; the rate stays."""
    out = np.array(label)
    cases, others = np.flatnonzero(label == 1), np.flatnonzero(label == 0)
    count = round(share * len(cases))
    out[random.choice(cases, count, replace=False)] = 0
    out[random.choice(others, count, replace=False)] = 1
    return out


def study(
    usecase: UseCase,
    params: UseCaseParams,
    full: Mapping[str, Any],
    train: Columns,
    valid: Columns,
    test: Columns,
    degraded: Sequence[Degraded] = DEGRADED,
) -> dict[str, Any]:
    """A line per model, and the rank correlation of average precision with cost saved.

    A degradation that leaves fewer than FEWEST cases to learn from makes no model, and is left out.
    """
    full_model = refit.fit(usecase, params, full, train, valid)
    ranked = best(full_model)
    rows, metric, money = [], [], []
    for how in degraded:
        if how.kind == "rows" and np.sum(train[usecase.label][:: int(how.by)]) < FEWEST:
            continue
        model = fitted(usecase, params, full, train, valid, how, ranked)
        window = assessment.window(usecase, params.evaluation, test, model.threshold)
        sample = window.sample()
        results = evidence.figures(window, model.predict(test), sample, "model")
        metric.append(results[window.primary])
        money.append(results["cost_saved"])
        least = cheapest(usecase, params, test, model.predict(test))
        before = cheapest(usecase, params, valid, model.predict(valid)).value
        plain = assessment.window(usecase, params.evaluation, test, before)
        other = evidence.figures(plain, model.predict(test), sample, "model")
        rows.append(
            {
                **dataclasses.asdict(how),
                "metric": float(metric[-1][0]),
                "saved": float(money[-1][0]),
                "of": float(results["cost_of_nothing"][0]),
                "cost": float(results["cost"][0]),
                "cost_at_cheapest_of_valid": float(other["cost"][0]),
                "least_cost": least.objective * len(test[usecase.key]),
            }
        )
        print(f"  {rows[-1]['metric']:.4f}  {rows[-1]['saved']:12,.0f}  {how.text}", flush=True)
    pairs = zip(np.array(metric).T, np.array(money).T, strict=True)
    replicates = np.array([rank_correlation(a.tolist(), b.tolist()) for a, b in pairs], float)
    correlation = bootstrap.estimate(replicates, sample, params.evaluate.level)
    unit = params.train.costs.unit if params.train.costs else ""
    ends = Interval.from_estimate(correlation).plain()
    return {"unit": unit, "models": rows, "rank_correlation": ends}


def cheapest(
    usecase: UseCase, params: UseCaseParams, columns: Columns, score: Array
) -> threshold.Threshold:
    """The threshold that is cheapest on these very rows."""
    assert params.train.costs is not None
    return threshold.cheapest(
        columns[usecase.label], score, cost_matrix.money(params.train.costs, columns)
    )


def excesses(results: Mapping[str, Any]) -> Iterator[str]:
    """What thresholds cost beside each model's cheapest on test, which nobody can know."""
    models = results["models"]
    least = [m["least_cost"] for m in models]
    for name, what in (
        ("cost", "as chosen"),
        ("cost_at_cheapest_of_valid", "the cheapest of the validation window"),
        ("least_cost", "the cheapest of test"),
    ):
        costs = [m[name] for m in models]
        excess = np.mean(np.array(costs) / least) - 1
        tracked = rank_correlation([m["metric"] for m in models], [-cost for cost in costs])
        yield f"{what}: costs {excess:.1%} more than the cheapest of test, rank correlation {tracked:.3f}"


def draw(path: Path, title: str, results: Mapping[str, Any]) -> None:
    """Average precision across, the share of the losses that is saved up: a mark per model."""
    with canvas(path, title, 8, 5) as (axes,):
        for kind, (mark, colour) in MARKS.items():
            costs = [m for m in results["models"] if m["kind"] == kind]
            label = costs[0]["text"] if kind == "none" else f"{kind}: {len(costs)} degrees"
            axes.plot(
                [m["metric"] for m in costs],
                [m["saved"] / m["of"] for m in costs],
                mark, color=colour, markersize=12 if kind == "none" else 7, label=label,
            )  # fmt: skip
        correlation = results["rank_correlation"]
        axes.set_title(
            f"Rank correlation {correlation['value']:.3f} ({correlation['low']:.3f} to {correlation['high']:.3f})"
        )
        axes.set(
            xlabel="average precision on test", ylabel="cost saved, share of the cost of nothing"
        )
        axes.yaxis.set_major_formatter(lambda v, _: f"{v:.0%}")
        axes.legend(loc="lower right")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("usecase", nargs="?", default="card_fraud")
    parser.add_argument("--quick", action="store_true", help="a quarter of the rows to learn from")
    parser.add_argument("--more-days", type=int, default=0, metavar="N", help="of a longer test")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--plot", type=Path, metavar="FILE")
    chosen = parser.parse_args()
    runner.prepare()
    name = chosen.usecase
    usecase, params = usecase_loader.load(name), params_file.load(name)
    if usecase.problem != "classification" or params.train.costs is None:
        parser.error(f"{name}: nothing to save; expected a classification with train.costs")
    full = refit.settings(
        usecase, params, documents.read(TuneResult, Path("metrics", name, "tune.json"))
    )
    kept = contextlib.nullcontext(Path("data", name, "tables"))
    with extended_window.tables(name, chosen.more_days) if chosen.more_days else kept as folder:
        train, valid, test = (
            tables.read(folder / f"{t}.parquet") for t in ("train", "valid", "test")
        )
    if chosen.quick:
        train = {n: v[::4] for n, v in train.items()}
    results = study(usecase, params, full, train, valid, test)
    correlation = results["rank_correlation"]
    print(
        f"{len(results['models'])} models: rank correlation of average precision and cost saved "
        f"{correlation['value']:.3f} ({correlation['low']:.3f} to {correlation['high']:.3f}); expected at least {ENOUGH}"
    )
    print("\n".join(excesses(results)))
    if chosen.json:
        files.write_json(chosen.json, results)
    if chosen.plot:
        draw(chosen.plot, f"Metric and money: {usecase.title}", results)


if __name__ == "__main__":
    main()
