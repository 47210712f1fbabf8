"""Every type of column, with and without nulls, as a feature and as a label, through the whole graph."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plumbline.core import tables
from plumbline.core.declarations import (
    Array,
    Category,
    Column,
    ColumnType,
    Entity,
    Fresh,
    Row,
    Snapshot,
    Where,
)
from plumbline.core.errors import ContractError
from plumbline.core.usecase import UseCase
from plumbline.model import bundle
from plumbline.serve import request_check, single_event
from tests.graph import PLAIN, STAGES, Graph

Build = Callable[..., Graph]
KINDS: tuple[ColumnType, ...] = ("int", "float", "bool")
START = datetime(2024, 1, 1)


def hour(at: Array) -> Array:
    """The hour of the day, h."""
    return (at - at.astype("datetime64[D]")) / np.timedelta64(1, "h")


def mixed(int_null: Array, bool_null: Array, float_full: Array) -> Array:
    """Whole number, truth value and number together, m."""
    return int_null + bool_null + float_full


COLUMNS = (
    Column("id", "int", "-", "number of the event"),
    Column("at", "timestamp", "UTC", "when it happened"),
    Column("seen", "timestamp", "UTC", "when it was seen", null=True),
    Column("shop", "string", "-", "the shop", null=True),
    Column("open", "bool", "-", "whether it was open", null=True),
    Column("town", "string", "-", "the town"),
    *(Column(f"{k}_full", k, "m", f"{k} without nulls") for k in KINDS),
    *(Column(f"{k}_null", k, "m", f"{k} with nulls", null=True) for k in KINDS),
    *(Column(f"{k}_none", k, "m", f"{k}, always null", null=True) for k in KINDS),
)
PLAIN_FEATURES = tuple(f"{k}_{n}" for k in KINDS for n in ("full", "null", "none"))
WIDE = UseCase(
    name="toy",
    title="All types",
    owner="tests@example.com",
    problem="classification",
    key="id",
    time="at",
    label="answer",
    label_delay=1,
    entities=(Entity("shop", "shop", "a shop"), Entity("open", "open", "open or not")),
    columns=(*COLUMNS, Column("answer", "bool", "-", "the label", known=False, null=True)),
    snapshots=(
        Snapshot(
            "shop_int", "shop", "mean", 7, "mean of the int in 7 days", "int_null", default=-1
        ),
        Snapshot("shop_bool", "shop", "rate", 7, "share of the flag in 7 days", "bool_null"),
        Snapshot("open_count", "open", "count", 3, "events of the same state in 3 days"),
        Snapshot(
            "shop_answer", "shop", "rate", 14, "share of the answers in 14 days", "answer", True
        ),
        Snapshot(
            "shop_true", "shop", "count", 7, "true flags in 7 days", where=(Where("bool_null", 1),)
        ),
    ),
    fresh=(Fresh("shop_today", "shop", "sum", "sum of the int today", "int_null"),),
    categories=(
        Category("town_code", "town", ("a", "b"), "code of the town"),
        Category("shop_code", "shop", ("s0", "s1"), "code of the shop"),
        Category("int_code", "int_null", (1, 2), "code of the int"),
    ),
    rows=(Row(hour), Row(mixed)),
    features=(
        *PLAIN_FEATURES,
        *("shop_int", "shop_bool", "open_count", "shop_answer", "shop_true", "shop_today"),
        *("town_code", "shop_code", "int_code", "hour", "mixed"),
    ),
)


def lines(usecase: UseCase, rows: int = 650) -> Iterator[str]:
    """Lines of CSV; nulls at every third place, written in several ways."""
    random = np.random.default_rng(5)
    yield ",".join(c.name for c in usecase.columns)
    for i in range(rows):
        whole, part, flag = (
            int(random.integers(9)),
            float(random.random()),
            bool(random.random() < 0.4),
        )
        values = {"int": str(whole), "float": f"{part:.3f}", "bool": str(flag).lower()}
        cells = {"id": str(i), "at": str(START + timedelta(hours=3 * i)), "town": "abc"[i % 3]}
        cells |= {"seen": "" if i % 4 else cells["at"], "shop": "" if i % 9 == 2 else f"s{i % 4}"}
        cells["open"] = "" if i % 7 == 3 else str(i % 2 == 0).lower()
        for kind in KINDS:
            cells |= {f"{kind}_full": values[kind], f"{kind}_none": ""}
            cells[f"{kind}_null"] = "" if i % 3 == 1 else values[kind]
        label, empty = (
            usecase.column("answer"),
            "nan" if usecase.column("answer").type == "float" else "",
        )
        cells["answer"] = empty if label.null and i % 11 == 5 else values[label.type]
        yield ",".join(cells[c.name] for c in usecase.columns)


DAYS = {"warmup_days": 7, "valid_days": 14, "test_days": 14, "current_days": 10, "join": "direct"}


def run_all(build: Build, usecase: UseCase) -> Graph:
    own: dict[str, Any] = {"data": {"as_of": "2024-03-25"}, "features": DAYS, "validate": {}}
    return build(lines(usecase), usecase, **own).run(*STAGES)


@pytest.fixture
def wide(graph: Build) -> Graph:
    return run_all(graph, WIDE)


def test_all_types_through_the_graph_and_a_single_request(wide: Graph) -> None:
    monitor = json.loads(Path("metrics/toy/monitor.json").read_text())
    assert monitor["level"] in ("ok", "warning", "alert")
    test = tables.read(Path("data/toy/tables/test.parquet"))
    assert set(np.unique(test["bool_full"])) == {False, True}
    assert np.isnan(test["bool_null"]).sum() == np.isnan(test["int_null"]).sum() > 0
    assert np.isnan(test["float_none"].astype(float)).all()
    assert not np.isnan(test["answer"].astype(float)).any()

    names = [c.name for c in WIDE.known]
    events = [dict(zip(names, row, strict=True)) for row in wide.rows("valid/events", "*")]
    outcomes = [
        dict(zip(("id", "known_at", "answer"), row, strict=True))
        for row in wide.rows("valid/outcomes", "id, known_at, answer")
    ]
    known = single_event.histories(WIDE, events, outcomes)
    scorer = bundle.load(Path("models/toy"), "toy")
    batch = scorer.predict(test)
    place = {key: n for n, key in enumerate(test["id"].tolist())}
    for event in [e for e in events if e["id"] in place][:40]:
        request_check.check(WIDE, event)
        own = {
            e.name: known[e.name][event[e.column]]
            for e in WIDE.entities
            if event[e.column] is not None
        }
        single = single_event.features(WIDE, event, own)
        n = place[event["id"]]
        for name in (f for f in WIDE.features if f not in PLAIN_FEATURES):
            assert single[name] == test[name][n] or (
                single[name] != single[name] and test[name][n] != test[name][n]
            )
        raw = {
            name: np.array([np.nan if event[name] is None else event[name]], float)
            for name in PLAIN_FEATURES
        }
        row = raw | {name: np.array([value]) for name, value in single.items()}
        assert scorer.predict(row)[0] == batch[n]


@pytest.mark.parametrize("kind", ["int", "float"])
def test_a_nullable_label_of_a_regression(graph: Build, kind: ColumnType) -> None:
    label = Column("answer", kind, "m", "the label", known=False, null=True)
    columns = (COLUMNS[0], *(c for c in COLUMNS if c.name in PLAIN_FEATURES), label)
    case = replace(PLAIN, columns=columns, features=PLAIN_FEATURES)
    run = graph(lines(case, 300), case, validate={}).run(*STAGES)
    kept = [a for (a,) in run.rows("tables/", "answer")]
    assert len(kept) == 300 - len([i for i in range(300) if i % 11 == 5])
    assert None not in kept


def test_nan_in_a_request_and_a_history_is_null() -> None:
    event: dict[str, Any] = {c.name: None for c in WIDE.known}
    event |= {
        "id": 1,
        "at": START,
        "town": "a",
        "shop": "s0",
        "int_full": 1,
        "float_full": 0.5,
        "bool_full": True,
    }
    nan = {name: float("nan") if value is None else value for name, value in event.items()}
    later = {**event, "id": 2, "at": START + timedelta(hours=1)}
    results = []
    for one in (event, nan):
        request_check.check(WIDE, one)
        known = single_event.histories(WIDE, [one], [])
        results.append(
            single_event.features(WIDE, {**one, **later}, {"shop": known["shop"]["s0"]})
            | {"ids": len(known["open"])}
        )
        results.append(single_event.features(WIDE, one, {}))
    assert repr(results[:2]) == repr(results[2:])
    with pytest.raises(ContractError, match=r"float_full is inf, expected finite"):
        request_check.check(WIDE, {**event, "float_full": float("inf")})
    with pytest.raises(ContractError, match=r"float_full is null"):
        request_check.check(WIDE, {**event, "float_full": float("nan")})
