"""The md5 of what a use case's features mean: the same for a bundle, its tiles and the checkout. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from plumbline.core import function_text
from plumbline.core.files import dumps
from plumbline.core.hashing import md5_bytes
from plumbline.core.table_declarations import Split
from plumbline.core.usecase import FeatureSet

LATER: Mapping[str, Any] = {
    "label_delay_hours": 0,
    "label_delay_minutes": 0,
    "hourly": (),
    "encodings": (),
    "split": Split(),
    "only": (),
    "top": None,
    "eligible": (),
    "scale": "label",
    "classes": (),
    "Snapshot.lag": 1,
    "Fresh.matured": False,
    "Category.native": False,
    "version": 1,
    "views": {},
    "optional": (),
    "planned": (),
    "terms": None,
    **{f"{kind}.version": 1 for kind in ("Snapshot", "Hourly", "Fresh", "Category", "Encoding")},
    "Row.version": 1,
    "Entity.kept_by": "",
}
"""What could not be declared when the format began, with its default: at that, an md5 leaves it out."""


def definitions(usecase: FeatureSet) -> str:
    """The md5 of what the features mean: declarations, vocabularies, row functions' source."""
    contents: dict[str, Any] = {
        "columns": {c.name: (c.type, c.unit) for c in usecase.known},
        "derive": dict(usecase.derive),
        "entities": {e.name: e.column for e in usecase.entities},
        "label_delay": usecase.label_delay,
        "rows": {r.name: function_text.of(r.function) for r in usecase.rows},
        "marks": usecase.derived,  # the key is part of the md5 that every bundle holds
        "order": usecase.features,
        "offset": usecase.offset,
    }
    for name in ("label_delay_hours", "label_delay_minutes", "scale", "classes"):
        if getattr(usecase, name) != LATER[name]:
            contents[name] = getattr(usecase, name)
    for kind in ("snapshots", "hourly", "fresh", "categories", "encodings"):
        declared = [_plain(f) for f in getattr(usecase, kind)]
        if declared or kind not in LATER:
            contents[kind] = declared
    return md5_bytes(dumps(contents).encode("utf-8"))


def _plain(declared: Any) -> dict[str, Any]:
    """A declaration's fields; those of `LATER` only where they are not at their default."""
    plain, kind = {**asdict(declared), "description": ""}, type(declared).__name__
    del plain["version"]  # what is meant counts, not how often it changed
    return {n: value for n, value in plain.items() if LATER.get(f"{kind}.{n}", ...) != value}
