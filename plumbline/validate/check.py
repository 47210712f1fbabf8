"""What a check is: its kinds and severities, the layout of the files it looks at, and its SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from plumbline.core.declarations import KNOWN_AT, Column
from plumbline.core.errors import ParamsError, suggest
from plumbline.core.params_base import Severity
from plumbline.core.sql import literal
from plumbline.core.usecase import Contract

TableName = Literal["events", "outcomes", "statistics"]
ROWS = "rows in the file"

EVENT_KEYS = "event_keys"
"""What the checks of outcomes call the events' keys and times, in SQL."""

LARGEST = 3.4028234663852886e38
"""Of float32, in which the model computes: an amount beyond is none that was measured."""

DEFAULTS: Mapping[str, Severity] = {
    # of a table: nothing after them can be trusted, so they always block
    "columns": "block",
    "type": "block",
    "empty": "block",
    "order": "block",
    "partition": "block",
    # of a row
    "null": "quarantine",
    "range": "quarantine",
    "set": "quarantine",
    "unique": "quarantine",
    "future": "quarantine",
    "past": "quarantine",
    "delay": "quarantine",
    "early": "quarantine",
    "tie": "quarantine",
    "orphan": "quarantine",
    # of a window of days, against the accepted profile
    "shares": "warn",
    "mean": "warn",
    "quantiles": "warn",
    "nulls": "warn",
    "rows": "warn",
    "constant": "warn",
    "unit": "block",
    # of days, against those before them: what poisoned data look like
    "label_rate": "warn",
    "label_lone": "warn",
    "label_segments": "warn",
    "label_copies": "warn",
    "outliers": "warn",
}
"""Every kind of check and what happens when it fails, unless params.yaml says otherwise."""

ROW_COUNTS = ("rows per day, ratio", "rows of a day")
"""What the checks of kind rows look at, in place of a column."""
STRUCTURE = ("columns", "type", "empty", "order", "partition")
POISONING = ("label_rate", "label_lone", "label_segments", "label_copies", "outliers")
STATISTICS = ("shares", "mean", "quantiles", "nulls", "rows", "constant", "unit", *POISONING)


@dataclass(frozen=True)
class ContractCheck:
    """One thing that must hold.

    `value` is what is looked at in each row, a DuckDB expression, and `shown` the name of that value
    in frames and reports. It must not be null (kind null, columns), lie between `low` and `high`, be
    one of `allowed`, or be unique. `expects` says so in words. `hidden`: the column is forbidden, and
    no value of it is shown.
    """

    table: TableName
    kind: str
    column: str
    severity: Severity
    expects: str
    shown: str
    value: str = ""
    low: float | None = None
    high: float | None = None
    allowed: tuple[str | int | bool, ...] = ()
    hidden: bool = False

    @property
    def name(self) -> str:
        """How params.yaml and reports call it."""
        return f"{self.column}.{self.kind}"

    @property
    def broken(self) -> str:
        """DuckDB condition over `v`, the value: true for a row that breaks the check."""
        if self.kind == "null":
            return "v IS NULL"
        if self.allowed:
            return f"v NOT IN ({', '.join(literal(a) for a in self.allowed)})"
        bounds = [f"v < {self.low!r}" if self.low is not None else ""]
        bounds += [f"v > {self.high!r}" if self.high is not None else ""]
        return " OR ".join(b for b in bounds if b)


@dataclass(frozen=True)
class Broken:
    """How often a check is broken: rows, the first file, examples as (key, value), or `note` instead."""

    check: ContractCheck
    rows: int
    file: Path
    examples: tuple[tuple[str, str], ...]
    note: str = ""


def severity_of(checked_severity: Mapping[str, Severity], column: str, kind: str) -> Severity:
    """What happens when the check fails: as set in params for the column, for the kind, or by default."""
    return checked_severity.get(f"{column}.{kind}", checked_severity.get(kind, DEFAULTS[kind]))


def layout(usecase: Contract, table: str) -> tuple[Column, ...]:
    """The columns of a table's files, in their order."""
    if table == "events":
        return usecase.known
    key = usecase.column(usecase.key)
    if usecase.time is None:
        return (key, *usecase.unknown)
    known_at = Column(KNOWN_AT, "timestamp", "-", "when the outcome became known")
    return (key, usecase.column(usecase.time), known_at, *usecase.unknown)


def clock(usecase: Contract, table: str) -> str | None:
    """The column whose month names a table's files; None for a plain table."""
    if usecase.time is None:
        return None
    return usecase.time if table == "events" else KNOWN_AT


def day_number(column: str) -> str:
    """DuckDB expression of a time's day as the number yyyymmdd."""
    return f"year({column}) * 10000 + month({column}) * 100 + day({column})"


def checked_severity(usecase: Contract, severity: Mapping[str, Severity]) -> Mapping[str, Severity]:
    """`severity` as params.yaml gives it; ParamsError for a name or a severity that cannot be."""
    for name, wanted in severity.items():
        where = f"params.yaml, {usecase.name}.validate.severity: "
        column, _, kind = name.rpartition(".")
        if kind not in DEFAULTS:
            raise ParamsError(f"{where}there is no check '{kind}'; {suggest(kind, DEFAULTS)}")
        if column:
            checked_column(usecase, column, where)
        choices = _choices(kind)
        if wanted not in choices:
            raise ParamsError(
                f"{where}'{name}' cannot be '{wanted}': it concerns {_subject(kind)}; "
                f"choose {' or '.join(choices)}."
            )
    return severity


def checked_column(usecase: Contract, column: str, where: str) -> None:
    """ParamsError, which begins with `where`, unless a table of the use case has the column."""
    columns = {c.name for c in usecase.columns} | {KNOWN_AT, *ROW_COUNTS}
    if column not in columns:
        raise ParamsError(f"{where}there is no column '{column}'; {suggest(column, columns)}")


def _choices(kind: str) -> tuple[Severity, ...]:
    if kind in STRUCTURE:
        return ("block",)
    return ("block", "warn") if kind in STATISTICS else ("block", "quarantine", "warn")


def _subject(kind: str) -> str:
    return "a whole file" if kind in STRUCTURE else "a window of days, not single rows"
