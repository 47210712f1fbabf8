"""The labels of past months, as they were when the profile was accepted: whether a source has rewritten them."""

from __future__ import annotations

import math
from datetime import date, timedelta

import duckdb
import numpy as np

from plumbline.core.sql import quote
from plumbline.core.usecase import Contract
from plumbline.validate.irregularities import Irregularity
from plumbline.validate.profile_document import MonthLabels, Profile

SHOWN = 3


def months(
    connection: duckdb.DuckDBPyConnection, usecase: Contract, outcomes: str, until: date
) -> list[MonthLabels]:
    """The months of events whose labels were all due before `until`; their rows, labels and a digest.

    `outcomes`: SQL for the rows. The digest is a sum over them, so that their order does not matter.
    """
    time, label, key = (quote(n) for n in (str(usecase.time), usecase.label, usecase.key))
    query = (
        f"SELECT strftime({time}, '%Y-%m') AS month, {_number(usecase, label)} AS label, "
        f"md5_number_lower(concat_ws('|', {key}, {label})) AS digest FROM ({outcomes}) "
        f"WHERE {time} < TIMESTAMP '{_first_open(usecase, until)}' ORDER BY month"
    )
    columns = connection.sql(query).fetchnumpy()
    names, starts = np.unique(np.asarray(columns["month"], str), return_index=True)
    ends = [*starts[1:], len(columns["month"])] if len(starts) else []
    return [
        _month(usecase, str(name), columns["label"][a:b], columns["digest"][a:b])
        for name, a, b in zip(names, starts, ends, strict=True)
    ]


def _first_open(usecase: Contract, until: date) -> date:
    """The first day of the first month of which a label may still be due on `until`."""
    return (until - timedelta(days=usecase.delay_days)).replace(day=1)


def _number(usecase: Contract, label: str) -> str:
    """SQL for a label's number; of a class, which has none, for whether it is known."""
    if usecase.classes:
        return f"CASE WHEN {label} IS NULL THEN NULL ELSE 0.0 END"
    return f"CAST({label} AS DOUBLE)"


def _month(
    usecase: Contract, name: str, label: np.ma.MaskedArray, digest: np.ndarray
) -> MonthLabels:
    known = np.ma.compressed(label)
    mean = math.fsum(known) / len(known) if len(known) and not usecase.classes else None
    total = sum(int(d) for d in digest) % 2**64
    return MonthLabels(
        month=name, rows=len(label), labelled=len(known), mean=mean, digest=f"{total:016x}"
    )


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
