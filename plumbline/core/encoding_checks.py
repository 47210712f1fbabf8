"""What is refused of a target encoding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plumbline.core.errors import SpecError, suggest

if TYPE_CHECKING:
    from plumbline.core.usecase import FeatureSet


def check(usecase: FeatureSet) -> None:
    """SpecError unless each encoding is of a known category, in a plain table with whole labels."""
    for one in usecase.encodings:
        where = f"usecases/{usecase.name}/features.py: encoding '{one.name}'"
        if usecase.time is not None:
            raise SpecError(
                f"{where}: a table with a time has histories; use a Snapshot with matured=True, which is this "
                "without a look ahead."
            )
        known = {c.name: c for c in usecase.known}
        if one.column not in known:
            raise SpecError(
                f"{where}: '{one.column}' is no known column; {suggest(one.column, known)}."
            )
        if known[one.column].type not in ("string", "int"):
            kind = known[one.column].type
            raise SpecError(f"{where}: '{one.column}' is of type {kind}; expected string or int.")
        if usecase.column(usecase.label).type not in ("int", "bool"):
            raise SpecError(
                f"{where}: the label is of type float; only integers sum to the same bits: declare it in a "
                "smaller unit."
            )
        if one.folds < 2 or not one.smoothing > 0:
            raise SpecError(
                f"{where}: folds={one.folds}, smoothing={one.smoothing}; expected at least 2 folds, and a "
                "smoothing above 0."
            )
