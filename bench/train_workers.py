"""What `train.workers` changes: whether as many workers give the same bytes twice, and what a model is worth.

`python -m bench.train_workers --tables data/card_fraud/tables` fits the model of params.yaml with some seeds by one
worker and by several, prints the md5 of the trees of two runs each, and the primary metric on the test window: the
difference to one worker, paired by seed, with its interval of 95 % (Student's t), beside the spread between seeds.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
from scipy import stats

from plumbline import config
from plumbline.core import documents, tables, usecase_loader
from plumbline.core.declarations import Array
from plumbline.core.usecase import FeatureSet
from plumbline.metrics import metrics
from plumbline.model.tune_result import TuneResult
from plumbline.runtime import runner
from plumbline.train import fitting, training
from plumbline.train.params import Train


def main() -> None:
    runner.prepare()  # threads that wait sleep, as in a stage
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--usecase", default="card_fraud")
    parser.add_argument("--tables", type=Path, default=Path("data/card_fraud/tables"))
    parser.add_argument("--tuned", type=Path, default=Path("metrics/card_fraud/tune.json"))
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 3, 4])
    parser.add_argument("--seeds", type=int, default=8)
    chosen = parser.parse_args()
    usecase = documents.read(TuneResult, chosen.tuned).selected(
        usecase_loader.load_features(chosen.usecase)
    )
    alone = figures(usecase, 1, chosen)
    name = metrics.PRIMARY[usecase.problem]
    print(
        f"1 worker: {name} {alone.mean():.4f}, standard deviation between seeds {alone.std(ddof=1):.4f}"
    )
    for workers in chosen.workers:
        difference = figures(usecase, workers, chosen) - alone
        half = stats.t.ppf(0.975, len(difference) - 1) * stats.sem(difference)
        print(
            f"{workers} workers: {difference.mean():+.4f} ({difference.mean() - half:+.4f} to "
            f"{difference.mean() + half:+.4f})",
            flush=True,
        )


def figures(usecase: FeatureSet, workers: int, chosen: argparse.Namespace) -> Array:
    """The primary metric by seed, (seeds,); prints whether the first seed gives the same bytes twice."""
    found = []
    for seed in range(chosen.seeds):
        figure, trees = fit(usecase, workers, seed, chosen)
        found.append(figure)
        if not seed:
            same = "the same" if trees == fit(usecase, workers, seed, chosen)[1] else "OTHERS"
            print(f"{workers} workers: {hashlib.md5(trees).hexdigest()}, again: {same}", flush=True)
    return np.array(found)


def fit(
    usecase: FeatureSet, workers: int, seed: int, chosen: argparse.Namespace
) -> tuple[float, bytes]:
    """The primary metric on the test window, and the trees."""
    train: Train = config.load(chosen.usecase).train.model_copy(update={"workers": workers})
    settings = fitting.booster_settings(
        usecase, train, documents.read(TuneResult, chosen.tuned), seed
    )
    paths = chosen.tables / "train.parquet", chosen.tables / "valid.parquet"
    names = fitting.needed_columns(usecase, train.costs, train.decisions)
    model = training.fitted(usecase, train, settings, paths, tables.read(paths[1], names))
    test = tables.read(chosen.tables / "test.parquet")
    label = test[usecase.label].astype(float)
    figure = metrics.primary_figure(usecase.problem, label, model.predict(test))
    return figure, bytes(model.booster.save_raw("ubj"))


if __name__ == "__main__":
    main()
