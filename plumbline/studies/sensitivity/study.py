"""One setting at a time around the best, on the validation window. An edge: reads tables and trials."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plumbline import config as params_file
from plumbline.config import UseCaseParams
from plumbline.core import documents, tables, usecase_loader
from plumbline.core.declarations import Array
from plumbline.core.documents import rounded
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import UseCase
from plumbline.evaluate.evidence import LabelledWindow
from plumbline.metrics import metrics
from plumbline.model import boosting, matrices, scale, softmax
from plumbline.model.tune_result import SettingValue, TuneResult
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.review import paired
from plumbline.studies import trial_table
from plumbline.studies.sensitivity import points
from plumbline.studies.sensitivity.sensitivity_record import (
    BestSettings,
    JudgedFigure,
    SearchTrials,
    SensitivityRecord,
    SettingRecord,
    TriedValue,
)
from plumbline.tune import space
from plumbline.tune.space import Dimension

SEEDS = 4
"""Retrains of the best settings under other seeds: what a difference has to exceed."""

Answer = Callable[[Mapping[str, Any], int], Array]
"""Settings and a seed in, the answers to the validation window out, float64 (n,)."""

log = logging.getLogger("plumbline")


@dataclass(frozen=True)
class AnswerJudge:
    """Compares answers to the validation window with the best settings' answers, draw by draw."""

    window: LabelledWindow
    best: Array
    noise: paired.MetricNoise

    def __call__(self, answer: Array) -> JudgedFigure:
        window, sample = self.window, self.window.sample()
        old, new = (
            metrics.primary(window.problem, window.label, score, sample)
            for score in (self.best, answer)
        )
        compared = paired.difference(window, window.primary, old, new, sample, self.noise)
        difference = compared.difference
        return JudgedFigure(
            metric=rounded(float(new[0])),
            value=difference.value,
            low=difference.low,
            high=difference.high,
            word=difference.word,
        )


def study(root: Path, name: str, count: int) -> SensitivityRecord:
    """The record: per setting the values tried with their differences, how flat it is, the trials."""
    usecase, params = usecase_loader.load(name), params_file.load(name, root / "params.yaml")
    tuned = documents.read(TuneResult, artifacts.metrics_path(name, "tune", root))
    best = tuned.params
    dimensions = [d for d in space.parse(params.tune.space) if d.name in best]
    if not dimensions:
        raise PlumblineError(
            f"{name}: tune found no settings of params.yaml, {name}.tune.space; expected "
            "max_evals above 0 and a space, then `dvc repro`"
        )
    answer, window = _answers(usecase, params, artifacts.path(name, Role.TRAIN_TABLE, root).parent)
    centre = answer(best, params.seed)
    judge = AnswerJudge(window, centre, paired.MetricNoise(params.gate.margin, np.zeros(0)))
    seeds = [judge(answer(best, params.seed + n)) for n in range(1, SEEDS + 1)]
    tried = _tried(points.plan(dimensions, best, count), best, answer, judge, params.seed)
    report = artifacts.path(name, Role.TUNE_REPORT, root)
    trials = trial_table.read(report, tuned.metric_name)
    return SensitivityRecord(
        usecase=name,
        title=usecase.title,
        metric_name=window.primary,
        best=BestSettings(params=best, metric=judge(centre).metric, recorded=tuned.metric),
        seeds=seeds,
        settings={d.name: _setting(d, best[d.name], tried[d.name], trials) for d in dimensions},
    )


def _setting(
    dimension: Dimension,
    best: SettingValue,
    tried: list[TriedValue],
    trials: Sequence[Mapping[str, str]],
) -> SettingRecord:
    return SettingRecord(
        scale=dimension.kind,
        best=best,
        tried=tried,
        flat=points.flat([(one.setting, one.word) for one in tried], best),
        trials=_of(trials, dimension.name),
    )


def _answers(
    usecase: UseCase, params: UseCaseParams, folder: Path
) -> tuple[Answer, LabelledWindow]:
    """How a trial of tune answers, on matrices that are made once, and the window that judges it."""
    tune, pair = params.tune, (folder / "train.parquet", folder / "valid.parquet")
    fixed = boosting.settings(
        usecase.problem,
        tune.params,
        seed=params.seed,
        threads=tune.threads,
        scale=usecase.scale,
        classes=len(usecase.classes),
    )
    learn, watch = matrices.binned(usecase, fixed, *pair)

    def answer(tried: Mapping[str, Any], seed: int) -> Array:
        full = {**fixed, **tried, "seed": seed % 2**31}
        boosted = boosting.boost(
            full, learn, watch, rounds=tune.rounds, early_stopping=tune.early_stopping
        )
        if usecase.classes:
            return softmax.of(boosted.booster.predict(watch, output_margin=True))
        margin = scale.margins(usecase.scale, boosted.booster, watch)
        return scale.answer(usecase.scale, usecase.offset, columns, margin)

    names = [usecase.label, usecase.time, usecase.offset]
    columns = tables.read(pair[1], list(dict.fromkeys(n for n in names if n is not None)))
    day = columns[usecase.time].astype("datetime64[D]") if usecase.time else None
    settings = params.evaluate
    label = columns[usecase.label].astype(np.float64)
    return answer, LabelledWindow(
        usecase.problem, label, day, settings.bootstrap, settings.level, params.seed
    )


def _tried(
    plan: Sequence[tuple[str, Any]],
    best: Mapping[str, Any],
    answer: Answer,
    judge: AnswerJudge,
    seed: int,
) -> dict[str, list[TriedValue]]:
    out: dict[str, list[TriedValue]] = {}
    for number, (name, value) in enumerate(plan, 1):
        result = judge(answer({**best, name: value}, seed))
        out.setdefault(name, []).append(TriedValue(setting=value, **vars(result)))
        log.info("sensitivity: %d of %d, %s %s: %s", number, len(plan), name, value, result.word)
    return out


def _of(trials: Sequence[Mapping[str, str]], name: str) -> SearchTrials:
    """A setting's values and metrics over the trials, and their rank correlation."""
    rows = [row for row in trials if row.get(name)]
    values = [_number(row[name]) for row in rows]
    figures = [rounded(float(row["metric"])) for row in rows]
    numbers = [v for v in values if isinstance(v, float)]
    whole = len(numbers) == len(values)
    rank = points.rank_correlation(numbers, figures) if whole else None
    return SearchTrials(values=values, metrics=figures, rank_correlation=rank)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
