"""Several rows with one key: what stays is one row of the source, event and outcome; a valid one first."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import duckdb
import pytest

from plumbline.core.usecase import UseCase
from stages import data
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
    data.main("orders", Path("."), run.raw, Path("data.json"))
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
