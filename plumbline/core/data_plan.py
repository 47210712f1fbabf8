"""The plan of the data: columns that must be there, that may be missing, that are to come; and the gap to it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from pydantic import Field

from plumbline.core import declaration_checks
from plumbline.core.documents import SparseDocument
from plumbline.core.errors import SpecError, suggest

if TYPE_CHECKING:
    from plumbline.core.usecase import Contract


class PlanGap(SparseDocument):
    """What the plan has and the data have not: by name. `required` columns are never missing: they are refused."""

    required: int
    optional: int = 0
    empty: list[str] = Field(default_factory=list)  # optional columns without any value
    planned: list[str] = Field(default_factory=list)  # not there yet
    arrived: list[str] = Field(default_factory=list)  # planned, and in the source now
    lines: list[str] = Field(default_factory=list)  # all of it in words


def gap(usecase: Contract, empty: Collection[str], unused: Collection[str] = ()) -> PlanGap | None:
    """`empty`: columns without any value; `unused`: of the source, those that the contract does not have.

    None where every column is required.
    """
    if not (usecase.optional or usecase.planned):
        return None
    there = {name.casefold() for name in unused}
    arrived = [c.name for c in usecase.planned if c.name.casefold() in there]
    absent = [n for n in usecase.optional if n in empty]
    planned = [c.name for c in usecase.planned if c.name not in arrived]
    titles = {c.name: c.description for c in (*usecase.columns, *usecase.planned)}
    file = f"usecases/{usecase.name}/contract.py"
    lines = [f"planned column '{n}' has arrived: move it to `columns` in {file}" for n in arrived]
    lines += [f"optional column '{n}' has no value ({titles[n]})" for n in absent]
    lines += [f"planned column '{n}' is not there yet ({titles[n]})" for n in planned]
    return PlanGap(
        required=len(usecase.columns) - len(usecase.optional),
        optional=len(usecase.optional),
        empty=absent,
        planned=planned,
        arrived=arrived,
        lines=lines,
    )


def check(usecase: Contract) -> None:
    """SpecError unless optional columns may be null, and planned ones are none of the contract's."""
    where = f"usecases/{usecase.name}/contract.py"
    names = [c.name for c in usecase.columns]
    for name in usecase.optional:
        if name not in names:
            raise SpecError(
                f"{where}: optional: there is no column '{name}'; {suggest(name, names)}."
            )
        if not usecase.column(name).null:
            raise SpecError(
                f"{where}: optional column '{name}' is null where the source lacks it; set null=True on it."
            )
        if name in usecase.derive or name in (usecase.key, usecase.time, usecase.label):
            kind = "derived" if name in usecase.derive else "the key, the time or the label"
            raise SpecError(
                f"{where}: optional: '{name}' is {kind}; only a column read as it is can be optional."
            )
    planned = [c.name for c in usecase.planned]
    for name in planned:
        if name in names or planned.count(name) > 1:
            raise SpecError(
                f"{where}: planned column '{name}' is declared twice; keep it in `columns` where the source has it."
            )
    declaration_checks.names(usecase, planned)
