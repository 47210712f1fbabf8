"""What a column of values holds, as numpy sees it: numbers, or text."""

from __future__ import annotations

import numpy as np

from plumbline.core.declarations import Array

NUMBERS = ("integer", "floating", "mixed-integer-float", "boolean", "empty")
"""What pandas calls a column of objects that are numbers."""


def is_number(values: Array) -> bool:
    """Whether a column holds numbers, truth values or times rather than text."""
    return values.dtype.kind in "biufM"


def numeric(values: Array) -> Array | None:
    """The values as float64 (n,), NaN for a null; None where there is text.

    >>> numeric(np.array([1, None, 2.5], object))
    array([1. , nan, 2.5])
    """
    if is_number(values):
        return values.astype(np.float64)
    import pandas as pd

    if pd.api.types.infer_dtype(values, skipna=True) not in NUMBERS:
        return None
    return pd.to_numeric(pd.Series(values)).to_numpy(np.float64)
