"""Reads the bundle, train and test; measures the model with intervals, beside baselines, by slice and
month, passes or fails it with reasons; writes the figures, a report (card, pictures, predictions) and
the curves as tables. A model that passes becomes MLflow's challenger.
"""

from __future__ import annotations

import logging
from pathlib import Path

from plumbline import files, runner
from plumbline import params as params_file
from plumbline import usecase as usecases
from plumbline.evaluation import assessment as evaluation
from plumbline.evaluation import (
    baselines,
    behaviour,
    curves,
    explained,
    modelcard,
    pictures,
    reporting,
)
from plumbline.evaluation.assessment import Assessment
from plumbline.evaluation.baselines import Linear
from plumbline.features import tables
from plumbline.model import bundle
from plumbline.tracking import projection as tracking
from plumbline.usecase import Array, Columns, UseCase

CARD = "model_card.md"

log = logging.getLogger("plumbline")


def main(
    usecase: str, model: Path, train: Path, test: Path, metrics: Path, report: Path, plots: Path
) -> None:
    """Assess the bundle in `model` on the table `test`; `train` fits the baselines."""
    case, params = usecases.load(usecase), params_file.load(usecase)
    tracking.warm()
    scorer, columns = bundle.load(model, usecase), tables.read(test)
    window = evaluation.window(case, params, columns, scorer.threshold)
    score = scorer.predict(columns)
    found = evaluation.assess(
        case,
        params,
        window,
        columns,
        score,
        others=evaluation.answers(case, columns, *_fitted(case, params.evaluate, train)),
        outcomes=_behaviours(case, params.evaluate, scorer, columns),
    )
    predicted = evaluation.predictions(case, columns, score)
    shown = explained.explain(case, scorer, columns, params.evaluate.explained)
    write(case, params.evaluate, scorer, found, predicted, shown, report, plots)
    files.write_json(metrics, found.figures)
    gate = found.figures["gate"]
    log.info("evaluate: %d rows; %s: %s", len(score), gate["verdict"], "; ".join(gate["reasons"]))
    track(usecase, params.evaluate, model, found, report)


def write(
    case: UseCase,
    asked: params_file.Evaluate,
    scorer: bundle.Bundle,
    found: Assessment,
    predicted: Columns,
    shown: explained.Explained,
    report: Path,
    plots: Path,
) -> None:
    """Write the report (card, pictures, predictions) and the curves as tables."""
    importance = curves.importance(scorer.booster.get_score(importance_type="total_gain"))
    with files.replacing_folder(plots) as tables_folder, files.replacing_folder(report) as folder:
        lines = {**found.tables, "importance": importance, "contributions": shown.table}
        reporting.write_curves(tables_folder, lines)
        reporting.write_predictions(folder / "predictions.parquet", predicted)
        pictures.draw(folder, case.title, found.figures, found.lines, importance)
        pictures.explain(folder, case.title, shown)
        made = {**scorer.provenance, "rounds": scorer.manifest.rounds, **scorer.manifest.params}
        features = importance["series"].tolist()
        card = modelcard.render(case, found.figures, asked.model_dump(), made, features)
        (folder / CARD).write_text(card, encoding="utf-8")


def track(
    usecase: str, asked: params_file.Evaluate, model: Path, found: Assessment, report: Path
) -> None:
    """Record the run; register a model that passed as challenger."""
    card = (report / CARD,)
    run = tracking.record(
        usecase, "evaluate", params=asked.model_dump(), metrics=found.flat, files=card
    )
    if found.passed:
        tracking.register(usecase, model, run, "challenger", {"verdict": "pass"})


def _fitted(case: UseCase, asked: params_file.Evaluate, train: Path) -> tuple[Array, Linear]:
    """The label of all of train, and the linear model fitted on a sample of it."""
    label = tables.read(train, [case.label])[case.label].astype(float)
    names = list(dict.fromkeys([*case.features, case.label]))
    sample = reporting.sample(train, names, asked.linear_rows)
    known = sample[case.label].astype(float)
    evaluation.check(case, known, "train", "raise evaluate.linear_rows, or widen the train window")
    return label, baselines.fit(case, case.features, sample, known)


def _behaviours(
    case: UseCase, asked: params_file.Evaluate, scorer: bundle.Bundle, columns: Columns
) -> list[behaviour.Outcome]:
    pairs = baselines.evenly(len(columns[case.key]), asked.pairs)
    raw = evaluation.raw(case, columns)
    events = {name: raw[name][pairs] for name in behaviour.inputs(case)}
    return behaviour.check(case, lambda event: scorer.score(case, event), events)


if __name__ == "__main__":
    runner.run(main)
