"""The labels of past months, as they were when the profile was accepted: whether a source has rewritten them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from fractions import Fraction
from functools import partial
from typing import Any

import duckdb
import numpy as np

from plumbline.core import exact_sum
from plumbline.core.declarations import KNOWN_AT
from plumbline.core.sql import quote
from plumbline.core.usecase import Contract
from plumbline.validate.irregularities import Irregularity
from plumbline.validate.kept_months import KeptMonths
from plumbline.validate.months import File, source
from plumbline.validate.profile_document import MonthLabels, Profile

SHOWN = 3
Parts = list[list[Any]]
"""By month: its name, rows, labels, their sum, digest."""


def months(
    connection: duckdb.DuckDBPyConnection, usecase: Contract, outcomes: str, until: date
) -> list[MonthLabels]:
    """The months of events whose labels were all due before `until`; their rows, labels and a digest.

    `outcomes`: SQL for the rows. The digest is a sum over them, so that their order does not matter.
    """
    return _folded(usecase, [_parts(connection, usecase, outcomes)], until)


def of_files(
    connection: duckdb.DuckDBPyConnection, kept: KeptMonths, files: Sequence[File], until: date
) -> list[MonthLabels]:
    """`months` of files of outcomes that were known before `until`, each counted once for all."""
    last = until.year * 100 + until.month
    listed = []
    for file in (f for f in files if f.month <= last):
        cut = str(until) if file.month == last else ""
        compute = partial(_of_file, connection, kept.usecase, file, until)
        listed.append(kept.value("labels", [file], compute, cut))
    return _folded(kept.usecase, listed, until)


def _of_file(
    connection: duckdb.DuckDBPyConnection, usecase: Contract, file: File, until: date
) -> Parts:
    rows = f"SELECT * FROM ({source([file])}) WHERE {KNOWN_AT} < TIMESTAMP '{until}'"
    return _parts(connection, usecase, rows)


def _parts(connection: duckdb.DuckDBPyConnection, usecase: Contract, outcomes: str) -> Parts:
    """By month of the event: rows, labels, their exact sum as text, and the digest."""
    time, label, key = (quote(n) for n in (str(usecase.time), usecase.label, usecase.key))
    month = f"strftime({time}, '%Y-%m')"
    exact = usecase.column(usecase.label).type in ("int", "bool")
    total = f"sum(CAST(CAST({label} AS DOUBLE) AS HUGEINT))" if exact else "NULL"
    query = (
        f"SELECT {month} AS month, count(*), count({label}), CAST({total} AS VARCHAR), "
        f"CAST(sum(md5_number_lower(concat_ws('|', {key}, {label}))) AS VARCHAR) "
        f"FROM ({outcomes}) WHERE {time} IS NOT NULL GROUP BY month ORDER BY month"
    )
    parts = [list(row) for row in connection.sql(query).fetchall()]
    if not (exact or usecase.classes):
        sums = _sums(connection, month, label, outcomes)
        parts = [[m, rows, known, sums.get(m), digest] for m, rows, known, _, digest in parts]
    return parts


def _sums(
    connection: duckdb.DuckDBPyConnection, month: str, label: str, outcomes: str
) -> dict[str, str]:
    """The exact sum of the labels of each month."""
    query = f"SELECT {month} AS month, CAST({label} AS DOUBLE) AS label FROM ({outcomes}) WHERE {label} IS NOT NULL"
    columns = connection.sql(f"{query} ORDER BY month").fetchnumpy()
    names, starts = np.unique(np.asarray(columns["month"], str), return_index=True)
    parts = np.split(np.asarray(columns["label"], np.float64), starts[1:])
    return {
        str(name): str(exact_sum.of(part) if np.isfinite(part).all() else math.fsum(part))
        for name, part in zip(names, parts, strict=bool(len(names)))
    }


def _folded(usecase: Contract, listed: Iterable[Parts], until: date) -> list[MonthLabels]:
    """The months that were all due before `until`, from those of several files."""
    open_month, by_month = str(_first_open(usecase, until))[:7], defaultdict[str, Parts](list)
    for part in (p for parts in listed for p in parts if p[0] < open_month):
        by_month[part[0]].append(part)
    return [_month(usecase, name, by_month[name]) for name in sorted(by_month)]


def _first_open(usecase: Contract, until: date) -> date:
    """The first day of the first month of which a label may still be due on `until`."""
    return (until - timedelta(days=usecase.delay_days)).replace(day=1)


def _month(usecase: Contract, name: str, parts: Parts) -> MonthLabels:
    rows, known = sum(p[1] for p in parts), sum(p[2] for p in parts)
    mean = _total(p[3] for p in parts if p[3]) / known if known and not usecase.classes else None
    digest = sum(int(p[4]) for p in parts) % 2**64
    return MonthLabels(month=name, rows=rows, labelled=known, mean=mean, digest=f"{digest:016x}")


def _total(sums: Iterable[str]) -> float:
    """The sum of exact sums, rounded once."""
    listed = list(sums)
    finite = all("n" not in one for one in listed)  # no nan, no inf
    return float(sum(map(Fraction, listed))) if finite else sum(map(float, listed))


def rewritten(
    usecase: Contract, accepted: Profile | None, current: Profile, start: date | None
) -> list[Irregularity]:
    """The months whose rows or labels differ from those of the accepted profile.

    `start`: the first day of which events are read (None: no bound). Months that are not whole between
    it and the end of the current window are not compared.
    """
    if accepted is None or current.window is None:
        return []
    last = str(_first_open(usecase, date.fromisoformat(current.window[1])))[:7]
    now = {m.month: m for m in current.months}
    gone = MonthLabels(month="", rows=0, labelled=0, mean=None, digest="")
    pairs = [
        (m, now.get(m.month, gone))
        for m in accepted.months
        if m.month < last and (start is None or f"{m.month}-01" >= str(start))
    ]
    changed = [(a, b) for a, b in pairs if a.digest != b.digest]
    if not changed:
        return []
    shown = "; ".join(f"{a.month}: {_words(a)} then, {_words(b)} now" for a, b in changed[:SHOWN])
    more = f"; and {len(changed) - SHOWN} more months" if len(changed) > SHOWN else ""
    detail = (
        f"labels or rows of past months differ from those of the accepted profile: {shown}{more}; if the source "
        f"rightly corrected them, run `plumbline accept {usecase.name}`"
    )
    return [Irregularity(usecase.label, "history", len(changed), detail)]


def _words(month: MonthLabels) -> str:
    mean = "" if month.mean is None else f", mean label {month.mean:.4g}"
    return f"{month.rows} rows{mean}"
