"""What a prediction's `definitions` says: the md5 of what features mean, with all that row functions call. Pure."""

from __future__ import annotations

from plumbline.core import dvc_hash
from plumbline.core.files import dumps
from plumbline.core.usecase import FeatureSet
from plumbline.model import carried_functions, manifest


def of(usecase: FeatureSet) -> str:
    """The md5 of a row that was served by these features, constants and helpers of row functions included."""
    table = carried_functions.describe(row.function for row in usecase.rows)[1]
    functions = {name: one.sha256 for name, one in table.items()}
    return dvc_hash.md5_text(dumps([manifest.definitions(usecase), functions]))
