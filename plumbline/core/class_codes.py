"""Several classes as codes: in the model tables a class is its place among the declared ones; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plumbline.core.declarations import Array
from plumbline.core.usecase import FeatureSet


def coded_table(usecase: FeatureSet, table: Any) -> Any:
    """The Arrow table with the classes of its label as codes, int64; unchanged of other problems.

    Null stays null, and a value that is no class becomes null: the contract has set it aside.
    """
    if not usecase.classes or usecase.label not in table.column_names:
        return table
    import pyarrow as pa
    import pyarrow.compute as pc

    place = table.column_names.index(usecase.label)
    label = table.column(usecase.label)
    kind = pa.string() if isinstance(usecase.classes[0], str) else pa.int64()
    codes = pc.index_in(label.cast(kind), value_set=pa.array(usecase.classes, kind))
    return table.set_column(place, usecase.label, codes.cast(pa.int64()))


def counts(classes: Sequence[str | int], codes: Array) -> Mapping[str, int]:
    """Rows of each class among `codes` (n,); {} without classes."""
    if not classes:
        return {}
    rows = np.bincount(codes.astype(np.int64), minlength=len(classes))
    return {str(name): int(n) for name, n in zip(classes, rows, strict=True)}


def names(classes: Sequence[str | int], codes: Array) -> Array:
    """The class of each code (n,): text, or whole numbers; object."""
    return np.array([*classes], object)[codes.astype(np.int64)]
