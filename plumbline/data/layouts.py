"""Which of a contract's columns are read of which table, where outcomes have a table of their own. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from plumbline.core.declarations import Column
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
