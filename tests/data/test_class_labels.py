"""Labels of several classes as validate sees them: classes that are none, bursts of one, rewritten months."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from plumbline.validate import label_history, months, suspicious
from tests import classes, frames

START, END = date(2023, 1, 1), date(2023, 6, 20)


def tables(
    rows: pa.Table, folder: Path, **changes: object
) -> tuple[duckdb.DuckDBPyConnection, dict]:
    connection, case = duckdb.connect(), classes.days(**changes)
    frames.lay_out(case, rows, folder)
    return connection, dict(months.scan(connection, case, folder))


def sky(rows: pa.Table, day: str, share: float, value: str) -> pa.Table:
    """The rows with a share of one day's labels turned into `value`."""
    labels = np.array(rows["sky"].to_pylist(), object)
    at = rows["at"].to_numpy().astype("datetime64[D]") == np.datetime64(day)
    turned = at & (np.arange(len(labels)) % 100 < 100 * share)
    labels[turned] = value
    return rows.set_column(rows.column_names.index("sky"), "sky", pa.array(labels.tolist()))


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    return classes.observed(170, a_day=60)


def measured(rows: pa.Table, folder: Path) -> dict[str, tuple[float, str]]:
    connection, files = tables(rows, folder)
    window = date(2023, 5, 20), END
    built = suspicious.measures(connection, classes.days(), files, window, accepted=False)
    return {f"{m.kind} {m.column}": (m.value, m.detail) for m in built}


def test_a_burst_of_one_class_is_named_and_a_clean_table_has_none(rows: pa.Table, tmp_path: Path):
    clean = measured(rows, tmp_path / "clean")
    assert clean["label_rate sky"][0] <= 1
    score, detail = measured(sky(rows, "2023-06-01", 0.9, "fog"), tmp_path / "burst")[
        "label_rate sky"
    ]
    assert score > 1
    assert "2023-06-01: " in detail
    assert "labels of class fog" in detail


@pytest.mark.parametrize("number", [False, True])
def test_a_rewritten_month_is_seen_in_texts_and_in_numbers(
    rows: pa.Table, tmp_path: Path, number: bool
):
    codes = {name: code for code, name in enumerate(classes.SKIES)}
    label = replace(
        classes.days().column("sky"),
        type="int" if number else "string",
        allowed=tuple(range(3)) if number else classes.SKIES,
    )
    changes = {"columns": (*classes.days().columns[:-1], label)}
    case = classes.days(**changes)
    both = []
    for name, one in (("then", rows), ("now", sky(rows, "2023-02-03", 0.5, "rain"))):
        values = [codes[v] if number else v for v in one["sky"].to_pylist()]
        kind = pa.int64() if number else pa.string()
        table = one.set_column(5, "sky", pa.array(values, kind))
        connection, files = tables(table, tmp_path / name, **changes)
        outcomes = months.source(files["outcomes"])
        both.append(label_history.months(connection, case, outcomes, END))
    changed = [a.month for a, b in zip(*both, strict=True) if a.digest != b.digest]
    assert changed == ["2023-02"]
    assert {m.mean for m in both[0]} == {None}
    assert all(m.labelled == m.rows for m in both[0])
