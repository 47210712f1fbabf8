"""Which of a contract's columns are read of which table, where outcomes have a table of their own."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields, replace

import duckdb

from plumbline.core import duckdb_session
from plumbline.core.clocks import is_local
from plumbline.core.declarations import Column
from plumbline.core.errors import SourceError
from plumbline.core.usecase import Contract


@dataclass(frozen=True, kw_only=True)
class TableLayout(Contract):
    """The columns of one table of a use case. `needed`: names of those of which every row has a value.

    Not checked as a contract is: the use case was.
    """

    needed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Nothing is left to check."""


def needed(usecase: Contract) -> tuple[str, ...]:
    """The columns of which every row has a value: an event its time, an outcome its key and `known_at`."""
    if isinstance(usecase, TableLayout):
        return usecase.needed
    return (usecase.time,) if usecase.time else ()


def events(usecase: Contract) -> TableLayout:
    """The columns known at prediction time."""
    return _layout(usecase, usecase.known, usecase.time, needed(usecase))


def outcomes(usecase: Contract, known_at: str) -> TableLayout:
    """The key, the column `known_at` that says when an outcome became known, and the late columns."""
    key = usecase.column(usecase.key)
    late = [c for c in usecase.unknown if c.name != known_at]
    moment = Column(known_at, "timestamp", "-", "when the outcome became known")
    return _layout(usecase, (key, moment, *late), known_at, (key.name, known_at))


def feedback(usecase: Contract, known_at: str, names: Collection[str]) -> TableLayout:
    """As `outcomes`, of a file with these columns: `known_at` and late columns that may be null may be missing, and a
    column of the contract's is taken as it is, not derived, where the file has it."""
    whole = outcomes(usecase, known_at)
    late = {c.name for c in usecase.unknown}
    spare = {c.name for c in whole.columns if c.name == known_at or (c.null and c.name in late)}
    columns = [c for c in whole.columns if c.name in names or c.name not in spare]
    derive = {n: e for n, e in whole.derive.items() if n not in names}
    return replace(whole, columns=tuple(columns), needed=(usecase.key,), derive=derive, optional=())


def refuse_offset(
    connection: duckdb.DuckDBPyConnection, usecase: Contract, layout: TableLayout, table: str
) -> None:
    """SourceError where outcomes come with offsets, and the events' times are a place's own: they cannot be compared."""
    times = [c.name for c in layout.columns if c.type == "timestamp"]
    place = times.index(str(layout.time)) if layout.time in times else None
    if place is None or usecase.time is None or not is_local(usecase.column(usecase.time)):
        return
    zoned = f'SELECT 1 FROM {table} WHERE "__zone{place}" LIMIT 1'
    if duckdb_session.rows(connection, zoned):
        raise SourceError(
            f"column '{layout.time}': found times with an offset (Z, +02:00), expected times without one, on the clock "
            f"of '{usecase.time}' ({usecase.column(usecase.time).unit}); write them so in the source"
        )


def _layout(
    usecase: Contract, columns: Iterable[Column], time: str | None, needed: tuple[str, ...]
) -> TableLayout:
    listed = tuple(columns)
    names = {c.name for c in listed}
    own = {
        "columns": listed,
        "time": time,
        "needed": needed,
        "derive": {n: e for n, e in usecase.derive.items() if n in names},
        "optional": tuple(n for n in usecase.optional if n in names),
    }
    return TableLayout(**{f.name: getattr(usecase, f.name) for f in fields(Contract)} | own)
