"""What is predicted: the label's column, the problem, and how its values become numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plumbline.core import class_checks
from plumbline.core.errors import PlumblineError, suggest
from plumbline.core.sql import literal, quote
from plumbline.ops.infer import date_parts, ranges, row_key
from plumbline.ops.infer.column_facts import MISSING, ColumnFacts
from plumbline.ops.infer.column_types import words
from plumbline.ops.infer.typed_table import TypedColumn

NAMES = ("label", "target", "outcome", "response", "y", "class", "answer", "result", "score")
"""Names that labels often bear, the likeliest first."""
CLASSES = frozenset(
    {"class", "target", "species", "type", "kind", "category", "variety", "cluster"}
)
"""Words of a label whose whole numbers are codes of classes."""
LEAST = 10
"""Rows that a class has, at least: each window of the data needs some."""
FEW = 10
"""Whole numbers of at most so many kinds may be classes."""
YES = ("1", "true", "yes", "y", "t", "positive", "pos", "bad", "fail", "failed", "malignant")
NO = ("0", "false", "no", "n", "f", "negative", "neg", "good", "pass", "passed", "benign")


@dataclass(frozen=True)
class Label:
    """The label as the contract has it. `expression`: over the source's columns, empty where as it is."""

    source: str
    name: str
    problem: str
    type: str  # float, int or bool; of several classes int or string
    reason: str
    expression: str = ""
    refused: str = ""
    classes: tuple[str | int, ...] = ()  # of several, the most frequent first


def suggested(columns: Sequence[TypedColumn]) -> list[str]:
    """The source's columns that can be the label, the likeliest first."""
    able = [c for c in columns if c.type != "timestamp" and c.facts.distinct >= 2]
    able = [c for c in able if c.numeric or c.facts.distinct == 2 or _is_class(c)]
    able = [c for c in able if not _is_context(c)] or able
    last = {c.name: -place for place, c in enumerate(columns)}

    def rank(column: TypedColumn) -> tuple[int, int]:
        parts = words(column.source)
        hits = [n for n, name in enumerate(NAMES) if name in parts]
        return (hits[0] if hits else len(NAMES), last[column.name])

    return [c.source for c in sorted(able, key=rank)]


def _is_class(column: TypedColumn) -> bool:
    """Whether it has few values, and a name of classes."""
    few = column.facts.distinct <= class_checks.MOST
    return few and bool({*CLASSES, *NAMES}.intersection(words(column.source)))


def _is_context(column: TypedColumn) -> bool:
    """Whether its name says that it is a part of a date, or identifies something."""
    parts = {name for names in date_parts.PARTS.values() for name in names}
    return column.source.lower() in parts or row_key.hinted(column)


def choose(columns: Sequence[TypedColumn], wanted: str) -> Label:
    """The label `wanted`: a column, or column=value for one class against the rest.

    Raises PlumblineError where there is no such column, or it cannot be predicted.
    """
    by_source = {c.source: c for c in columns}
    name, sign, value = wanted.rpartition("=")
    if wanted not in by_source and sign and name in by_source:
        return _one_class(by_source[name], value)
    if wanted not in by_source:
        raise PlumblineError(f"label '{wanted}': no such column; {suggest(wanted, by_source)}")
    column = by_source[wanted]
    if column.facts.distinct < 2:
        raise PlumblineError(
            f"label '{wanted}': all values are the same; there is nothing to predict"
        )
    if column.facts.distinct == 2:
        return _two(column)
    if column.type in ("int", "float"):
        return _number(column)
    if column.type == "timestamp":
        raise PlumblineError(
            f"label '{wanted}': times cannot be predicted; derive a number in the source (hours until then, "
            "say)"
        )
    return _several(column)


def _number(column: TypedColumn) -> Label:
    facts = column.facts
    if max(abs(column.low or 0.0), abs(column.high or 0.0)) >= ranges.LARGEST:
        raise PlumblineError(
            f"label '{column.source}': it has numbers that the model's 32 bits do not hold; give it in a larger unit"
        )
    refused = ""
    coded = CLASSES.intersection(words(column.source))
    if column.type == "int" and coded and facts.distinct <= class_checks.MOST:
        return _several(column)
    if column.type == "int" and facts.distinct <= FEW:
        refused = (
            f"a classification: {facts.distinct} whole numbers could be classes; for one against the rest give "
            f'the label as {column.source}={facts.top[-1][0]}, for all of them set problem="multiclass"'
        )
    reason = f"{facts.distinct:,} different numbers"
    expression = column.expression or (quote(column.source) if column.name != column.source else "")
    return Label(column.source, column.name, "regression", column.type, reason, expression, refused)


def _two(column: TypedColumn) -> Label:
    """Two values: 0 and 1 as they are, others mapped."""
    facts, values = column.facts, [v for v, _ in column.facts.top]
    kind = "classification"
    if column.type == "bool" or set(values) == {"0", "1"}:
        reason = f"two values, {' and '.join(sorted(values))}"
        expression = quote(column.source) if column.name != column.source else ""
        return Label(column.source, column.name, kind, "bool", reason, expression)
    positive = _positive(facts)
    other = next(v for v in values if v != positive)
    reason = f"two values: 1 where it is {positive!r}, 0 where {other!r}"
    refused = f"the other way round: give the label as {column.source}={other}"
    return Label(column.source, column.name, kind, "bool", reason, _is(column, positive), refused)


def _one_class(column: TypedColumn, value: str) -> Label:
    values = dict(column.facts.top)
    if value not in values:
        raise PlumblineError(
            f"label '{column.source}={value}': no row has this value; {suggest(value, values)}"
        )
    if len(values) < 2:
        raise PlumblineError(f"label '{column.source}={value}': all values are the same")
    reason = f"1 where {column.source} is {value!r} ({values[value]:,} rows), 0 in the others"
    expression = _is(column, value)
    return Label(column.source, column.name, "classification", "bool", reason, expression)


def _is(column: TypedColumn, value: str) -> str:
    """1 or 0; null stays null."""
    text = f"CAST({quote(column.source)} AS VARCHAR)"
    return f"CASE WHEN {text} = {literal(value)} THEN 1 WHEN {text} IS NOT NULL THEN 0 END"


def _positive(facts: ColumnFacts) -> str:
    """The value that means yes, else the rarer one, else the later in the alphabet."""
    values = [v for v, _ in facts.top]
    for value in values:
        other = next(v for v in values if v != value)
        if value.lower() in YES or other.lower() in NO:
            return value
    (first, count), (second, fewer) = facts.top
    return second if fewer < count else max(first, second)


def _several(column: TypedColumn) -> Label:
    """Several classes, as they are; words for a missing value are none."""
    rows = {value: n for value, n in column.facts.top if value not in MISSING}
    if column.facts.distinct - len(column.facts.missing_words) > class_checks.MOST:
        raise _refused(column, f"at most {class_checks.MOST} can be distinguished")
    rare = [value for value, n in rows.items() if n < LEAST]
    if rare:
        text = f"class {rare[0]!r} has {rows[rare[0]]} rows, {LEAST} are needed"
        raise _refused(column, f"{text}: put rare ones together in the source")
    whole = column.type == "int" and all(value.lstrip("-").isdigit() for value in rows)
    classes = tuple(int(v) if whole else v for v in rows)
    shown = ", ".join(f"{value!r} {n:,}" for value, n in rows.items())
    return Label(
        column.source,
        column.name,
        "multiclass",
        "int" if whole else "string",
        f"{len(rows)} classes, by their rows: {shown}",
        _without_words(column),
        f"one class against the rest: give the label as {column.source}={next(iter(rows))}",
        classes,
    )


def _without_words(column: TypedColumn) -> str:
    """The column with its words for a missing value as null; empty where it is taken as it is."""
    listed = ", ".join(map(literal, column.facts.missing_words))
    if not listed:
        return quote(column.source) if column.name != column.source else ""
    text = f"CAST({quote(column.source)} AS VARCHAR)"
    return f"CASE WHEN {text} NOT IN ({listed}) THEN {quote(column.source)} END"


def code(label: Label) -> str:
    """SQL over the source's columns for a class's place among the classes; null for none."""
    listed = ", ".join(literal(str(c)) for c in label.classes)
    return f"list_position([{listed}], CAST({quote(label.source)} AS VARCHAR)) - 1"


def _refused(column: TypedColumn, why: str) -> PlumblineError:
    facts = column.facts
    shown = ", ".join(repr(v) for v, _ in facts.top[:5])
    more = f" and {facts.distinct - 5:,} more" if facts.distinct > 5 else ""
    return PlumblineError(
        f"label '{column.source}': {facts.distinct:,} classes ({shown}{more}), and {why}. For one against the rest "
        f"give the label as {column.source}={facts.top[0][0]}, or choose a number, or a column of two values"
    )
