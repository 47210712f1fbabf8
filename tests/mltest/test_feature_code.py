"""Data 7: feature and contract code is tested: branches run through, small changes noticed."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from bench.mutation import changes
from bench.mutation.subjects import COVERED, SUBJECTS
from tests.conftest import ROOT
from tests.mltest import recorded

pytestmark = pytest.mark.mltest("Data 7")


@pytest.fixture(scope="module")
def evidence() -> dict[str, Any]:
    """docs/evidence/mutation.json; skipped where it is of other code or other tests."""
    path = recorded.FOLDER / "mutation.json"
    if not path.exists():
        pytest.skip(f"docs/evidence/mutation.json is not there: {recorded.REMEDY}")
    report = json.loads(path.read_text())
    for part in (*report["files"].values(), *report["coverage"].values()):
        for name, sha in part["sha256"].items():
            if hashlib.sha256((ROOT / name).read_bytes()).hexdigest() != sha:
                pytest.skip(f"docs/evidence/mutation.json is of another {name}: {recorded.REMEDY}")
    return report


@pytest.mark.capability("C38")
def test_small_changes_are_noticed(evidence: dict[str, Any]) -> None:
    assert set(evidence["files"]) == set(SUBJECTS)
    assert evidence["mutants"] >= 100
    assert evidence["killed"] / evidence["mutants"] >= 0.8


@pytest.mark.capability("C38")
def test_branches_are_run_through(evidence: dict[str, Any]) -> None:
    assert set(evidence["coverage"]) == set(COVERED)
    assert evidence["covered_branches"] / evidence["branches"] >= 0.95


def test_all_feature_and_contract_code_is_looked_at() -> None:
    there = {str(p.relative_to(ROOT)) for p in (ROOT / "plumbline/features").glob("*.py")}
    assert there - {"plumbline/features/__init__.py"} <= set(COVERED)
    assert {"plumbline/validate/contract.py", "plumbline/validate/check.py"} <= set(SUBJECTS)


def test_one_change_at_a_time() -> None:
    text = 'def f(a: int | None = 2) -> int:\n    """Doc."""\n    if not a:\n        raise E(1)\n    return a < 3\n'
    built = changes.changes(text)
    words = {"2 -> 3", "if not a -> if not", "a < 3 -> a <= 3", "3 -> 4"}
    assert {c.what for c in built} == words
    assert len(built) == len({c.text for c in built}) == 4
    assert all("raise E(1)" in c.text and "int | None" in c.text for c in built)
