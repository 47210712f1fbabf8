"""Several rows with one key: what stays is one row of the source, event and outcome; a valid one first."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import duckdb
import pytest

from plumbline.core.usecase import UseCase
from stages import data
from tests.graph import ANSWER, ID, PLAIN, SIZE, TIMED, Graph
from tests.orders import LIST, ORDERS, start, write_params

NAMES = "order_id,ordered_at,buyer,amount_cents,weight,channel,returned"
OTHERS = ("1,2025-02-05 10:00:00,3,500,1,web,0", "2,2025-02-06 10:00:00,4,600,1,shop,1")


def stored(
    patch: pytest.MonkeyPatch, folder: Path, usecase: UseCase, rows: tuple[str, ...]
) -> list[tuple]:
    """amount_cents, buyer, returned of order 5 after data and validate."""
    run = start(folder, patch, usecase)
    write_params(folder / "params.yaml", {})
    (folder / "x.csv").write_text("\n".join([NAMES, *OTHERS, *rows]) + "\n")
    data.main("orders", Path("."), run.raw, Path("served"), Path("data.json"))
    run.go(max_quarantine=0.9)
    events = duckdb.sql("SELECT * FROM read_parquet('valid/events-*.parquet')")
    outcomes = duckdb.sql("SELECT order_id, returned FROM read_parquet('valid/outcomes-*.parquet')")
    assert len(outcomes) <= len(events) == 3
    return duckdb.sql(
        "SELECT amount_cents, buyer, returned FROM events LEFT JOIN outcomes USING (order_id) "
        "WHERE order_id = 5"
    ).fetchall()


CASES = {
    "the first by the columns, with its own label": (
        ("5,2025-02-07 10:00:00,3,20,1,web,0", "5,2025-02-07 10:00:00,3,10,1,web,1"),
        (10, 3, 1),
    ),
    "the earliest": (
        ("5,2025-02-07 09:00:00,3,20,1,web,1", "5,2025-02-07 10:00:00,3,10,1,web,0"),
        (20, 3, 1),
    ),
    "in other months": (
        ("5,2025-02-28 09:00:00,3,20,1,web,1", "5,2025-02-07 10:00:00,4,10,1,web,0"),
        (10, 4, 0),
    ),
    "an invalid event first": (
        ("5,2025-02-07 10:00:00,3,-1,1,web,0", "5,2025-02-07 10:00:00,3,10,1,web,1"),
        (10, 3, 1),
    ),
    "an invalid outcome first": (
        ("5,2025-02-07 10:00:00,3,10,1,web,7", "5,2025-02-07 10:00:00,3,20,1,web,1"),
        (20, 3, 1),
    ),
    "the second's outcome is not known yet": (
        ("5,2025-02-07 10:00:00,3,-1,1,web,0", "5,2025-03-03 10:00:00,3,20,1,web,1"),
        (20, 3, None),
    ),
    "alike in what is known": (
        ("5,2025-02-07 10:00:00,3,10,1,web,1", "5,2025-02-07 10:00:00,3,10,1,web,0"),
        (10, 3, 0),
    ),
}


@pytest.mark.capability("B10")
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("case", CASES)
def test_of_events_with_one_key(
    case: str, order: tuple[int, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rows, kept = CASES[case]
    result = stored(monkeypatch, tmp_path, ORDERS, tuple(rows[i] for i in order))
    assert result == [kept]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_of_rows_of_a_plain_table(
    order: tuple[int, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rows = ("5,,3,30,1,web,0", "5,,3,20,1,web,1", "5,,3,-1,1,web,0")
    result = stored(monkeypatch, tmp_path, LIST, tuple(rows[i] for i in order))
    assert result == [(20, 3, 1)]


def warned(kind: str) -> list[str]:
    warnings = json.loads(Path("metrics/toy/validate.json").read_text())["warnings"]
    return [re.split("rows?: ", text)[1] for text in warnings if f"check '{kind}'" in text]


NULLABLE = replace(PLAIN, columns=(ID, SIZE, replace(ANSWER, null=True)))
PAIRS: dict[str, tuple[UseCase, tuple[str, str], tuple[object, ...]]] = {
    "equal": (PLAIN, ("10,3", "10,3"), (10, 3)),
    "NaN and null": (PLAIN, ("nan,3", ",3"), (None, 3)),
    "5 and 5.0": (PLAIN, ("5,3", "5.0,3.00"), (5, 3)),
    "another size": (PLAIN, ("20,3", "10,7"), (10, 7)),
    "a size in the second alone": (PLAIN, (",3", "10,7"), (10, 7)),
    "another label": (PLAIN, ("10,7", "10,3"), (10, 3)),
    "a label in the second alone": (PLAIN, ("10,", "20,7"), (20, 7)),
    "a nullable label in the second alone": (NULLABLE, ("10,", "10,7"), (10, 7)),
    "a null label in both": (NULLABLE, ("10,", "10,"), (10, None)),
    "an infinite size": (PLAIN, ("-inf,3", "10,7"), (10, 7)),
    "an infinite label": (PLAIN, ("10,inf", "20,7"), (20, 7)),
    "a label too large": (PLAIN, ("10,1e39", "20,7"), (20, 7)),
    "both invalid": (PLAIN, ("inf,3", "-inf,7"), ()),
}


def test_every_pair_keeps_one_row_of_the_source(graph: Callable[..., Graph]) -> None:
    for usecase in (PLAIN, NULLABLE):
        own = {i: pair for i, pair in enumerate(PAIRS.values()) if pair[0] is usecase}
        lines = [f"{i},{row}" for i, (_, pair, _) in own.items() for row in pair]
        for order in (lines, lines[::-1]):
            run = graph(["id,size,answer", *order], usecase).run("data", "validate")
            outcomes = dict(run.rows("valid/outcomes"))
            kept = {i: (size, outcomes[i]) for i, size in run.rows("valid/events")}
            assert kept == {i: expected for i, (_, _, expected) in own.items() if expected}


def test_copies_are_counted_and_those_that_differ_shown(graph: Callable[..., Graph]) -> None:
    lines = [
        "id,size,answer",
        "1,5,2",
        "2,20,3",
        "2,10,7",
        "3,1,1",
        "3,1,1",
        "4,3,9",
        "4,3,8",
        "4,3,8",
    ]
    graph(lines).run("data", "validate")
    assert warned("unique") == [
        "equal copies of 2 keys; different copies of key 2: size 10.0 (kept) and 20.0.",
        "equal copies of 1 key; different copies of key 2: answer 7.0 (kept) and 3.0, key 4: answer 8.0 (kept) and 9.0.",
    ]


def test_equal_copies_are_no_conflict(graph: Callable[..., Graph]) -> None:
    graph(["id,size,answer", "1,5,2", "2,,3", "2,nan,3.0", "3,1,1"]).run("data", "validate")
    assert not [t for t in warned("unique") if "different" in t]


def test_many_conflicts_are_counted(graph: Callable[..., Graph]) -> None:
    lines = ["id,size,answer", *(f"{i // 2},{i},1" for i in range(20))]
    graph(lines).run("data", "validate")
    assert "key 2: size 4.0 (kept) and 5.0 and 7 more." in warned("unique")[0]


@pytest.mark.parametrize("swapped", [False, True])
def test_copies_in_other_files_and_months_with_ids_to_forget(
    graph: Callable[..., Graph], swapped: bool
) -> None:
    parts = [
        "5,2024-02-07,20,3\n8,2024-02-08,1,1",
        "5,2024-01-07,10,7\n8,2024-01-08,2,2\n9,2024-01-01,3,3",
    ]
    names = ("sources/toy/a.csv", "sources/toy/b.csv")
    data = {"path": "sources/toy/[ab].csv", "as_of": "2024-03-01", "forget": {"id": [8]}}
    run = graph([], TIMED, data=data)
    for name, text in zip(names, reversed(parts) if swapped else parts, strict=True):
        Path(name).write_text(f"id,at,size,answer\n{text}\n")
    run.run("data", "validate")
    assert sorted(run.rows("valid/events", "id, size")) == [(5, 10.0), (9, 3.0)]
    assert sorted(run.rows("valid/outcomes", "id, answer")) == [(5, 7.0), (9, 3.0)]
    assert "key 5: at 2024-01-07 00:00:00 (kept) and 2024-02-07 00:00:00" in warned("unique")[0]
