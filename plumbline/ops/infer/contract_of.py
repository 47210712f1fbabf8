"""A draft's contract, put together from the roles that the columns have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from plumbline.core.declarations import Column, Entity
from plumbline.core.errors import PlumblineError
from plumbline.ops.infer import contract_draft, label_delay
from plumbline.ops.infer.draft import DraftContract
from plumbline.ops.infer.guess import Notes
from plumbline.ops.infer.label_delay import LabelDelay
from plumbline.ops.infer.roles import Roles
from plumbline.ops.infer.safe_names import free
from plumbline.ops.infer.typed_table import TypedColumn

SERIES = "series"
"""The one entity of a table in which no column is one."""
AT_MIDNIGHT = (
    "every time is a midnight: a day's label is known when the day ends; correct it if later"
)
NEXT_DAY = (
    "a day, so that no label is used before it can be known; correct it (hours: label_delay_hours)"
)


@dataclass
class ContractLines:
    """The columns declared so far, with comments and derivations."""

    columns: dict[str, Column] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)
    derive: dict[str, str] = field(default_factory=dict)

    def add(self, column: Column, comment: str, derive: str = "") -> None:
        """A column, once."""
        self.columns[column.name] = column
        self.comments[column.name] = comment
        if derive:
            self.derive[column.name] = derive


def contract(
    columns: Sequence[TypedColumn], roles: Roles, notes: Notes, delay: str | None = None
) -> DraftContract:
    """Key, time, the columns that stay, the label; what is left out is noted. `delay`: the label delay, as given."""
    able = contract_draft.entities(columns, roles)
    lines = ContractLines()
    _key(lines, roles)
    _time(lines, columns, roles)
    reasons = contract_draft.left_out(columns, roles, [*lines.columns, *(e.name for e in able)])
    for column in columns:
        if column.name in reasons:
            notes.add(column.source, "left out", reasons[column.name])
        elif column.name not in lines.columns and column.name != roles.label.name:
            lines.add(*contract_draft.line(column), column.derive)
    entities = _entities(able, columns, roles, notes)
    label = next(c for c in columns if c.name == roles.label.name)
    derive = roles.label.expression if roles.label.classes else label.derive
    lines.add(*contract_draft.label_column(label, roles.label), derive)
    return DraftContract(
        tuple(lines.columns.values()),
        lines.comments,
        lines.derive,
        roles.key,
        roles.label,
        roles.time,
        _delay(roles, notes, delay),
        entities,
    )


def with_column(parts: DraftContract, column: Column, comment: str, derive: str) -> DraftContract:
    """The contract with one more derived column."""
    from dataclasses import replace

    return replace(
        parts,
        columns=(*parts.columns, column),
        comments={**parts.comments, column.name: comment},
        derive={**parts.derive, column.name: derive},
    )


def _key(lines: ContractLines, roles: Roles) -> None:
    key, column = roles.key, roles.key.column
    if column:
        text = contract_draft.description(column.source)
        lines.add(Column(key.name, column.type, "-", text), f"the key: {key.reason}", column.derive)
    else:
        kind = "int" if key.number else "string"
        declared = Column(key.name, kind, "-", "identifies a row (derived)")  # type: ignore[arg-type]
        lines.add(declared, f"the key: {key.reason}", key.expression)


def _time(lines: ContractLines, columns: Sequence[TypedColumn], roles: Roles) -> None:
    time = roles.time
    if time is None:
        return
    column = next((c for c in columns if c.name == time.name), None)
    derive = column.derive if column else time.expression
    note = (
        f"the event time: {time.reason}; {time.first} to {time.last}, events on {time.days:,} days"
    )
    text = contract_draft.description(column.source) if column else "when it happened (derived)"
    lines.add(Column(time.name, "timestamp", "-", text), note, derive)


def _entities(
    able: Sequence[TypedColumn],
    columns: Sequence[TypedColumn],
    roles: Roles,
    notes: Notes,
) -> tuple[Entity, ...]:
    """The entities; one for the whole table where no column's values come again."""
    if roles.time is None:
        return ()
    if able:
        counts = ", ".join(f"{e.name} ({e.facts.distinct:,} values)" for e in able)
        notes.add("entities", str(len(able)), f"values that come again, never missing: {counts}")
        return tuple(contract_draft.entity(e) for e in able)
    name = free(SERIES, [c.name for c in columns])
    notes.add("entities", "1", "no column has values that come again: the table is one series")
    return (Entity(name, None, "all rows together"),)


def _delay(roles: Roles, notes: Notes, given: str | None) -> LabelDelay:
    if roles.time is None:
        if given is not None:
            raise PlumblineError(
                f"--label-delay {given}: the table has no event time that a label could be known after; name it with "
                "--time"
            )
        return LabelDelay()
    if given is not None:
        delay, why = label_delay.parsed(given), f"given: {given}"
    else:
        delay, why = (
            (LabelDelay(0), AT_MIDNIGHT) if roles.time.whole_days else (LabelDelay(1), NEXT_DAY)
        )
    notes.add("label_delay", ", ".join(map(str, delay.fields.values())), why)
    return delay
