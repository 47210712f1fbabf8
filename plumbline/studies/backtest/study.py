"""A whole backtest of a use case: from the tables on disk to the record for JSON. An edge: reads files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plumbline import config as params_file
from plumbline.core import files, usecase_loader
from plumbline.metrics.metrics import PRIMARY
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.studies.backtest import ageing, all_events, judging, origins, rolling


def study(root: Path, usecase: str, count: int | None) -> dict[str, Any]:
    """The record of `count` origins (params' without it): windows, figures, choices, staleness."""
    case, params = usecase_loader.load(usecase), params_file.load(usecase, root / "params.yaml")
    found = files.read_json(artifacts.metrics_path(usecase, "tune", root))
    columns, known = all_events.read(case, params, artifacts.path(usecase, Role.VALID_EVENTS, root))
    plan = origins.plan(
        known,
        delay=case.label_delay,
        train_days=params.backtest.train_days,
        valid_days=params.features.valid_days,
        count=count or params.backtest.origins,
    )
    made = rolling.run(case, params, found, columns, plan)
    told = judging.judged(case, params, columns, made)
    return {
        "usecase": usecase,
        "title": case.title,
        "problem": case.problem,
        "primary": PRIMARY[case.problem],
        "level": params.evaluate.level,
        "margin": params.gate.margin,
        "label_delay_days": case.label_delay,
        "step_days": plan[0].scored.days,
        "origins": told,
        "newest": judging.count(told),
        "staleness": ageing.staleness(case, params, columns, made),
    }
