"""A stranger's artifact: what the schema lets through is what `compare` writes, and nothing else."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from plumbline.core.errors import PlumblineError
from plumbline.review import artifact
from plumbline.review.comparison import schema as schema_of
from tests.conftest import ROOT
from tests.reviews import CASE, comparison


def whole(**changes: Any) -> dict[str, Any]:
    return comparison(**changes).plain()


def written(folder: Path, result: Any) -> Path:
    path = folder / "change.json"
    path.write_text(result if isinstance(result, str) else json.dumps(result))
    return path


@pytest.mark.parametrize(
    "document",
    [
        whole(),
        whole(failed={"stage": "train@shop", "error": "no rows"}, usecases={}),
        whole(
            case={
                "cost": [
                    {"stage": "train", "base": None, "head": {"seconds": 2, "memory_mb": 300.5}}
                ]
            }
        ),
        whole(case={"limits": {"too_good": 0.5, "slice_loss": None}}),
        whole(lock={"md5": "0", "checked": True, "uncommitted": ["train@shop"]}),
        whole(release=None),
    ],
)
def test_what_compare_writes_is_taken(tmp_path: Path, document: dict[str, Any]) -> None:
    assert artifact.rendered(written(tmp_path, document)).startswith("**")


def change(**where: Any) -> Callable[[dict[str, Any]], None]:
    """Set `value` at the dotted path `at`, below the whole."""

    def make(result: dict[str, Any]) -> None:
        *parts, last = where["at"].split("/")
        for part in parts:
            result = result[int(part) if part.isdigit() else part]
        result[last] = where["value"]

    return make


@pytest.mark.parametrize(
    ("at", "value"),
    [
        ("pull_request", 7),
        ("format", 2),
        ("usecases/shop/note", "x"),
        ("usecases/shop/blocked", "many"),
        ("usecases/shop/primary", "x" * 201),
        ("usecases/shop/evaluate/reasons", ["x" * 2001]),
        ("usecases/shop/evaluate/reasons", ["x"] * 201),
        ("usecases/shop/base/head/metrics/brier/difference/word", "superb"),
        ("usecases/shop/base/head/metrics/brier/base", 1e301),
        ("usecases/shop/stages/0/change", "gone"),
        ("usecases/../shop", {}),
        ("head/commit", "main"),
        ("lock/stale", "no"),
        ("failed", {"stage": "train", "error": "no rows", "note": "more"}),
    ],
)
def test_anything_else_is_refused(tmp_path: Path, at: str, value: Any) -> None:
    result = whole()
    if at == "usecases/../shop":
        result["usecases"]["../shop"] = copy.deepcopy(result["usecases"]["shop"])
    else:
        change(at=at, value=value)(result)
    with pytest.raises(PlumblineError, match=r"not a comparison: breaks \w+ at "):
        artifact.read(written(tmp_path, result))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("[" * 50_000, "not JSON"),
        ('{"format": NaN}', "not JSON"),
        ('{"format": ' + "1" * 5000 + "}", "not JSON"),
        (" " * 2_000_001, "larger than 2,000,000 bytes"),
        ("[]", "breaks model_type at the whole"),
    ],
)
def test_what_is_no_comparison_at_all(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(PlumblineError, match=message):
        artifact.read(written(tmp_path, text))


def test_an_artifact_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PlumblineError, match="did the other job upload it"):
        artifact.read(tmp_path / "change.json")


def test_a_refusal_repeats_nothing(tmp_path: Path) -> None:
    result = whole(case={"edges": [], "primary": "::stop-commands::x"})
    with pytest.raises(PlumblineError, match="figures or names are missing") as error:
        artifact.rendered(written(tmp_path, result))
    assert "stop-commands" not in str(error.value)
    result["usecases"]["shop"]["features"]["::stop-commands::"] = 1
    with pytest.raises(
        PlumblineError, match=r"breaks extra_forbidden at usecases/\*/features/\*"
    ) as error:
        artifact.rendered(written(tmp_path, result))
    assert "stop-commands" not in str(error.value)


def test_a_value_of_any_depth_is_refused(tmp_path: Path) -> None:
    text = json.dumps(whole()).replace('"base": 10', f'"base": {"[" * 900}{"]" * 900}')
    with pytest.raises(PlumblineError, match=r"not a comparison|not JSON"):
        artifact.read(written(tmp_path, text))


def test_the_generated_schema_says_the_same() -> None:
    """Every object forbids unknown keys or limits their number; every text and list has a length."""
    from jsonschema import Draft202012Validator

    schema = schema_of()
    validator = Draft202012Validator(schema)
    assert validator.is_valid(whole())
    assert not validator.is_valid({**whole(), "pull_request": 7})
    stranger = {
        name: s for name, s in schema["$defs"].items() if name not in ("GateVerdict", "Reason")
    }
    assert list(unlimited(stranger)) == []


def unlimited(schema: Any) -> Iterator[str]:
    """Parts of a schema that take a text, a list or a mapping of any size."""
    if isinstance(schema, list):
        for one in schema:
            yield from unlimited(one)
    if not isinstance(schema, dict):
        return
    limits = {"string": "maxLength", "array": "maxItems", "object": "maxProperties"}
    limit = limits.get(str(schema.get("type")))
    closed = schema.get("additionalProperties") is False or {"pattern", "enum", "const"} & set(
        schema
    )
    if limit and limit not in schema and not closed:
        yield str(schema)[:200]
    for one in schema.values():
        yield from unlimited(one)


def test_the_limits_are_those_of_the_params_here(tmp_path: Path) -> None:
    """An artifact that claims that half of the figure may be lost."""
    limits = {**CASE["limits"], "max_loss": 0.5, "max_lost_rows": 0.5}
    claimed = comparison({"limits": limits, "margin": 0.05})
    params = tmp_path / "params.yaml"
    section = yaml.safe_load((ROOT / "params.yaml").read_text())["card_fraud"]
    text = {"usecases": ["shop"], "seed": 1, "shop": {**section, "gate": {"max_loss": 0.02}}}
    params.write_text(yaml.safe_dump(text))
    judged = artifact.by_limits_here(claimed, params).usecases["shop"]
    assert (judged.limits["max_loss"], judged.limits["max_lost_rows"]) == (0.02, 0.01)
    assert judged.margin == 0.015
    text["usecases"] = []
    params.write_text(yaml.safe_dump(text))
    assert artifact.by_limits_here(claimed, params).usecases["shop"].limits["max_loss"] == 0.5
