"""A use case from a table: types, roles, leaks, ranges, features, section, each with its evidence."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np

from plumbline.core import duckdb_session, usecase_name
from plumbline.core.errors import PlumblineError
from plumbline.ops.infer import (
    column_facts,
    column_types,
    contract_of,
    features_of,
    label_choice,
    module_texts,
    roles,
    safe_names,
    section_draft,
    table_file,
    typed_table,
)
from plumbline.ops.infer.draft import Draft
from plumbline.ops.infer.guess import Guess, Notes
from plumbline.ops.infer.label_choice import Label
from plumbline.ops.infer.section_text import section_text
from plumbline.ops.infer.table_file import TableFile
from plumbline.ops.infer.typed_table import TypedColumn

SUFFIXES = (".csv.gz", ".tsv", ".txt", ".csv", ".parquet", ".pq")


def infer(
    file: Path,
    label: str,
    *,
    time: str | None = None,
    key: str | None = None,
    delay: str | None = None,
    name: str,
) -> Guess:
    """The use case `name` that predicts `label` from the table in `file`.

    `label`: a column, or column=value for one class against the rest; `time`, `key`: columns, guessed where
    not given (`time` "none": a plain table); `delay`: of the label, like 12h. Raises PlumblineError where the file cannot be read, or the
    label cannot be predicted.
    """
    usecase_name.check(name, "the use case's name")
    with (
        tempfile.TemporaryDirectory(prefix="plumbline-") as scratch,
        duckdb_session.connect(Path(scratch)) as connection,
    ):
        return _infer(connection, file, label, time, key, delay, name)


def label_candidates(file: Path) -> list[str]:
    """The columns of the table in `file` that can be the label, the likeliest first."""
    with (
        tempfile.TemporaryDirectory(prefix="plumbline-") as scratch,
        duckdb_session.connect(Path(scratch)) as connection,
    ):
        opened = table_file.load(connection, file)
        return label_choice.suggested(columns_of(connection, opened, Notes()))


def columns_of(
    connection: duckdb.DuckDBPyConnection, file: TableFile, notes: Notes
) -> list[TypedColumn]:
    """The columns that have a type, in the table `typed`; the others are noted."""
    names = safe_names.renamed(file.columns)
    typed = []
    for facts in column_facts.measure(connection, file):
        guess = column_types.guess(facts)
        if guess.refused:
            notes.refuse(facts.name, "another type", guess.refused)
        if guess.type is None:
            notes.add(facts.name, "left out", guess.reason)
        else:
            typed.append(typed_table.column(facts, names[facts.name], guess))
    return typed_table.create(connection, typed)


def _infer(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    wanted: str,
    time: str | None,
    key: str | None,
    delay: str | None,
    name: str,
) -> Guess:
    notes = Notes()
    file = table_file.load(connection, path)
    columns = columns_of(connection, file, notes)
    label = label_choice.choose(columns, wanted)
    notes.add("label", label.problem, label.reason)
    if label.refused:
        notes.refuse("label", "another problem", label.refused)
    columns = typed_table.create(connection, [as_label(c, label) for c in columns])
    known = roles.find(connection, columns, label, time, key, notes)
    contract = contract_of.contract(columns, known, notes, delay)
    contract, features = features_of.features(connection, columns, known, contract, notes)
    draft = Draft(name, file, contract, features, tuple(notes.evidence), tuple(notes.refused))
    return _guess(draft, connection)


def as_label(column: TypedColumn, label: Label) -> TypedColumn:
    """The label's column with its type and expression; of several classes their codes, to compute with."""
    if column.source != label.source:
        return column
    if label.classes:
        return replace(column, type="int", expression=label_choice.code(label))
    kind = "bool" if label.type == "bool" else column.type
    return replace(column, type=kind, expression=label.expression or column.expression)


def _guess(draft: Draft, connection: duckdb.DuckDBPyConnection) -> Guess:
    """The texts, declared once, so that what is refused of a declaration is refused here."""
    parts = draft.contract
    if not draft.features.features:
        raise PlumblineError(_no_feature(draft))
    texts = module_texts.modules(draft)
    module_texts.loaded(draft.name, texts)
    source = draft.name + _suffix(draft.file.path)
    shape = _shape(connection, parts.label, draft.features.offset)
    longest = max((s.days for s in draft.features.snapshots), default=0)
    path = f"sources/{draft.name}/{source}"
    values = section_draft.section(
        draft.file,
        path,
        parts.time,
        parts.label_delay.whole_days,
        longest,
        parts.label.problem,
        shape,
    )
    comments = section_draft.comments(parts.time, parts.label.problem, shape)
    return Guess(
        name=draft.name,
        file=draft.file.path,
        label=parts.label.source,
        problem=parts.label.problem,
        modules=texts,
        section=values,
        section_text=section_text(draft.name, values, comments),
        source_name=source,
        evidence=draft.evidence,
        refused=draft.refused,
    )


def _no_feature(draft: Draft) -> str:
    left = [f"{e.subject} ({e.reason})" for e in draft.evidence if e.guess == "left out"]
    reasons = f"; left out: {'; '.join(left)}" if left else ""
    return (
        f"{draft.file.path}: no column is left to predict '{draft.contract.label.source}' from{reasons}. Choose "
        "another label or key, or give the table a column that is known before"
    )


def _shape(connection: duckdb.DuckDBPyConnection, label: Label, offset: str | None) -> float:
    """Of a 0/1 label the share of ones; else how far the mean lies from the median, in mean deviations.

    Of a regression that starts from a column, of the difference to it.
    """
    start = [offset] if offset in _columns(connection) else []
    numbers = typed_table.numbers(connection, [label.name, *start])
    answer = numbers[label.name] - (numbers[start[0]] if start else 0.0)
    held = answer[np.isfinite(answer)]
    if label.problem == "multiclass":
        return 0.0
    if label.problem == "classification":
        return float(np.mean(held))
    middle = float(np.median(held))
    return float((np.mean(held) - middle) / (np.mean(np.abs(held - middle)) or 1.0))


def _columns(connection: duckdb.DuckDBPyConnection) -> set[str]:
    described = duckdb_session.rows(connection, f"DESCRIBE {typed_table.TYPED}")
    return {str(row[0]) for row in described}


def _suffix(path: Path) -> str:
    return next(s for s in SUFFIXES if path.name.lower().endswith(s))
