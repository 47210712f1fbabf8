"""Whether the sums of histories fit in 64 bits: integers that large would wrap around."""

from __future__ import annotations

from typing import Any

from plumbline.core.errors import ContractError
from plumbline.core.usecase import FeatureSet

LARGEST = 2**63
"""Of the integers that are summed, exclusive."""


def check(usecase: FeatureSet, events: Any, outcomes: Any) -> None:
    """ContractError for a summed column whose values together are beyond 64 bits; Ibis tables."""
    summed = {f.column: f.name for f in usecase.aggregates if f.column and not f.edges}
    for table in (events, outcomes):
        own = [name for name in summed if name in table.columns]
        if not own:
            continue
        sizes = {name: table[name].cast("float64").abs().sum() for name in own}
        for name, size in table.aggregate(**sizes).to_pyarrow().to_pylist()[0].items():
            if size is not None and size >= LARGEST:
                raise ContractError(
                    f"{usecase.name}: '{summed[name]}' sums '{name}', whose values add up to {size:.3g}; a sum has "
                    "64 bits, up to 9.2e+18. Declare the column in a larger unit, or bound it with min and max in "
                    f"usecases/{usecase.name}/contract.py."
                )
