"""One setting at a time around the best, on the validation window. An edge: reads tables and trials."""

from __future__ import annotations

import csv
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plumbline import config as params_file
from plumbline.config import UseCaseParams
from plumbline.core import files, tables, usecase_loader
from plumbline.core.declarations import Array
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import UseCase
from plumbline.evaluate import evidence
from plumbline.evaluate.evidence import Window
from plumbline.metrics import metrics
from plumbline.model import boosting, matrices
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.review import paired
from plumbline.studies.sensitivity import points
from plumbline.tune import space

SEEDS = 4
"""Retrains of the best settings under other seeds: what a difference has to exceed."""

Answer = Callable[[Mapping[str, Any], int], Array]
"""Settings and a seed in, the answers to the validation window out, float64 (n,)."""

log = logging.getLogger("plumbline")


@dataclass(frozen=True)
class Judge:
    """Compares answers to the validation window with the best settings' answers, draw by draw."""

    window: Window
    best: Array
    luck: paired.Luck

    def __call__(self, answer: Array) -> dict[str, Any]:
        sample, asked = self.window.sample(), self.window
        old, new = (
            metrics.primary(asked.problem, asked.label, score, sample)
            for score in (self.best, answer)
        )
        found = paired.difference(asked, asked.primary, old, new, sample, self.luck)
        told = found["difference"]
        return {"metric": found["head"], **{k: told[k] for k in ("value", "low", "high", "word")}}


def study(root: Path, usecase: str, count: int) -> dict[str, Any]:
    """The record: per setting the values tried with their differences, how flat it is, the trials."""
    case, params = usecase_loader.load(usecase), params_file.load(usecase, root / "params.yaml")
    found = files.read_json(artifacts.metrics_path(usecase, "tune", root))
    best = found["params"]
    dimensions = [d for d in space.parse(params.tune.space) if d.name in best]
    if not dimensions:
        raise PlumblineError(
            f"{usecase}: tune found no settings of params.yaml, {usecase}.tune.space; expected "
            "max_evals above 0 and a space, then `dvc repro`"
        )
    answer, window = _fitting(case, params, artifacts.path(usecase, Role.TRAIN_TABLE, root).parent)
    centre = answer(best, params.seed)
    judge = Judge(window, centre, paired.Luck(params.gate.margin, np.zeros(0)))
    seeds = [judge(answer(best, params.seed + n)) for n in range(1, SEEDS + 1)]
    tried = _tried(points.plan(dimensions, best, count), best, answer, judge, params.seed)
    report = artifacts.path(usecase, Role.TUNE_REPORT, root)
    trials = _trials(report / "trials.csv", found["metric_name"])
    return {
        "usecase": usecase,
        "title": case.title,
        "metric_name": window.primary,
        "best": {"params": best, "metric": judge(centre)["metric"], "recorded": found["metric"]},
        "seeds": seeds,
        "settings": {
            d.name: {
                "scale": d.kind,
                "best": best[d.name],
                "tried": tried[d.name],
                "flat": points.flat(tried[d.name], best[d.name]),
                "trials": _of(trials, d.name),
            }
            for d in dimensions
        },
    }


def _fitting(case: UseCase, params: UseCaseParams, folder: Path) -> tuple[Answer, Window]:
    """How a trial of tune answers, on matrices that are made once, and the window that judges it."""
    tune, pair = params.tune, (folder / "train.parquet", folder / "valid.parquet")
    fixed = boosting.settings(case.problem, tune.params, seed=params.seed, threads=tune.threads)
    learn, watch = matrices.binned(case, fixed, *pair)

    def answer(tried: Mapping[str, Any], seed: int) -> Array:
        full = {**fixed, **tried, "seed": seed % 2**31}
        boosted = boosting.boost(
            full, learn, watch, rounds=tune.rounds, early_stopping=tune.early_stopping
        )
        return np.asarray(boosted.booster.predict(watch), np.float64)

    columns = tables.read(pair[1], [case.label, *([case.time] if case.time else [])])
    day = columns[case.time].astype("datetime64[D]") if case.time else None
    ask = params.evaluate
    label = columns[case.label].astype(np.float64)
    return answer, Window(case.problem, label, day, ask.bootstrap, ask.level, params.seed)


def _tried(
    plan: Sequence[tuple[str, Any]],
    best: Mapping[str, Any],
    answer: Answer,
    judge: Judge,
    seed: int,
) -> dict[str, list[dict[str, Any]]]:
    out: dict[str, list[dict[str, Any]]] = {}
    for number, (name, value) in enumerate(plan, 1):
        told = judge(answer({**best, name: value}, seed))
        out.setdefault(name, []).append({"setting": value, **told})
        log.info("sensitivity: %d of %d, %s %s: %s", number, len(plan), name, value, told["word"])
    return out


def _trials(path: Path, metric: str) -> list[dict[str, str]]:
    """The search's trials that came off, as tune wrote them; none where there is no file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [{**row, "metric": row[metric]} for row in rows if row.get(metric)]


def _of(trials: Sequence[Mapping[str, str]], name: str) -> dict[str, Any]:
    """A setting's values and metrics over the trials, and their rank correlation."""
    mine = [row for row in trials if row.get(name)]
    values = [_number(row[name]) for row in mine]
    found = [evidence.rounded(float(row["metric"])) for row in mine]
    words = any(isinstance(v, str) for v in values)
    return {
        "values": values,
        "metrics": found,
        "rank_correlation": None if words else points.rank_correlation(values, found),  # type: ignore[arg-type]
    }


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
