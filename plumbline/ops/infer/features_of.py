"""A draft's features, and what its model is judged by, from the contract and the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb
import numpy as np

from plumbline.core.declarations import Array, Column
from plumbline.ops.infer import feature_draft, typed_table
from plumbline.ops.infer.contract_of import with_column
from plumbline.ops.infer.draft import DraftContract, DraftFeatures, RowFunction
from plumbline.ops.infer.event_time import EventTime
from plumbline.ops.infer.feature_draft import LabelHistory
from plumbline.ops.infer.guess import Notes
from plumbline.ops.infer.roles import Roles
from plumbline.ops.infer.safe_names import free
from plumbline.ops.infer.typed_table import TypedColumn

SCALES = (10, 100, 1_000, 10_000, 100_000)
"""Whole multiples in which a label with fractions is summed."""
STARTED = 0.7
"""Share of a constant's error below which the model starts from a column."""


@dataclass(frozen=True)
class FeatureInputs:
    """The columns that features may use, and numbers of them and of the label."""

    columns: tuple[TypedColumn, ...]
    numbers: Mapping[str, Array]
    label: TypedColumn


def features(
    connection: duckdb.DuckDBPyConnection,
    columns: Sequence[TypedColumn],
    roles: Roles,
    contract: DraftContract,
    notes: Notes,
) -> tuple[DraftContract, DraftFeatures]:
    """The features; the contract with what their histories need."""
    inputs = _inputs(connection, columns, roles, contract)
    taken = {c.name for c in contract.columns} | {c.name for c in columns}
    entities = {e.column for e in contract.entities if e.column}
    parts = DraftFeatures(
        categories=feature_draft.categories(inputs.columns, taken),
        rows=feature_draft.since(inputs.columns, roles.time, taken),
        slices=feature_draft.slices(inputs.columns, inputs.numbers, roles.label.name),
    )
    if parts.categories:
        notes.add(
            "categories",
            str(len(parts.categories)),
            "texts as codes; rare and new values share one",
        )
    if parts.slices:
        notes.add(
            "slices",
            str(len(parts.slices)),
            "few values, and thirds of what goes most with the label",
        )
    if roles.time:
        contract, parts = _with_histories(inputs, roles.time, contract, parts, taken, notes)
    numeric = [c.name for c in inputs.columns if c.numeric and c.name not in entities]
    parts = replace(parts, features=_names(numeric, parts))
    return contract, _with_answers(inputs, roles, parts, numeric, notes)


def _inputs(
    connection: duckdb.DuckDBPyConnection,
    columns: Sequence[TypedColumn],
    roles: Roles,
    contract: DraftContract,
) -> FeatureInputs:
    declared = {c.name for c in contract.columns} - {roles.key.name, roles.label.name}
    declared -= {roles.time.name} if roles.time else set()
    used = tuple(c for c in columns if c.name in declared)
    names = [c.name for c in used if c.numeric]
    label = next(c for c in columns if c.name == roles.label.name)
    numbers = typed_table.numbers(connection, [*names, label.name])
    return FeatureInputs(used, numbers, label)


def _names(numeric: Sequence[str], parts: DraftFeatures) -> tuple[str, ...]:
    histories = [*(s.name for s in parts.snapshots), *(f.name for f in parts.fresh)]
    declared = [*(c.name for c in parts.categories), *histories, *(r.name for r in parts.rows)]
    return (*numeric, *declared)


def _with_histories(
    inputs: FeatureInputs,
    time: EventTime,
    contract: DraftContract,
    parts: DraftFeatures,
    taken: set[str],
    notes: Notes,
) -> tuple[DraftContract, DraftFeatures]:
    """Histories of the label by entity, counts, the calendar."""
    rows = (*parts.rows, *feature_draft.calendar(time, taken))
    if contract.label.classes:
        why = "classes have no sum; derive a 0/1 column of one with known=False, and keep its histories"
        notes.refuse("label", "histories", why)
        return contract, replace(parts, rows=rows)
    history, contract = _label_history(inputs, contract, taken, notes)
    names = [e.name for e in contract.entities]
    series = contract.entities[0].column is None
    if history is None:
        return contract, replace(parts, rows=rows)
    snapshots = feature_draft.snapshots(names, time, history, series, taken)
    fresh = feature_draft.fresh(names, time, taken)
    span = f"{time.span:,} days, {time.gap} from one with events to the next"
    notes.add(
        "snapshots", str(len(snapshots)), f"the label's means by entity; the table spans {span}"
    )
    if fresh:
        notes.add("fresh", str(len(fresh)), "events have times of the day")
    return contract, replace(parts, rows=rows, snapshots=snapshots, fresh=fresh)


def _label_history(
    inputs: FeatureInputs, contract: DraftContract, taken: set[str], notes: Notes
) -> tuple[LabelHistory | None, DraftContract]:
    """The whole numbers that histories of the label sum; a derived column where it has fractions."""
    label, answer = inputs.label, inputs.numbers[inputs.label.name]
    early = answer[: max(1, len(answer) // 2)]
    middle = float(np.nanmean(early)) if np.isfinite(early).any() else 0.0
    if label.type == "bool":
        return LabelHistory(label.name, 1, "rate", float(f"{middle:.2g}")), contract
    if label.type == "int":
        return LabelHistory(label.name, 1, "mean", float(f"{middle:.4g}")), contract
    if label.facts.missing_words:
        why = "the label has words for missing values, which a whole number cannot hold; empty them"
        notes.refuse("label", "histories", why)
        return None, contract
    scale = _scale(answer)
    name = free(f"{label.name}_x{scale}", taken)
    taken.add(name)
    text = f"{label.name} times {scale:,}, for histories: only whole numbers are summed"
    column = Column(name, "int", f"1/{scale}", text, null=label.nulls > 0, known=False)
    value = f"TRY_CAST({label.raw} AS DOUBLE)"
    derive = f"CAST(round({scale} * {value}) AS BIGINT)"
    extended = with_column(contract, column, f"int: {text}", derive)
    return LabelHistory(name, scale, "mean", float(f"{middle * scale:.4g}")), extended


def _scale(answer: Array) -> int:
    """The smallest multiple that keeps the label's digits, or a thousandth of its spread."""
    held = answer[np.isfinite(answer)]
    for scale in SCALES:
        exact = np.allclose(held * scale, np.round(held * scale), rtol=0, atol=1e-6)
        if exact or float(np.std(held)) * scale >= 1000:
            return scale
    return SCALES[-1]


def _with_answers(
    inputs: FeatureInputs, roles: Roles, parts: DraftFeatures, numeric: Sequence[str], notes: Notes
) -> DraftFeatures:
    """The naive answer to beat, and what a regression starts from; several classes have neither."""
    if roles.label.classes:
        return parts
    label = roles.label.name
    whole = [c.name for c in inputs.columns if c.name in numeric and c.nulls == 0]
    if roles.label.problem == "classification":
        best = feature_draft.score(inputs.numbers, label, whole)
        if best is None:
            return parts
        notes.add("naive", best[0], f"rises most with the label (correlation {best[1]:.2f})")
        return replace(parts, naive=best[0])
    start = feature_draft.starting_point(inputs.numbers, label, whole)
    if start is None:
        return _with_last(inputs, parts, notes)
    share = f"as the answer it has {100 * start[1]:.0f} % of a constant's mean absolute error"
    notes.add("naive", start[0], share)
    parts = replace(parts, naive=start[0])
    if start[1] >= STARTED:
        return parts
    notes.add("offset", start[0], f"the model learns the difference to it: {share}")
    return replace(parts, offset=start[0])


def _with_last(inputs: FeatureInputs, parts: DraftFeatures, notes: Notes) -> DraftFeatures:
    """A series' last value as the answer, where it is nearer than a constant."""
    histories = [s for s in parts.snapshots if s.aggregate == "mean"]
    entities = {s.entity for s in histories}
    answer = inputs.numbers[inputs.label.name]
    if len(entities) != 1 or not histories:
        return parts
    last = np.nanmean(np.abs(np.diff(answer)))
    constant = np.nanmean(np.abs(answer - np.nanmedian(answer)))
    if not constant or last / constant >= feature_draft.STARTS:
        return parts
    shortest = min(histories, key=lambda s: s.days)
    unit = int(inputs_scale(shortest.column or "", inputs.label.name))
    name = free("last_label", {*parts.features, *(c.name for c in inputs.columns)})
    body = f"return {shortest.name} / {unit}"
    row = RowFunction(name, (shortest.name,), f"Mean label of the last {shortest.days} days", body)
    share = (
        f"the value before has {100 * last / constant:.0f} % of a constant's mean absolute error"
    )
    notes.add("naive", name, share)
    notes.add("offset", name, f"the model learns the difference to it: {share}")
    return replace(
        parts, rows=(*parts.rows, row), features=(*parts.features, name), naive=name, offset=name
    )


def inputs_scale(column: str, label: str) -> int:
    """The multiple that a history's column is of the label.

    >>> inputs_scale("level_x100", "level"), inputs_scale("level", "level")
    (100, 1)
    """
    _, _, scale = column.removeprefix(label).partition("_x")
    return int(scale) if scale.isdigit() else 1
