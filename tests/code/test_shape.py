"""The shape of the project: what shares its definitions, what is kept apart, where tests lie."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from bench import dvc_limits
from plumbline.core import files
from plumbline.metrics import metrics
from tests.conftest import ROOT

QUESTIONS = ("code", "data", "model", "mltest", "system", "spark")


def modules(package: str) -> dict[str, set[str]]:
    """Per file of a package of the library, the dotted names that it imports."""
    return {
        path.name: _imports(path) for path in sorted((ROOT / "plumbline" / package).glob("*.py"))
    }


def _imports(path: Path) -> set[str]:
    nodes = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom)]
    return {f"{n.module}.{a.name}" for n in nodes for a in n.names}


@pytest.mark.capability("B3")
def test_evaluation_and_monitoring_compute_with_one_set_of_metrics() -> None:
    for package in ("evaluate", "monitor"):
        used = set().union(*modules(package).values())
        assert "plumbline.metrics.metrics" in used, package
        defined = {
            node.name
            for path in (ROOT / "plumbline" / package).glob("*.py")
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.FunctionDef)
        }
        assert not defined & set(metrics.PRIMARY.values()), "a metric of its own"


@pytest.mark.capability("G5")
def test_checks_of_data_and_the_feature_store_do_not_know_each_other() -> None:
    for package, other in (("validate", "feast"), ("features", "great_expectations")):
        text = "\n".join(p.read_text() for p in (ROOT / "plumbline" / package).glob("*.py"))
        assert not re.search(rf"^\s*(import|from) {other}\b", text, re.MULTILINE), package
    locked = dict(
        re.findall(r"^([\w-]+)==([\w.]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    )
    assert locked["great-expectations"] >= "1"
    assert not re.search(r"feast\[[^]]*\bge\b", (ROOT / "requirements.in").read_text())


@pytest.mark.capability("D19")
def test_what_dvc_carries_was_measured_far_beyond_what_an_out_holds() -> None:
    record = files.read_json(ROOT / "docs/evidence/dvc_limits.json")
    most = {row["files"]: row for row in record}
    page = (ROOT / "docs/proof.md").read_text()
    assert (
        f"10,000 small files {most[10_000]['add']:.1f} and {most[10_000]['checkout']:.1f} s" in page
    )
    largest = max(int(n) for n in re.findall(r"nfiles: (\d+)", (ROOT / "dvc.lock").read_text()))
    assert largest * 100 < max(most), "measure more files: python -m bench.dvc_limits"


@pytest.mark.capability("D19")
def test_a_source_of_many_files_is_checked_in_seconds() -> None:
    record = files.read_json(ROOT / "docs/evidence/manifest_files.json")
    assert record["files"] == 2_000
    assert set(record["named"].values()) == {True}
    steps = {name: seconds["wall"] for name, seconds in record["steps"].items()}
    assert max(steps["dvc status"], steps["verify"], steps["verify, one replaced"]) < 5


def test_the_measurement_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dvc_limits.hash_index, "SETTLED", 0)
    row = dvc_limits.measured(tmp_path, 3, 10)
    assert set(row) == set(dvc_limits.COLUMNS)
    assert min(row[name] for name in ("add", "status", "checkout", "push")) > 0
    assert len(list((tmp_path / "project" / "out").iterdir())) == 3, "checked out again"


def test_what_is_extrapolated_goes_through_what_was_measured() -> None:
    costs = dict.fromkeys(dvc_limits.COLUMNS, 0.0)
    record = [
        {"files": n, "bytes": size, **dict.fromkeys(costs, 1 + n / 1000 + n * size / 10**9)}
        for n, size in dvc_limits.CASES
    ]
    row = dvc_limits.extrapolated(record, 2_000, 10**12)
    assert set(row) == set(dvc_limits.COLUMNS)
    read = {name for name, seconds in row.items() if seconds == pytest.approx(1_003, rel=1e-3)}
    assert read == set(dvc_limits.BY_BYTES)
    assert [row[name] for name in sorted(row.keys() - read)] == pytest.approx([3, 3], rel=1e-2)


@pytest.mark.capability("G14")
def test_tests_lie_by_the_question_that_they_answer() -> None:
    folders = {p.relative_to(ROOT / "tests").parts[0] for p in (ROOT / "tests").rglob("test_*.py")}
    assert folders == set(QUESTIONS)
    text = (ROOT / "CONTRIBUTING.md").read_text()
    assert all(f"`tests/{name}`" in text for name in QUESTIONS)
