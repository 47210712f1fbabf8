"""A whole backtest of a use case: from the tables on disk to the record for JSON. An edge: reads files."""

from __future__ import annotations

from pathlib import Path

from plumbline import config as params_file
from plumbline.core import documents, usecase_loader
from plumbline.metrics.metrics import PRIMARY
from plumbline.model.tune_result import TuneResult
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.studies.backtest import ageing, all_events, judging, origins, rolling
from plumbline.studies.backtest.backtest_record import BacktestRecord


def study(root: Path, name: str, count: int | None) -> BacktestRecord:
    """The record of `count` origins (params' without it): windows, figures, choices, staleness."""
    declared, params = usecase_loader.load(name), params_file.load(name, root / "params.yaml")
    tuned = documents.read(TuneResult, artifacts.metrics_path(name, "tune", root))
    usecase = tuned.selected(declared)
    columns, known = all_events.read(usecase, params, artifacts.path(name, Role.VALID_EVENTS, root))
    plan = origins.plan(
        known,
        delay=usecase.delay_days,
        train_days=params.backtest.train_days,
        valid_days=params.features.valid_days,
        count=count or params.backtest.origins,
    )
    models = rolling.run(usecase, params, tuned, columns, plan)
    judged = judging.judged(usecase, params, columns, models)
    return BacktestRecord(
        usecase=name,
        title=usecase.title,
        problem=usecase.problem,
        primary=PRIMARY[usecase.problem],
        level=params.evaluate.level,
        margin=params.gate.margin,
        label_delay_days=usecase.delay_days,
        step_days=plan[0].scored.days,
        origins=judged,
        newest=judging.count(judged),
        staleness=ageing.staleness(usecase, params, columns, models),
    )
