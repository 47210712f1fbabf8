"""All events with their features and labels as one table: the model tables have gaps. An edge: DuckDB."""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np

from plumbline.config import UseCaseParams
from plumbline.core import tables
from plumbline.core.declarations import KNOWN_AT, Array, Columns
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import UseCase
from plumbline.features import assemble, batch, ibis_session, known_outcomes, model_tables
from plumbline.features.splits import SplitWindow


def read(
    usecase: UseCase, params: UseCaseParams, valid: Path
) -> tuple[dict[str, Array], SplitWindow]:
    """Events after the warm-up whose label is known by the as-of date, in time order, and their days.

    `valid`: the folder that the validate stage wrote. Raises PlumblineError for a table without time.
    """
    if usecase.time is None:
        raise PlumblineError(
            f"{usecase.name}: a table without time has no past to make models in; set `time` in "
            f"usecases/{usecase.name}/contract.py, or choose another use case"
        )
    with (
        ibis_session.connection() as backend,
        tempfile.TemporaryDirectory(prefix="plumbline-") as name,
    ):
        folder = Path(name)
        events, outcomes = ibis_session.read(backend, usecase, valid)
        first, until = assemble.span(usecase, events, params.data.as_of)
        late = known_outcomes.of(backend, usecase, outcomes, until, params.data.own_outcomes)
        events, outcomes = assemble.visible(backend, usecase, events, late.first, until)
        snapshots = assemble.write_snapshots(backend, usecase, events, outcomes, until, folder)
        start = first + timedelta(days=params.features.warmup_days)
        known = SplitWindow(start, until - timedelta(days=usecase.delay_days))
        join = partial(batch.join_snapshots, usecase, by_entity=snapshots)
        own = late.settled_labels()
        further = [] if own is None else [KNOWN_AT]
        rows = model_tables.rows_of(usecase, known, events, outcomes, join, labels=own)
        model_tables.write_pieces(
            backend, usecase, {"train": known}, lambda _: [rows], folder, further,
            params.features.leave_out,
        )  # fmt: skip
        return tables.read(folder / "train.parquet", [*_needed(usecase, params), *further]), known


def known_by(
    usecase: UseCase, columns: Columns, window: SplitWindow, day: date
) -> dict[str, Array]:
    """The rows of a window's days whose label was known before that day, and was not corrected since."""
    rows = between(usecase, columns, window)
    if KNOWN_AT not in rows:
        return rows
    known = rows[KNOWN_AT] < np.datetime64(day, "us")
    return {name: values[known] for name, values in rows.items()}


def between(usecase: UseCase, columns: Columns, window: SplitWindow) -> dict[str, Array]:
    """The rows of a window's days; `columns` in time order."""
    at = columns[str(usecase.time)]
    first, end = (
        int(np.searchsorted(at, np.datetime64(day, "us"))) for day in (window.start, window.end)
    )
    return {name: values[first:end] for name, values in columns.items()}


def _needed(usecase: UseCase, params: UseCaseParams) -> list[str]:
    money = params.train.costs.columns if params.train.costs else []
    offset = [usecase.offset] if usecase.offset else []
    first = [usecase.key, str(usecase.time), usecase.label]
    group = [params.train.reweigh.column] if params.train.reweigh else []
    return list(dict.fromkeys([*first, *usecase.features, *offset, *money, *group]))
