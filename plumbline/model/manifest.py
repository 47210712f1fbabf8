"""bundle.json: what a bundle says about itself, and what the use case declares; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from plumbline.core.declarations import Column, Problem, Scale
from plumbline.core.definitions_md5 import LATER as LATER
from plumbline.core.definitions_md5 import definitions as definitions
from plumbline.core.errors import suggest
from plumbline.core.usecase import FeatureSet
from plumbline.model.decisions import DecisionPolicy
from plumbline.model.threshold import Threshold
from plumbline.model.version import VERSION

FORMAT = 1
Kind = Literal["column", "category", "snapshot", "hourly", "fresh", "row", "encoding"]


class Vocabulary(BaseModel):
    """A category's source column and its values; a value's code is its place."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    column: str
    values: tuple[str | int, ...]


class EncodedValues(BaseModel):
    """A target encoding as train's rows gave it: its source column, values, what each is, and any other."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    column: str
    values: tuple[str | int, ...]
    encoded: tuple[float, ...]
    other: float


class Manifest(BaseModel):
    """A bundle's contents but for the trees.

    `plumbline`: version of the library that wrote it; None before 0.2.0, which did not name it.
    `order`: the features as the model takes them; `kinds`: what each is; `dropped`: those that the
    use case declares and tune's selection left out. `label_delay` in days.
    `definitions`: md5 of what the features mean. `metrics`: on the validation window.
    `provenance`: md5s of the tables it was fitted on, and the seed. `classes`: of a multiclass label, in the
    order of the answer's columns; `class_costs`: by class and the class decided on, () where it is the likeliest.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal[1]
    plumbline: str | None = None
    usecase: str
    problem: Problem
    label: str
    label_delay: int
    order: tuple[str, ...]
    kinds: dict[str, Kind]
    dropped: tuple[str, ...] = ()
    vocabularies: dict[str, Vocabulary]
    encodings: dict[str, EncodedValues] = Field(default_factory=dict)
    contract: tuple[Column, ...]
    offset: str | None
    scale: Scale = "label"
    classes: tuple[str | int, ...] = ()
    class_costs: tuple[tuple[float, ...], ...] = ()
    definitions: str
    calibration: dict[str, Any]
    threshold: Threshold | None
    decisions: DecisionPolicy | None = None
    params: dict[str, Any]
    rounds: int
    metrics: dict[str, float]
    model_md5: str
    provenance: dict[str, str | int]


def describe(usecase: FeatureSet) -> dict[str, Any]:
    """The manifest's part that the use case declares."""
    used = [c for c in usecase.categories if c.name in usecase.features]
    return {
        "format": FORMAT,
        "plumbline": VERSION,
        "usecase": usecase.name,
        "problem": usecase.problem,
        "label": usecase.label,
        "label_delay": usecase.delay_days,
        "order": usecase.features,
        "kinds": kinds(usecase),
        "vocabularies": {c.name: {"column": c.column, "values": c.values} for c in used},
        "contract": usecase.columns,
        "offset": usecase.offset,
        "scale": usecase.scale,
        "classes": usecase.classes,
        "definitions": definitions(usecase),
    }


def without(usecase: FeatureSet, dropped: Sequence[str]) -> dict[str, Any]:
    """What a manifest says where the model takes fewer features than `usecase` declares; {} where it
    takes all. Definitions are those of the whole use case, which raw events are completed by."""
    if not dropped:
        return {}
    return {"dropped": tuple(dropped), "definitions": definitions(usecase)}


def kinds(usecase: FeatureSet) -> dict[str, Kind]:
    """What each feature is: a column, a category's code, a snapshot, a fresh or a row feature."""
    result: dict[str, Kind] = {c.name: "column" for c in usecase.columns}
    result |= {c.name: "category" for c in usecase.categories}
    result |= {s.name: "snapshot" for s in usecase.snapshots}
    result |= {h.name: "hourly" for h in usecase.hourly}
    result |= {f.name: "fresh" for f in usecase.fresh}
    result |= {r.name: "row" for r in usecase.rows}
    result |= {e.name: "encoding" for e in usecase.encodings}
    return {name: result[name] for name in usecase.features}


def parse(text: str) -> Manifest:
    """bundle.json's text, checked; ValueError with the first mistake and what to do."""
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
    raise ValueError(f"{where}: {_problem(dict(first))}" if where else _problem(dict(first)))


def _problem(error: Mapping[str, Any]) -> str:
    if error["loc"] == ("format",) and error["type"] != "missing":
        return (
            f"the bundle has format {error['input']!r}, expected {FORMAT}; "
            "read it with the version that wrote it, or train again"
        )
    if error["type"] == "missing":
        result = sorted(map(str, error["input"]))
        return f"missing; found {', '.join(result) or 'nothing'}; restore the bundle with `dvc checkout`"
    if error["type"] == "extra_forbidden":
        return f"unknown key; {suggest(str(error['loc'][-1]), Manifest.model_fields)}"
    return f"{error['msg']}; restore the bundle with `dvc checkout`"
