"""What two runs' small JSONs say, side by side."""

from __future__ import annotations

import pytest

from plumbline.review import metadata_diff
from tests.evaluated import evaluated

BASE = {
    "data": {"rows": 10, "span": ["a", "b"], "columns": {"w": {"type": "int", "unit": "g"}}},
    "validate": {"quarantined": {"events": {"w.range": 3}}},
    "features": {
        "features": [
            {"name": "same", "window": "1", "missing": 0.0, "in_model": True},
            {"name": "other", "window": "1", "in_model": False},
            {"name": "old"},
        ]
    },
}
HEAD = {
    "data": {"rows": 12, "span": ["a", "c"], "columns": {"w": {"type": "float", "unit": "g"}}},
    "validate": {
        "quarantined": {"events": {"w.null": 1}},
        "checks": {"failed_by_severity": {"block": 2}},
    },
    "features": {
        "features": [
            {"name": "same", "window": "1", "missing": 0.5, "in_model": False},
            {"name": "other", "window": "7", "in_model": True},
            {"name": "new"},
        ]
    },
    "evaluate": evaluated(
        gate={"verdict": "fail", "reasons": ["why"], "checks": {"slices": "fail"}},
        floors={"size": 0.5},
        slices={
            "size": {
                "low": {"value": 0.3, "low": 0.2, "high": 0.4, "rows": 50},
                "noisy": {"value": 0.3, "low": 0.2, "high": 0.6, "rows": 50},
                "few": {"value": None, "low": None, "high": None, "rows": 1},
            },
            "free": {"low": {"value": 0.0, "low": 0.0, "high": 0.0, "rows": 50}},
        },
    ),
    "monitor": {"level": "warning", "summary": "warning: x", "findings": [1, 2]},
}


def test_data() -> None:
    result = metadata_diff.data(BASE, HEAD).plain()
    assert result["rows"] == {"base": 10, "head": 12}
    assert result["columns"] == [{"key": "w", "base": "int, g", "head": "float, g"}]
    assert result["quarantine"] == [
        {"key": "events: w.null", "base": 0, "head": 1},
        {"key": "events: w.range", "base": 3, "head": 0},
    ]


@pytest.mark.capability("G9")
def test_what_head_lets_through_is_a_line_with_its_reason() -> None:
    use = {"check": "w.range", "reason": "seen", "by": "anna", "expires": "2025-02-01"}
    head = {"validate": {"waivers": [{**use, "state": "used", "rows": 3}]}}
    [line] = metadata_diff.data({}, head).let_through
    assert line == "let through: w.range (3 rows): seen (anna, until 2025-02-01)"
    assert "cannot tell" in metadata_diff.data({}, {"validate": {"waivers": [1]}}).let_through[0]


def test_features_are_redefined_by_their_meaning_only() -> None:
    assert metadata_diff.features(BASE, HEAD).plain() == {
        "added": ["new"],
        "removed": ["old"],
        "redefined": [{"name": "other", "parts": ["window"]}],
        "joined": ["other"],
        "left": ["same"],
        "drifted": [],
    }


def test_head_s_verdicts() -> None:
    assert metadata_diff.monitor(HEAD).findings == 2
    assert metadata_diff.blocked(HEAD) == 2
    assert metadata_diff.blocked({}) == 0
    result = metadata_diff.evaluate(HEAD)
    assert (result.verdict, result.reasons) == ("fail", ["why"])
    assert [low.group for low in result.below_floor] == ["low"]


def test_an_evaluation_of_another_version_is_no_verdict() -> None:
    result = metadata_diff.evaluate({"evaluate": evaluated(asked={})})
    assert result.verdict is None
    assert "evaluate.json, asked: unknown key" in result.reasons[0]


def test_nothing_is_said_of_what_is_not_there() -> None:
    assert metadata_diff.evaluate({}).verdict is None
    assert metadata_diff.monitor({}).level is None
    assert metadata_diff.data({}, {}).columns == []
