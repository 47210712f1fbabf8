"""Do the explanations hold when only the seed differs? Retrains, each explained on the same rows.

`python -m bench.explanations [USECASE]` needs the tables and metrics/<usecase>/tune.json (`dvc repro`,
or `dvc checkout`). For each pair of seed replicates it takes the rank correlation of the features' mean
absolute contribution, and per row how many of the three strongest features are the same.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from plumbline import config as params_file
from plumbline.config import UseCaseParams
from plumbline.core import documents, files, tables, usecase_loader
from plumbline.core.declarations import Array, Columns
from plumbline.core.usecase import UseCase
from plumbline.evaluate import baselines
from plumbline.evaluate.evaluation_plots import canvas
from plumbline.evaluate.plot_panels import COLOURS, INK
from plumbline.model import contributions
from plumbline.model.tune_result import TuneResult
from plumbline.runtime import runner
from plumbline.studies.backtest import refit
from plumbline.studies.sensitivity.points import rank_correlation

FIRST = 1_000
"""The seed of the first replicate."""
TOP = 3
HIGHEST = 200
"""Rows with the highest scores, which are explained most often."""


def study(
    usecase: UseCase,
    params: UseCaseParams,
    full: Mapping[str, Any],
    train: Columns,
    valid: Columns,
    rows: Columns,
    seeds: Sequence[int],
) -> dict[str, Any]:
    """The mean absolute contribution by seed and feature, and how far pairs of seeds agree."""
    models = [refit.fit(usecase, params, {**full, "seed": s}, train, valid) for s in seeds]
    each = [
        contributions.of(m.booster, usecase.features, usecase.offset, rows).each for m in models
    ]
    score = np.mean([m.predict(rows) for m in models], axis=0)
    high = np.argsort(-score, kind="stable")[:HIGHEST]
    sizes = [np.mean(np.abs(e), axis=0) for e in each]
    pairs = list(combinations(range(len(seeds)), 2))
    return {
        "seeds": list(seeds),
        "rows": len(score),
        "features": list(usecase.features),
        "size": [s.tolist() for s in sizes],
        "rank_correlation": _range(
            [rank_correlation(sizes[a].tolist(), sizes[b].tolist()) for a, b in pairs]
        ),
        "top_overlap": _range([overlap(each[a], each[b]) for a, b in pairs]),
        "top_overlap_highest": _range([overlap(each[a][high], each[b][high]) for a, b in pairs]),
    }


def overlap(one: Array, other: Array, top: int = TOP) -> float:
    """The mean share of each row's `top` strongest features that both explanations name, (n, k)."""
    strongest = [np.argsort(-np.abs(e), axis=1, kind="stable")[:, :top] for e in (one, other)]
    same = strongest[0][:, :, None] == strongest[1][:, None, :]
    return float(np.mean(same.any(axis=2)))


def draw(path: Path, title: str, results: Mapping[str, Any], most: int = 15) -> None:
    """A line per feature: its mean absolute contribution under each seed."""
    size = np.array(results["size"])
    order = np.argsort(-size.mean(axis=0), kind="stable")[:most]
    with canvas(path, title, 8, 1.4 + 0.3 * len(order)) as (axes,):
        for line, feature in enumerate(order):
            axes.plot(
                [size[:, feature].min(), size[:, feature].max()],
                [line, line],
                color=INK,
                linewidth=1,
            )
            axes.plot(
                size[:, feature],
                [line] * len(size),
                "o",
                color=COLOURS["model"],
                markersize=5,
                alpha=0.7,
            )
        axes.set_yticks(range(len(order)), [results["features"][p] for p in order])
        axes.set(ylim=(len(order) - 0.4, -0.6), xlabel="mean absolute contribution to the answer")
        rank, top = results["rank_correlation"], results["top_overlap"]
        axes.set_title(
            f"{len(size)} seeds: rank correlation {rank['mean']:.3f}, top {TOP} shared {top['mean']:.0%}"
        )
        axes.grid(visible=False, axis="y")


def _range(values: Sequence[float | None]) -> dict[str, float]:
    results = np.array(values, float)
    return {"mean": float(results.mean()), "least": float(results.min())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("usecase", nargs="?", default="card_fraud")
    parser.add_argument("--seeds", type=int, default=5, help="seed replicates")
    parser.add_argument("--rows", type=int, default=2_000, help="of test, explained")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--plot", type=Path, metavar="FILE")
    chosen = parser.parse_args()
    runner.prepare()
    name = chosen.usecase
    usecase, params = usecase_loader.load(name), params_file.load(name)
    full = refit.settings(
        usecase, params, documents.read(TuneResult, Path("metrics", name, "tune.json"))
    )
    folder = Path("data", name, "tables")
    train, valid, test = (tables.read(folder / f"{t}.parquet") for t in ("train", "valid", "test"))
    chosen_rows = baselines.evenly(len(test[usecase.key]), chosen.rows)
    rows = {n: v[chosen_rows] for n, v in test.items()}
    seeds = range(FIRST, FIRST + chosen.seeds)
    results = study(usecase, params, full, train, valid, rows, list(seeds))
    for what, text in (
        ("rank_correlation", "rank correlation of the features' mean absolute contribution"),
        ("top_overlap", f"of a row's {TOP} strongest features the same, {results['rows']} rows"),
        ("top_overlap_highest", f"the same, of the {HIGHEST} highest scores"),
    ):
        print(
            f"{text}: mean {results[what]['mean']:.3f}, least of all pairs {results[what]['least']:.3f}"
        )
    if chosen.json:
        files.write_json(chosen.json, results)
    if chosen.plot:
        draw(chosen.plot, f"Contributions by seed: {usecase.title}", results)


if __name__ == "__main__":
    main()
