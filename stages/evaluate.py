"""Reads the bundle, three tables and what earlier stages measured; measures the model with intervals,
beside baselines and policies, by slice, group and month, passes or fails it with reasons; writes the
figures, a report and the curves as tables. A model that passes becomes MLflow's challenger.
"""

from __future__ import annotations

import logging
from pathlib import Path

from plumbline import config as params_file
from plumbline.core import dvc_hash, files, tables, usecase_loader
from plumbline.core.declarations import Columns
from plumbline.core.usecase import UseCase
from plumbline.evaluate import assessment as evaluation
from plumbline.evaluate import contributions_sample, curves, model_card, reporting, sections
from plumbline.evaluate import plots as pictures
from plumbline.evaluate.assessment import Assessment
from plumbline.evaluate.params import Evaluate
from plumbline.metrics import cost_matrix
from plumbline.model import bundle
from plumbline.runtime import runner
from plumbline.tracking import projection as tracking

log = logging.getLogger("plumbline")


def main(
    usecase: str,
    model: Path,
    train: Path,
    valid: Path,
    test: Path,
    datasheet: Path,
    validated: Path,
    featured: Path,
    metrics: Path,
    report: Path,
    plots: Path,
) -> None:
    """Assess the bundle in `model` on the table `test`; `train` fits the baselines, `valid` the rules."""
    case, params = usecase_loader.load(usecase), params_file.load(usecase)
    cost_matrix.check(usecase, params.train.costs, case.available)
    tracking.warm()
    scorer, columns = bundle.load(model, usecase), tables.read(test)
    window = evaluation.window(case, params.evaluation, columns, scorer.threshold)
    score, known = scorer.predict(columns), tables.read(valid)
    scores = sections.Scores(score, scorer.raw(columns), scorer.calibration.kind)
    importance = curves.importance(scorer.booster.get_score(importance_type="total_gain"))
    found = evaluation.assess(
        case,
        params.evaluation,
        window,
        columns,
        score,
        others=reporting.simpler(case, params.evaluate.linear_rows, train, columns),
        outcomes=evaluation.behaves(case, params.evaluate, scorer, columns),
        more={
            **sections.more(
                case, params.evaluation, window, columns, scores, (known, scorer.predict(known))
            ),
            **sections.told(params.evaluation, scorer, importance),
            "data": sections.data(
                [files.read_json(path) for path in (datasheet, validated, featured)],
                {path.stem: dvc_hash.md5(path) for path in (train, valid, test)},
            ),
        },
    )
    shown = contributions_sample.explain(case, scorer, columns, params.evaluate.explained)
    predicted = evaluation.predictions(case, columns, score)
    write(case, found, predicted, importance, shown, report, plots)
    files.write_json(metrics, found.figures)
    gate = found.figures["gate"]
    log.info("evaluate: %d rows; %s: %s", len(score), gate["verdict"], "; ".join(gate["reasons"]))
    track(usecase, params.evaluate, model, found, report)


def write(
    case: UseCase,
    found: Assessment,
    predicted: Columns,
    importance: curves.Table,
    shown: contributions_sample.Explained,
    report: Path,
    plots: Path,
) -> None:
    """Write the report (card, pictures, predictions) and the curves as tables."""
    with files.replacing_folder(plots) as tables_folder, files.replacing_folder(report) as folder:
        lines = {**found.tables, "importance": importance, "contributions": shown.table}
        reporting.write_curves(tables_folder, lines)
        reporting.write_predictions(folder / "predictions.parquet", predicted)
        pictures.draw(folder, case.title, found.figures, found.lines, importance)
        pictures.explain(folder, case.title, shown)
        reporting.write_card(folder, case, found.figures)


def track(usecase: str, asked: Evaluate, model: Path, found: Assessment, report: Path) -> None:
    """Record the run; register a model that passed as challenger."""
    card = (report / model_card.MARKDOWN,)
    run = tracking.record(
        usecase, "evaluate", params=asked.model_dump(), metrics=found.flat, files=card
    )
    if found.passed:
        tracking.register(usecase, model, run, "challenger", {"verdict": "pass"})


if __name__ == "__main__":
    runner.run(main)
