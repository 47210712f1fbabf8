"""Every name that a use case declares, for a use case in one file: `from plumbline.usecase import *`.

The three parts of a use case in `usecases/<name>/` import these names from `plumbline.core`.
"""

from plumbline.core.declarations import (
    Array,
    Behaviour,
    Category,
    Column,
    Deprecated,
    Encoding,
    Entity,
    Fresh,
    Hourly,
    Measure,
    Only,
    Row,
    Slice,
    Snapshot,
    Split,
    Terms,
    TopK,
    Use,
    Where,
)
from plumbline.core.usecase import Contract, FeatureSet, UseCase

__all__ = [
    "Array",
    "Behaviour",
    "Category",
    "Column",
    "Contract",
    "Deprecated",
    "Encoding",
    "Entity",
    "FeatureSet",
    "Fresh",
    "Hourly",
    "Measure",
    "Only",
    "Row",
    "Slice",
    "Snapshot",
    "Split",
    "Terms",
    "TopK",
    "Use",
    "UseCase",
    "Where",
]
