"""What is refused of how a table is split."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plumbline.core.declarations import Split
from plumbline.core.errors import SpecError

if TYPE_CHECKING:
    from plumbline.core.usecase import FeatureSet

TABLES = ("train", "valid", "test", "current")
"""The model tables, in time order."""


def check(usecase: FeatureSet) -> None:
    """SpecError unless a table can be split as declared."""
    one, where = usecase.split, f"usecases/{usecase.name}/features.py: split"
    if one == Split():
        return
    if usecase.time is not None:
        raise SpecError(
            f"{where}: a table with a time is split by whole days (features.*_days in params.yaml); remove "
            "the split, or `time`."
        )
    if one.column is not None:
        _check_split_column(usecase, where, one)
    if one.group is not None and not usecase.column(one.group).known:
        raise SpecError(f"{where}: group '{one.group}' has known=False; expected a known column.")
    if one.stratify and usecase.problem == "regression":
        raise SpecError(f"{where}: stratify needs classes, and this is a regression; remove it.")


def _check_split_column(usecase: FeatureSet, where: str, one: Split) -> None:
    column = usecase.column(str(one.column))
    if one.group is not None or one.stratify:
        raise SpecError(
            f"{where}: column '{column.name}' gives every row's table; remove group and stratify."
        )
    if column.known or column.type != "string":
        raise SpecError(
            f"{where}: column '{column.name}' is of type {column.type}, known={column.known}; expected string "
            "and known=False, as no request has it."
        )
    odd = sorted(str(v) for v in column.allowed if v not in TABLES)
    if odd:
        raise SpecError(
            f"{where}: column '{column.name}' allows '{odd[0]}'; expected of {', '.join(TABLES)}."
        )
