"""usecase.json brings every declaration back as it was, whatever fields there are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from plumbline.core.declarations import Column
from plumbline.core.usecase import FeatureSet
from plumbline.model import manifest, usecase_file
from tests.boosting import COLUMNS, parcels
from usecases.card_fraud.features import FEATURES as CARD_FRAUD
from usecases.flights.features import FEATURES as FLIGHTS

SAMPLES = {str: 'ä\u2028"', int: 7, float: 0.1 + 0.2, bool: True}


def sample(kind: Any, patch: pytest.MonkeyPatch) -> Any:
    """A value of a declared type; a declaration is filled in every field, and not checked."""
    if kind in SAMPLES:
        return SAMPLES[kind]
    if is_dataclass(kind):
        patch.setattr(kind, "__post_init__", lambda _: None, raising=False)
        hints = get_type_hints(kind)
        return kind(**{f.name: sample(hints[f.name], patch) for f in fields(kind)})
    origin, kinds = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return sample(kinds[0], patch)
    if origin is Literal:
        return kinds[-1]
    if origin is tuple:
        return (sample(kinds[0], patch),) * 2
    assert origin is Mapping or issubclass(origin, Mapping), f"usecase_file cannot read a {kind}"
    return {sample(kinds[0], patch): sample(kinds[1], patch)}


@pytest.mark.parametrize("name", [f.name for f in fields(FeatureSet) if f.name != "rows"])
def test_every_field_comes_back(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = get_type_hints(FeatureSet)[name]
    value = sample(kind, monkeypatch)
    text = json.dumps(usecase_file._plain(value), allow_nan=False)
    assert usecase_file._value(json.loads(text), kind) == value


@pytest.mark.parametrize(
    "case", [CARD_FRAUD, FLIGHTS, parcels(), parcels("regression")], ids=lambda c: c.name
)
def test_a_use_case_comes_back_whole(case: FeatureSet) -> None:
    content = usecase_file.describe(case, "{}")
    again = usecase_file.UsecaseFile.model_validate_json(usecase_file.text(content))
    for restored in (usecase_file.stub(again), usecase_file.built(again)):
        for field in fields(FeatureSet):
            if field.name != "rows":
                assert getattr(restored, field.name) == getattr(case, field.name), field.name
        assert manifest.definitions(restored) == manifest.definitions(case)
        assert [(r.name, r.inputs, r.version) for r in restored.rows] == [
            (r.name, r.inputs, r.version) for r in case.rows
        ]


def test_limits_without_end() -> None:
    columns = (
        *COLUMNS,
        Column("wind", "float", "m/s", "wind", min=float("-inf"), max=float("inf")),
    )
    case = parcels(columns=columns)
    content = usecase_file.describe(case, "{}")
    again = usecase_file.UsecaseFile.model_validate_json(usecase_file.text(content))
    assert usecase_file.stub(again).columns == columns
