"""How far head's newest data are from base's, column by column. An edge: reads DVC's cache."""

from __future__ import annotations

from functools import partial

import numpy as np

from plumbline.core import arrays, tables
from plumbline.core.declarations import Array, Columns
from plumbline.core.usecase import UseCase
from plumbline.monitor import calendar, drift
from plumbline.monitor.monitored_columns import ColumnKind, monitored
from plumbline.monitor.params import Monitor
from plumbline.repo import artifacts
from plumbline.repo.object_stores import FolderStore
from plumbline.review import scoring
from plumbline.review.comparison_sections import ColumnDrift
from plumbline.review.scoring import Criteria
from plumbline.runtime.dvc_lock import Entries

SHOWN = 20
"""Columns that a comparison lists, the furthest first."""


def drift_between(
    usecase: UseCase, limits: Monitor, base: Columns, head: Columns
) -> list[ColumnDrift]:
    """Columns beyond their noise: PSI in nats, its noise, shares of nulls, and a word.

    The word is "drift" where what is left above the noise reaches `limits.psi.warning`.
    """
    compare = partial(
        drift.compare, bins=limits.bins, chance=limits.chance, stretches=_weeks(usecase, base)
    )
    kinds = {n: k for n, k in monitored(usecase).items() if _comparable(n, k, base, head)}
    compared = {n: compare(base[n], head[n], k) for n, k in kinds.items() if k != "time"}
    lines = {name: _line(name, effect, limits) for name, effect in compared.items()}
    gaps = {name: (line.noise or 0.0) - (line.psi or 0.0) for name, line in lines.items()}
    moved = sorted((gap, name) for name, gap in gaps.items() if gap < 0)
    return [lines[name] for _, name in moved[:SHOWN]]


def drift_of(
    folder: FolderStore, criteria: Criteria, base: tuple[str, Entries], head: tuple[str, Entries]
) -> list[ColumnDrift]:
    """`drift_between` for the current tables of base and head; none where they are the same bytes or missing."""
    pair = [artifacts.current_table(own, criteria.usecase.name) for _, own in (base, head)]
    if pair[0] is None or pair[1] is None or pair[0] == pair[1]:
        return []
    both = [
        tables.read(scoring.object_file(folder, side[0], *table))
        for side, table in zip((base, head), pair, strict=True)
        if table
    ]
    return drift_between(criteria.usecase, criteria.params.monitor, *both)


def _comparable(name: str, kind: ColumnKind, *windows: Columns) -> bool:
    if kind == "identifier" or not all(name in one and len(one[name]) for one in windows):
        return False
    return kind == "category" or all(arrays.is_number(one[name]) for one in windows)


def _line(name: str, effect: drift.ColumnEffect, limits: Monitor) -> ColumnDrift:
    far = effect.psi.excess >= limits.psi.warning
    before, after = effect.null_shares
    return ColumnDrift(
        column=name,
        psi=round(effect.psi.value, 6),
        noise=round(effect.psi.noise, 6),
        null_base=round(before, 6),
        null_head=round(after, 6),
        word="drift" if far else "within the limit",
    )


def _weeks(usecase: UseCase, columns: Columns) -> tuple[Array, ...]:
    if usecase.time is None or not len(columns[usecase.time]):
        return ()
    day = np.asarray(columns[usecase.time]).astype("datetime64[D]")
    return (calendar.blocks(day, day.max(), 1),)
