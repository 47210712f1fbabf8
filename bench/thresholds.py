"""What a way to choose the threshold costs on other days: `python -m bench.thresholds`.

The card-fraud model and some made worse (bench/metric_vs_cost.py) score 16 weeks that they have not seen.
Each span of 7 and of 21 days chooses a threshold, all other days judge it: what it costs beside the
cheapest threshold of those days, which nobody could know. Needs metrics/card_fraud/tune.json (`dvc repro`, or
`dvc checkout`); the weeks are simulated anew. `--json FILE` writes the means.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from bench import extended_window, metric_vs_cost
from plumbline import config
from plumbline.config import UseCaseParams
from plumbline.core import documents, files, tables, usecase_loader
from plumbline.core.declarations import Array, Columns
from plumbline.core.usecase import UseCase
from plumbline.metrics import cost_matrix
from plumbline.metrics.cost import Money, cost
from plumbline.model import threshold
from plumbline.model.tune_result import TuneResult
from plumbline.runtime import runner
from plumbline.studies.backtest import refit

NAME = "card_fraud"
DAYS = 84
"""More than the test window has."""
SPANS = (7, 21)
"""Days that choose."""
WAYS: Mapping[str, Callable[[Array, Array, Money], threshold.Threshold]] = {
    "cheapest": threshold.cheapest,
    "steady": threshold.steady,
}
MODELS = metric_vs_cost.DEGRADED[::2]


def excess(
    usecase: UseCase, params: UseCaseParams, columns: Columns, score: Array, span: int
) -> dict[str, Array]:
    """By way, what each span's threshold costs on all other days beside their cheapest, less 1, (spans,)."""
    assert params.train.costs is not None
    date = columns[str(usecase.time)].astype("datetime64[D]")
    day, label = (date - date.min()).astype(int), columns[usecase.label]
    excesses: dict[str, list[float]] = {way: [] for way in WAYS}
    for first in range(0, int(day.max()) + 2 - span, span):
        inside = (day >= first) & (day < first + span)
        parts = ({n: v[rows] for n, v in columns.items()} for rows in (inside, ~inside))
        own_costs, others = (cost_matrix.money(params.train.costs, part) for part in parts)
        known, judged = (label[inside], score[inside]), (label[~inside], score[~inside])
        least = threshold.cheapest(*judged, others).objective
        for way, choose in WAYS.items():
            alarm = judged[1] >= choose(*known, own_costs).value
            excesses[way].append(float(np.mean(cost(judged[0], alarm, others))) / least - 1)
    return {way: np.array(values) for way, values in excesses.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE")
    chosen = parser.parse_args()
    runner.prepare()
    usecase, params = usecase_loader.load(NAME), config.load(NAME)
    full = refit.settings(
        usecase, params, documents.read(TuneResult, Path("metrics", NAME, "tune.json"))
    )
    with extended_window.tables(NAME, DAYS) as folder:
        train, valid, test = (
            tables.read(folder / f"{t}.parquet") for t in ("train", "valid", "test")
        )
    best = metric_vs_cost.best(refit.fit(usecase, params, full, train, valid))
    print(f"{'':34}" + "".join(f"{f'{way}, {span} days':>20}" for span in SPANS for way in WAYS))
    means = []
    for how in MODELS:
        model = metric_vs_cost.fitted(usecase, params, full, train, valid, how, best)
        score = model.predict(test)
        excesses = [excess(usecase, params, test, score, span) for span in SPANS]
        means.append([float(np.mean(one[way])) for one in excesses for way in WAYS])
        print(f"{how.text:34}" + "".join(f"{mean:20.1%}" for mean in means[-1]), flush=True)
    over = np.mean(means, axis=0)
    print(f"{f'mean of {len(MODELS)} models':34}" + "".join(f"{mean:20.1%}" for mean in over))
    if chosen.json:
        names = [f"{way} of {span} days" for span in SPANS for way in WAYS]
        files.write_json(chosen.json, dict(zip(names, over.tolist(), strict=True)))


if __name__ == "__main__":
    main()
