"""What is refused of the scale on which a model learns its label."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from plumbline.core.declarations import Scale
from plumbline.core.errors import SpecError

if TYPE_CHECKING:
    from plumbline.core.usecase import FeatureSet


def check(usecase: FeatureSet) -> None:
    """SpecError unless label and offset have values on the declared scale."""
    where, scale = f"usecases/{usecase.name}/features.py: scale", usecase.scale
    if scale not in get_args(Scale):
        raise SpecError(f"{where} is {scale!r}; expected one of {', '.join(get_args(Scale))}.")
    if scale == "label":
        return
    if usecase.problem != "regression":
        raise SpecError(f"{where}='{scale}' is of a regression; remove it.")
    if scale == "ratio" and usecase.offset is None:
        raise SpecError(f"{where}='ratio' divides the label by the offset; declare `offset`.")
    _check_bound(usecase, where, usecase.label, above=False)
    if usecase.offset is not None and usecase.offset in {c.name for c in usecase.columns}:
        _check_bound(usecase, where, usecase.offset, above=scale != "log")


def _check_bound(usecase: FeatureSet, where: str, name: str, *, above: bool) -> None:
    """SpecError unless the contract bounds the column: from 0 up, or above 0."""
    if usecase.scale == "ratio" and name == usecase.label:
        return
    column = usecase.column(name)
    if column.min is None or column.min < 0 or (above and column.min == 0):
        raise SpecError(
            f"{where}='{usecase.scale}' needs values {'above 0' if above else 'from 0 up'}, and column '{name}' "
            f"has min={column.min}; set its min in contract.py, so that other rows are set aside."
        )
