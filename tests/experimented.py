"""Sealed days of card payments that two arms answered, or an arm and its shadow, for experiments."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from plumbline import config
from plumbline.core import sealed_days, usecase_loader
from plumbline.core.sealed_days import SealedStatement
from plumbline.ops.experiments.declaration import Experiment
from plumbline.ops.experiments.experimenting import Project

ROOT = Path(__file__).parents[1]
FIRST = date(2025, 7, 1)
DAY = 86_400_000_000
NOON = np.datetime64("2025-07-01T12:00", "us").astype(np.int64)


@dataclass(frozen=True)
class Traffic:
    """What is served: customers, payments of each a day, share of the challenger, its alarms beside the champion's.

    `alarms`: probability of an alarm. `lift`: the challenger's over the champion's. `blocked`: of the alarms.
    """

    customers: int = 300
    payments: float = 1.5
    days: int = 4
    share: float = 0.5
    alarms: float = 0.2
    lift: float = 1.0
    blocked: float = 0.0
    passed: float = 0.1
    shadow: bool = False
    seed: int = 0


def project(root: Path) -> Project:
    """The shipped use case in a folder of its own."""
    params = config.load("card_fraud")
    return Project(root, usecase_loader.load_features("card_fraud"), params)


def sealed(root: Path, traffic: Traffic) -> Project:
    """The days of this traffic as sealed files; labels are known seven days after."""
    shutil.copy(ROOT / "dvc.yaml", root)
    (root / "params.yaml").write_text("usecases: [card_fraud]\n", encoding="utf-8")
    folder = root / "sources" / "card_fraud" / sealed_days.FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(traffic.seed)
    challenged = draw.random(traffic.customers) < traffic.share
    first, owed = 1, []
    for number in range(traffic.days):
        events = _events(traffic, draw, number, first)
        own = _answers(events, traffic, draw, challenged)
        parts = [own, _shadows(own, traffic, draw)] if traffic.shadow else [own]
        predictions = pa.concat_tables(parts)
        owed.append(_outcomes(events, own, draw))
        _write(folder, number, events, predictions, owed[0].slice(0, 0))
        first += events.num_rows
    for number, due in enumerate(owed, start=7):
        _write(folder, number, events.slice(0, 0), predictions.slice(0, 0), due)
    return project(root)


def _events(traffic: Traffic, draw: np.random.Generator, number: int, first: int) -> pa.Table:
    counts = draw.poisson(traffic.payments, traffic.customers)
    customer = np.repeat(np.arange(traffic.customers), counts)
    n = len(customer)
    return pa.table(
        {
            "payment_id": np.arange(first, first + n),
            "paid_at": pa.array(np.full(n, NOON + number * DAY), pa.timestamp("us")),
            "customer_id": customer,
            "terminal_id": np.zeros(n, np.int64),
            "amount_cents": draw.integers(100, 20_000, n),
            "kind": ["payment"] * n,
            "category": ["fuel"] * n,
            "distance_m": np.zeros(n, np.int64),
            "__sequence": np.arange(2 * first, 2 * (first + n), 2),
        }
    )


def _answers(
    events: pa.Table, traffic: Traffic, draw: np.random.Generator, challenged: np.ndarray
) -> pa.Table:
    treated = challenged[events["customer_id"].to_numpy()] & (not traffic.shadow)
    arm = np.where(treated, "challenger", "champion")
    chance = traffic.alarms * np.where(treated, traffic.lift, 1.0)
    alarm = draw.random(len(arm)) < chance
    return _predictions(events, traffic, draw, alarm, arm, "live", 0)


def _shadows(own: pa.Table, traffic: Traffic, draw: np.random.Generator) -> pa.Table:
    """A shadow that raises fewer alarms, on events that the champion alarms on too."""
    alarm = np.array(own["alarm"].to_pylist()) & (draw.random(own.num_rows) < traffic.lift)
    values = {
        "sequence": own["sequence"].to_numpy() + 1,
        "alarm": alarm,
        "decision": np.where(alarm, "block", "approve"),
        "arm": ["challenger"] * own.num_rows,
        "mode": ["shadow"] * own.num_rows,
    }
    for name, column in values.items():
        place = own.column_names.index(name)
        own = own.set_column(place, own.field(place), pa.array(column, own.field(place).type))
    return own


def _predictions(
    events: pa.Table,
    traffic: Traffic,
    draw: np.random.Generator,
    alarm: np.ndarray,
    arm: np.ndarray,
    mode: str,
    after: int,
) -> pa.Table:
    n = len(alarm)
    blocked = alarm & (draw.random(n) < traffic.blocked)
    through = blocked & (draw.random(n) < traffic.passed)
    score = np.where(alarm, 0.6, 0.01) + draw.random(n) / 10
    propensity = np.where(through, traffic.passed, np.where(blocked, 1 - traffic.passed, 1.0))
    lists = pa.array([[one] for one in score], pa.list_(pa.float64()))
    return pa.table(
        {
            "sequence": events["__sequence"].to_numpy() + after,
            "received": events["paid_at"],
            "request_id": [f"r{key}" for key in events["payment_id"].to_pylist()],
            "key": events["payment_id"],
            "time": events["paid_at"],
            "raw": lists,
            "score": lists,
            "alarm": alarm,
            "decision": np.where(blocked, "block", np.where(alarm, "review", "approve")),
            "action": np.where(blocked & ~through, "block", np.where(alarm, "review", "approve")),
            "propensity": propensity,
            "arm": arm,
            "mode": [mode] * n,
            "route_version": np.ones(n, np.int64),
            "bundle": ["b" * 32] * n,
            "definitions": ["d" * 32] * n,
            "watermark": np.zeros(n, np.int64),
            "flags": pa.array([[]] * n, pa.list_(pa.string())),
            "micros": draw.integers(500, 1500, n),
        }
    )


def _outcomes(events: pa.Table, own: pa.Table, draw: np.random.Generator) -> pa.Table:
    """Half of the alarms are frauds, and of the others few; none of a blocked payment is ever known."""
    alarm = np.array(own["alarm"].to_pylist())
    fraud = draw.random(len(alarm)) < np.where(alarm, 0.5, 0.01)
    known = np.array(events["paid_at"].to_numpy()) + np.timedelta64(7, "D")
    table = pa.table(
        {
            "payment_id": events["payment_id"],
            "is_fraud": fraud.astype(np.int64),
            "sequence": events["__sequence"],
            "received": pa.array(known, pa.timestamp("us")),
            "known_at": pa.array(known, pa.timestamp("us")),
        }
    )
    return table.filter(pa.array(np.array(own["action"].to_pylist()) != "block"))


def _write(folder: Path, number: int, events: Any, predictions: Any, outcomes: Any) -> None:
    day = FIRST + timedelta(days=number)
    tables = {"events": events, "predictions": predictions, "outcomes": outcomes}
    for kind, table in tables.items():
        pq.write_table(table, folder / f"{kind}-{day}.parquet")
    rows = {kind: tables[kind].num_rows if kind in tables else 0 for kind in sealed_days.KINDS}
    statement = {
        "usecase": "card_fraud", "day": day, "first_sequence": 1, "last_sequence": 1_000_000, "lost": [],
        "files": {kind: {"rows": n, "sha256": ""} for kind, n in rows.items()}, "previous": "",
    }  # fmt: skip
    whole = SealedStatement.model_validate(statement)
    text = sealed_days.pointer_text(whole, dict.fromkeys(sealed_days.KINDS, ("0" * 32, 1)))
    sealed_days.pointer(folder, day).write_text(text, encoding="utf-8")


def declared(**changed: Any) -> Experiment:
    """An A/B on alarms over four days."""
    value: dict[str, Any] = {
        "hypothesis": "The challenger raises fewer alarms",
        "metric": "alarms",
        "better": "lower",
        "treatments": ["challenger"],
        "shares": {"champion": 50, "challenger": 50},
        "unit": "customer",
        "start": FIRST,
        "days": 4,
        "effect": 0.1,
    }
    if changed.get("design") == "paired":
        value["shares"] = {}
    return Experiment.model_validate(value | changed)
