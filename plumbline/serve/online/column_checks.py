"""The contract's checks of one column, compiled: a JSON value to the event's plain value, or a Fault. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from plumbline.core.declarations import KNOWN_AT, Column
from plumbline.core.usecase import Contract, FeatureSet
from plumbline.serve.online import times
from plumbline.serve.online.refusals import Fault, shown
from plumbline.validate import contract
from plumbline.validate.check import ContractCheck, TableName

LARGEST_INT = 2**63 - 1
LONGEST_TEXT = 4_096
"""Characters of a text: it is kept in the log and, as an id, in the state."""
EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "string": "text",
    "bool": "true or false",
}
HIDDEN = "a value"
Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class ColumnCheck:
    """What one column's values must be; `convert` makes the plain value of the column's type."""

    name: str
    convert: Convert
    required: bool  # the field must be there
    null: bool
    hidden: bool  # no value is shown
    low: float | None
    high: float | None
    allowed: frozenset[Any] | None
    within: str  # low and high in words
    choices: str  # allowed, in words

    def plain(self, value: Any) -> Any:
        """The event's value, None for null; Fault where it breaks a check."""
        if value is None or value != value:
            if self.null:
                return None
            raise Fault("null", "a value")
        try:
            return self._checked(value)
        except Fault as fault:
            raise Fault(HIDDEN, fault.expected) if self.hidden else fault from None

    def _checked(self, value: Any) -> Any:
        plain = self.convert(value)
        if (self.low is not None and value < self.low) or (
            self.high is not None and value > self.high
        ):
            raise Fault(shown(value), self.within)
        if self.allowed is not None and value not in self.allowed:
            raise Fault(shown(value), self.choices)
        return plain

    def absent(self) -> Any:
        """The value of a field that is not there; Fault where it must be."""
        if self.required:
            raise Fault("nothing", "the field, which is required")
        return None


def compiled(
    usecase: Contract, columns: Iterable[Column], table: TableName, optional: Iterable[str]
) -> tuple[ColumnCheck, ...]:
    """The checks of these columns of a table, as `validate` makes them; `optional`: may be left out."""
    listed = [c for c in contract.checks(usecase) if c.table == table]
    return tuple(one(c, [k for k in listed if k.column == c.name], optional) for c in columns)


def one(
    column: Column, listed: Iterable[ContractCheck] = (), optional: Iterable[str] = ()
) -> ColumnCheck:
    """The check of one column by these checks of it."""
    kinds = {check.kind: check for check in listed}
    within, choices = kinds.get("range"), kinds.get("set")
    return ColumnCheck(
        name=column.name,
        convert=_converter(column),
        required=column.name not in optional,
        null="null" not in kinds,
        hidden=bool(column.forbidden),
        low=within.low if within else None,
        high=within.high if within else None,
        allowed=frozenset(choices.allowed) if choices else None,
        within=within.expects if within else "",
        choices=choices.expects if choices else "",
    )


def outcome_fields(usecase: Contract) -> list[tuple[Column, ColumnCheck]]:
    """The fields of an outcome with their checks: the key, what becomes known, and when it did.

    A column that only says in which table a row stands is none of them.
    """
    split = usecase.split.column if isinstance(usecase, FeatureSet) else None
    key, late = usecase.column(usecase.key), [c for c in usecase.unknown if c.name != split]
    clock = usecase.column(usecase.time).unit if usecase.time else "UTC"
    text = "when it became known; now by default"
    known_at = Column(KNOWN_AT, "timestamp", clock, text, null=True)
    checks = (
        *compiled(usecase, [key], "events", ()),
        *compiled(usecase, late, "outcomes", [c.name for c in late if c.null]),
        one(known_at, optional=[KNOWN_AT]),
    )
    return list(zip((key, *late, known_at), checks, strict=True))


def _converter(column: Column) -> Convert:
    if column.type == "timestamp":
        return partial(times.parse, local=times.is_local(column))
    return {"int": _int, "float": _float, "string": _string, "bool": _bool}[column.type]


def _int(value: Any) -> int:
    if type(value) is not int:
        raise Fault(shown(value), EXPECTED["int"])
    if not -LARGEST_INT - 1 <= value <= LARGEST_INT:
        raise Fault(shown(value), "a whole number within 64 bits")
    return value


def _float(value: Any) -> float:
    if type(value) is not float and type(value) is not int:
        raise Fault(shown(value), EXPECTED["float"])
    try:
        return float(value)
    except OverflowError:
        raise Fault(shown(value), "a number of a size up to 3.4e+38") from None


def _bool(value: Any) -> bool:
    if type(value) is not bool:
        raise Fault(shown(value), EXPECTED["bool"])
    return value


def _string(value: Any) -> str:
    if type(value) is not str:
        raise Fault(shown(value), EXPECTED["string"])
    if len(value) > LONGEST_TEXT:
        raise Fault(f"{len(value):,} characters", f"text of at most {LONGEST_TEXT:,} characters")
    if "\0" in value or not _carried(value):
        raise Fault(shown(value), "text without NUL and without half characters (surrogates)")
    return value


def _carried(text: str) -> bool:
    """Whether UTF-8 can carry the text: a lone surrogate it cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
