"""Each stage killed in turn, at its first out: the report says so, and shows no number of any run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from plumbline.__main__ import main
from tests import runs
from tests.project import Project

# Python reads it at its start: kills the process of one stage when it is about to put an out in place.
KILLER = """
import os, signal, sys
def hook(event, args):
    if event == "os.rename" and str(args[0]).endswith(".part"):
        os.kill(os.getpid(), signal.SIGKILL)
if "stages." + os.environ.get("KILL_STAGE", "-") in sys.orig_argv:
    sys.addaudithook(hook)
"""
CHANGES = {
    "data": {"seed": 8},
    "validate": {"diabetes.validate": {"max_quarantine": 0.5}},
    "features": {"diabetes.features": {"test_share": 0.3}},
    "tune": {"diabetes.tune.max_evals": 3},
    "train": {"diabetes.train.rounds": 50},
    "evaluate": {"diabetes.evaluate.bootstrap": 200},
    "monitor": {"diabetes.monitor": {"rows": 300}},
}
QUIET = {"MLFLOW_TRACKING_URI": "off"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A base that ran through, so that its metrics lie on the disk when a later run dies."""
    project = runs.alone(tmp_path_factory, "diabetes")
    project.run("git", "tag", "base")
    return project


@pytest.mark.capability("A5")
@pytest.mark.parametrize("stage", CHANGES)
def test_no_number_of_a_run_that_died(
    project: Project,
    stage: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "sitecustomize.py").write_text(KILLER)
    result, text, page = (tmp_path / name for name in ("change.json", "report.md", "report.html"))
    project.set(CHANGES[stage])
    paths = f"{tmp_path}:{project.path}"
    kill = {**QUIET, "KILL_STAGE": stage, "PYTHONPATH": paths}
    log = tmp_path / "repro.log"
    log.write_text(project.run("dvc", "repro", env=kill, ok=False))
    assert f"failed to reproduce '{stage}@diabetes'" in log.read_text()
    monkeypatch.chdir(project.path)
    assert main(["compare", "base", "--json", str(result), "--log", str(log)]) == 0
    assert main(["report", str(result), "--markdown", str(text), "--html", str(page)]) == 0
    assert main(["gate", str(result)]) == 1
    project.run("git", "checkout", "-q", "--", ".")
    project.run("dvc", "checkout", "-q", "--force")
    report = text.read_text()
    assert report.startswith(f"**❌ Do not merge: stage {stage}@\u200bdiabetes failed: killed by")
    assert f"Do not merge: stage {stage}@diabetes failed" in capsys.readouterr().out
    assert json.loads(result.read_text())["usecases"] == {}
    assert "<table" not in page.read_text()
    assert numbers(report) == [], report


def numbers(text: str) -> list[str]:
    """Figures in a report, but for commits' names, the number of a signal, and limits that were altered."""
    plain = re.sub(r"\b[0-9a-f]{10,40}\b|signal \d+|^- .* → .*$", "", text, flags=re.MULTILINE)
    return re.findall(r"\d+(?:\.\d+)?", plain)
