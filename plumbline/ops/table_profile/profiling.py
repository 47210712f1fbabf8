"""A table's profile: types, time, key, entities, label, leaks, and what is odd, from the file alone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import duckdb

from plumbline.core import duckdb_session
from plumbline.core.errors import PlumblineError
from plumbline.core.sql import quote
from plumbline.ops.infer import (
    contract_draft,
    event_time,
    inference,
    joint_leaks,
    label_choice,
    roles,
    row_key,
    table_file,
    typed_table,
)
from plumbline.ops.infer.event_time import EventTime
from plumbline.ops.infer.guess import Notes
from plumbline.ops.infer.roles import Roles
from plumbline.ops.infer.table_file import TABLE, TableFile
from plumbline.ops.infer.typed_table import TypedColumn
from plumbline.ops.table_profile import column_shapes, label_rates
from plumbline.ops.table_profile.table_document import (
    LabelRates,
    ProfiledColumn,
    TableFinding,
    TableProfile,
    TimeSheet,
)
from plumbline.validate import time_coverage

NEARLY_KEY = 0.5
"""Share of different values from which an id with repeats was meant as a key."""
SHOWN = 5


@dataclass(frozen=True)
class TableQuestions:
    """What is known of the table beforehand: columns, and how a CSV is written. Empty: guessed."""

    label: str | None = None
    time: str | None = None
    key: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    unknown: tuple[str, ...] = ()  # columns that no feature uses anyway: they give nothing away
    hidden: tuple[str, ...] = ()  # columns of which no value is shown by itself


def of_file(path: Path, questions: TableQuestions) -> TableProfile:
    """The profile of a CSV or Parquet file; SourceError where it cannot be read."""
    with (
        tempfile.TemporaryDirectory(prefix="plumbline-") as scratch,
        duckdb_session.connect(Path(scratch)) as connection,
    ):
        file = table_file.load(connection, path, questions.delimiter, questions.encoding)
        return _profile(connection, file, questions)


def of_query(name: Path, query: str, questions: TableQuestions) -> TableProfile:
    """The profile of a query's rows, called `name`."""
    with (
        tempfile.TemporaryDirectory(prefix="plumbline-") as scratch,
        duckdb_session.connect(Path(scratch)) as connection,
    ):
        return _profile(connection, table_file.of_query(connection, name, query), questions)


def _profile(
    connection: duckdb.DuckDBPyConnection, file: TableFile, questions: TableQuestions
) -> TableProfile:
    notes = Notes()
    columns = inference.columns_of(connection, file, notes)
    if not columns:
        raise PlumblineError(f"{file.path}: no column has a value that could be read")
    labels = label_choice.suggested(columns)
    label = questions.label or (labels[0] if labels else "")
    described = [column_shapes.column(connection, c) for c in columns]
    described += [_unreadable(e.subject, e.reason, file.rows) for e in notes.evidence]
    sheet = _roles(connection, columns, label, questions, notes)
    repeated = _repeated_rows(connection)
    findings = [*_of_rows(repeated), *_of_columns(described), *sheet.findings]
    findings += [_finding(r.subject, f"{r.considered}: {r.reason}") for r in notes.refused]
    return TableProfile(
        table=file.path.name,
        rows=file.rows,
        repeated_rows=repeated,
        settings=file.settings,
        columns=described,
        time=sheet.time,
        key=sheet.key,
        key_reason=sheet.key_reason,
        entities=sheet.entities,
        label=label,
        labels=labels,
        findings=findings,
        rates=sheet.rates,
    )


@dataclass
class _Sheet:
    """The roles of columns, and what is odd about them."""

    time: TimeSheet | None = None
    key: str = ""
    key_reason: str = ""
    entities: list[str] = field(default_factory=list)
    findings: list[TableFinding] = field(default_factory=list)
    rates: LabelRates | None = None


def _roles(
    connection: duckdb.DuckDBPyConnection,
    columns: Sequence[TypedColumn],
    label: str,
    questions: TableQuestions,
    notes: Notes,
) -> _Sheet:
    by_source = {c.source: c for c in columns}
    name = by_source[label].name if label in by_source else ""
    rows = columns[0].facts.rows
    when = event_time.guess(connection, columns, name, questions.time, notes)
    key = row_key.guess(connection, columns, name, when, rows, questions.key)
    sheet = _Sheet(key=key.column.source if key.column else "", key_reason=key.reason)
    if when:
        sheet.time, odd = _time(connection, when)
        sheet.findings += odd
    sheet.findings += _of_keys(columns, sheet.key)
    sheet.findings += _leaks(connection, columns, label, when, sheet, key, questions)
    return sheet


def _time(
    connection: duckdb.DuckDBPyConnection, when: EventTime
) -> tuple[TimeSheet, list[TableFinding]]:
    query = f"SELECT {when.expression} AS {quote(when.name)} FROM {TABLE}"
    seen = time_coverage.coverage(connection, query, when.name)
    assert seen is not None
    day = f"CAST({quote(when.name)} AS DATE)"
    counted = duckdb_session.rows(
        connection, f"SELECT {day}, count(*) FROM ({query}) GROUP BY ALL ORDER BY 1"
    )
    days = [d for d, _ in counted]
    gaps = [(b - a).days - 1 for a, b in pairwise(days)]
    sheet = TimeSheet(
        column=when.name if not when.parts else " + ".join(when.parts),
        reason=when.reason,
        first=str(seen.first),
        last=str(seen.last),
        days=seen.days,
        span=seen.span,
        missing_days=[str(d) for d in seen.missing_days],
        longest_gap_days=max(gaps, default=0),
        repeated=seen.repeated,
        rows_per_day={str(d): int(n) for d, n in counted},
    )
    lines = time_coverage.sentences(seen, sheet.column)
    return sheet, [_finding(sheet.column, line, grave=True) for line in lines]


def _leaks(
    connection: duckdb.DuckDBPyConnection,
    columns: Sequence[TypedColumn],
    label: str,
    when: EventTime | None,
    sheet: _Sheet,
    key: row_key.RowKey,
    questions: TableQuestions,
) -> Iterator[TableFinding]:
    """What gives the label away; fills in the entities, which a label is none of, and the label's rates."""
    try:
        answer = label_choice.choose(columns, label) if label else None
    except PlumblineError as error:
        yield _finding(label, str(error))
        answer = None
    if answer is None:
        return
    typed = [inference.as_label(c, answer) if c.source == answer.source else c for c in columns]
    measured = typed_table.create(connection, typed)
    late = [sheet.key, *questions.unknown, *questions.hidden]
    sheet.rates = label_rates.of(connection, measured, answer, when, late)
    reasons = roles.leaks(connection, measured, answer, when)
    able = contract_draft.entities(measured, Roles(answer, when, key, reasons))
    sheet.entities = [c.source for c in able]
    sources = {c.name: c.source for c in measured}
    for pair in roles.joint(connection, measured, answer, reasons):
        yield _finding(f"{pair[0]}, {pair[1]}", joint_leaks.sentence(pair))
    for name, reason in reasons.items():
        if name in questions.unknown:
            continue
        text = f"may give the label '{answer.source}' away: {reason}"
        yield _finding(sources[name], text, grave=True)


def _of_rows(repeated: int) -> Iterator[TableFinding]:
    if repeated:
        yield _finding("rows", f"{repeated:,} rows equal another row in every column", grave=True)


def _of_columns(columns: Sequence[ProfiledColumn]) -> Iterator[TableFinding]:
    for column in columns:
        if not column.type:
            yield _finding(column.name, column.reason)
        elif column.distinct == 1:
            yield _finding(column.name, "a constant: one value in all rows that have one")


def _of_keys(columns: Sequence[TypedColumn], key: str) -> Iterator[TableFinding]:
    """Ids that nearly identify a row."""
    for column in columns:
        facts = column.facts
        copies = facts.values - facts.distinct
        meant = row_key.hinted(column) and facts.distinct >= NEARLY_KEY * facts.rows
        if meant and copies and column.source != key:
            text = f"{copies:,} of {facts.rows:,} rows repeat a value, though its name says that it identifies"
            yield _finding(column.source, text, grave=True)


def _unreadable(name: str, reason: str, rows: int) -> ProfiledColumn:
    missing = rows if "no value" in reason else 0
    return ProfiledColumn(
        name=name,
        type="",
        reason=reason,
        missing=missing,
        distinct=0,
        low="",
        high="",
        histogram=[],
        frequent=[],
    )


def _repeated_rows(connection: duckdb.DuckDBPyConnection) -> int:
    query = f"SELECT count(*) FROM (SELECT DISTINCT * FROM {TABLE})"
    total = duckdb_session.rows(connection, f"SELECT count(*) FROM {TABLE}")[0][0]
    return int(total - duckdb_session.rows(connection, query)[0][0])


def _finding(subject: str, text: str, *, grave: bool = False) -> TableFinding:
    return TableFinding(subject=subject, text=text, grave=grave)
