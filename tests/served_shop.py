"""What a service of the small shop answered: sealed predictions, made from the batch's own table."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from plumbline.core import served_sheet
from plumbline.core.declarations import Row, Snapshot
from plumbline.core.served_sheet import ServedDay, ServedSheet
from plumbline.core.usecase import UseCase
from plumbline.model import logged_definitions
from plumbline.monitor.window import window
from plumbline.serve.log import export
from tests import shop

BUNDLE, OLDER = "b" * 32 + ".dir", "a" * 32 + ".dir"


def double(size):
    """Twice the size, kg"""
    return 2.0 * size


def ratio(double, who_count_7d):
    """Twice the size over the count, kg"""
    return double / (who_count_7d + 1)


def usecase(problem="classification", timed=True) -> UseCase:
    """The shop with a history and two row features, of which one reads the other; without time one alone."""
    plain = shop.usecase(problem, timed)
    features = (*plain.features, "double")
    if not timed:
        return replace(plain, features=features, rows=(Row(double),))
    history = Snapshot("who_count_7d", "who", "count", 7, "Events in 7 days")
    return replace(plain, features=features, snapshots=(history,), rows=(Row(double), Row(ratio)))


def table(days, seed=0, problem="classification", unknown=shop.DELAY, **more):
    """The batch's table, with the features."""
    columns = shop.table(days, seed=seed, problem=problem, unknown=unknown, **more)
    random = np.random.default_rng(seed)
    columns["who_count_7d"] = random.integers(0, 9, len(columns["size"])).astype(float)
    columns["double"] = double(columns["size"])
    columns["ratio"] = ratio(columns["double"], columns["who_count_7d"])
    return columns


def scored(case, columns, last=shop.LAST):
    """The table as a window, scored by a model that is near the truth."""
    return window(case, columns, score(case, columns), last if case.time else None)


def score(case, columns):
    """The model's answer."""
    value = columns["size"] + (columns["colour"] == "red")
    return 1 / (1 + np.exp(2 - value)) if case.problem == "classification" else value


def rows(case, columns, answers=None, **changes):
    """Predictions of these events as `plumbline log --out` writes them, as dictionaries, by time.

    `answers` (n,) or (n, k): the score's instead of the shop's. `changes`: values by name, or functions of the row.
    """
    answers = score(case, columns) if answers is None else answers
    quiet = np.full(len(answers), np.datetime64("2025-06-20T08:00", "us"))
    received = columns[case.time] if case.time else quiet
    definitions = logged_definitions.of(case)
    aggregates = [f.name for f in case.aggregates]
    computed = [f.name for f in (*case.rows, *case.categories) if f.name in columns]
    out = []
    for sequence, place in enumerate(np.argsort(received, kind="stable"), 1):
        answer = [float(v) for v in np.atleast_1d(answers[place])]
        alarm = answer[0] >= 0.5 if case.problem == "classification" else None
        row = {
            "sequence": sequence,
            "received": received[place].astype("datetime64[us]").item()
            + timedelta(milliseconds=20),
            "request_id": f"request-{sequence}",
            "key": columns[case.key][place].item(),
            "digest": b"d" * 16,
            "aggregates": {n: float(columns[n][place]) for n in aggregates},
            "computed": {n: float(columns[n][place]) for n in computed},
            "raw": answer,
            "score": answer,
            "alarm": alarm,
            "decision": None,
            "action": {True: "alarm", False: "none", None: ""}[alarm],
            "propensity": 1.0,
            "arm": "champion",
            "mode": "live",
            "route_version": 1,
            "bundle": BUNDLE,
            "definitions": definitions,
            "watermark": sequence - 1,
            "flags": [],
            "micros": 900,
            "answer": b"{}",
        }
        out.append(
            {
                **row,
                **{
                    name: change(row) if callable(change) else change
                    for name, change in changes.items()
                },
            }
        )
    return out


def shadow(rows, **changes):
    """The same events as a shadow scores them."""
    start = len(rows)
    marks = {"mode": "shadow", "arm": "challenger", "bundle": OLDER, **changes}
    return [
        {**r, "sequence": start + i, **{k: v(r) if callable(v) else v for k, v in marks.items()}}
        for i, r in enumerate(rows, 1)
    ]


def seal(folder: Path, predictions, refused=(), served=True):
    """Write them as the data stage lays them out, a file per month; `refused`: (day, column, problem, events)."""
    folder.mkdir(exist_ok=True)
    months = sorted({r["received"].strftime("%Y-%m") for r in predictions})
    for month in months:
        own = [r for r in predictions if r["received"].strftime("%Y-%m") == month]
        pq.write_table(arrow(own), folder / f"predictions-{month}.parquet")
    days = sorted({r["received"].date() for r in predictions})
    sheet = ServedSheet(served=served)
    if days:
        listed = [_day(d, predictions, refused) for d in days]
        sheet = ServedSheet(
            served=served, first=days[0], last=days[-1], days=listed, predictions=len(predictions)
        )
    served_sheet.write(folder, sheet)
    return folder


def _day(day, predictions, refused):
    own = [r for r in predictions if r["received"].date() == day]
    counts: dict[str, dict[str, int]] = {}
    for which, column, problem, count in refused:
        if which == str(day):
            counts.setdefault(column, {})[problem] = count
    return ServedDay(
        day=day,
        first_sequence=own[0]["sequence"],
        last_sequence=own[-1]["sequence"],
        events=len(own),
        shadows=0,
        outcomes=0,
        flags={},
        refused=counts,
    )


def arrow(predictions):
    """The rows as an Arrow table, with the types of the log's export."""
    structs = [
        (name, pa.struct([(field, pa.float64()) for field in predictions[0][name]]))
        for name in ("aggregates", "computed")
        if predictions[0][name]
    ]
    fields = [
        *export.COMMON.items(),
        ("key", pa.int64()),
        ("digest", pa.binary()),
        *structs,
        *export.EVENT.items(),
    ]
    return pa.Table.from_pylist(predictions, pa.schema(fields))
