"""Whole runs of the graph: what a newcomer gets, what reruns, and that two clones agree to the byte."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from plumbline.runtime import dvc_lock
from tests import browser, runs
from tests.locales import locale
from tests.project import Project
from tests.runs import BOTH
from tests.system import test_network as network

STRACE = shutil.which("strace")
STAGES = ["data", "validate", "features", "tune", "train", "evaluate", "monitor"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Small card_fraud and the plain table, run once and committed."""
    return runs.both(tmp_path_factory)


@dataclass(frozen=True)
class Clone:
    """A clone after its run: the stages that ran, and the run's system calls to the network."""

    project: Project
    ran: list[str]
    trace: Path


@pytest.fixture(scope="module")
def elsewhere(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """Another folder, time zone, locale (the decimal comma's), hash seed, thread count, umask; each
    process a new Python, whose system calls that reach a network are written down."""
    folder = tmp_path_factory.mktemp("elsewhere")
    other, trace = project.clone(folder / "another folder"), folder / "trace"
    strange = {
        "TZ": "Asia/Kathmandu",
        **(locale(folder / "locales", "de_DE") or {"LC_ALL": "C"}),
        "PYTHONHASHSEED": "77",
        "OMP_NUM_THREADS": "1",
    }
    watch = [
        "strace",
        "-f",
        "--seccomp-bpf",
        "-qq",
        "-e",
        "trace=connect,sendto,sendmsg",
        "-o",
        str(trace),
    ]
    before = os.umask(0o077)
    try:
        ran = other.repro(env=strange, before=watch if STRACE else [])
    finally:
        os.umask(before)
    return Clone(other, ran, trace)


@pytest.mark.capability("A2", "D5")
def test_every_stage_ran(project: Project) -> None:
    lock = dvc_lock.read(project.path)
    assert sorted(lock) == sorted(f"{s}@{u}" for s in STAGES for u in BOTH)


def test_every_stage_leaves_its_outs(project: Project) -> None:
    for usecase in BOTH:
        for stage in set(STAGES) - {"train"}:
            assert json.loads((project.path / "metrics" / usecase / f"{stage}.json").read_text())
        assert (project.path / "models" / usecase / "model.ubj").stat().st_size
        reports = project.path / "reports" / usecase
        assert list(reports.rglob("*.html"))
        assert list((reports / "plots").glob("*.csv"))


@pytest.mark.capability("A12")
def test_a_second_run_does_nothing(project: Project) -> None:
    assert project.repro() == []
    assert project.run("git", "status", "--porcelain") == ""


@pytest.mark.capability("E2")
def test_metrics_and_plots_show(project: Project) -> None:
    shown = json.loads(project.run("dvc", "metrics", "show", "--json"))
    files = {f"metrics/{u}/{s}.summary.json" for u in BOTH for s in ("evaluate", "monitor")}
    assert set(shown[""]["data"]) == files
    assert all(len(file["data"]) <= 9 for file in shown[""]["data"].values())
    out = project.run("dvc", "plots", "show", "-o", "shown").strip()
    try:
        page = (project.path / "shown" / "index.html").read_text()
        assert out.endswith("shown/index.html")
        assert all(f"reports/{u}/plots" in page.replace("\\/", "/") for u in BOTH)
        lines_are_drawn(project.path / "shown" / "index.html", page)
    finally:
        shutil.rmtree(project.path / "shown")


def lines_are_drawn(file: Path, page: str) -> None:
    """Without a network: one picture per file, a line in each, nothing to be fetched."""
    assert not re.search(r"""(src|href)\s*=\s*.?(https?:)?//""", page)
    drawn, console = browser.opened(file)
    assert console == []
    assert drawn.count("<svg") == page.count("vegaEmbed('#") > len(BOTH)
    assert drawn.count("<polyline") == drawn.count("<svg")


@pytest.mark.situation("a clone in another folder", expected="the same bytes")
def test_a_clone_elsewhere_writes_the_same_bytes(project: Project, elsewhere: Clone) -> None:
    other = elsewhere.project
    assert len(elsewhere.ran) == len(STAGES) * len(BOTH)
    assert other.run("git", "status", "--porcelain") == ""
    assert (other.path / "dvc.lock").read_bytes() == (project.path / "dvc.lock").read_bytes()


@pytest.mark.skipif(not STRACE, reason="strace is not installed (.ci/run installs it)")
def test_a_run_talks_to_nobody(elsewhere: Clone) -> None:
    trace = elsewhere.trace.read_text()
    assert "connect(" in trace or "sendto(" in trace, "the trace saw nothing at all"
    assert network.addresses(trace) == set()


@pytest.mark.capability("A5")
def test_a_training_parameter_reruns_what_follows_it_only(project: Project) -> None:
    project.set({"card_fraud.train.rounds": 5})
    try:
        assert project.repro() == [f"{s}@card_fraud" for s in ("train", "evaluate", "monitor")]
    finally:
        project.run("git", "checkout", "-q", ".")
        project.run("dvc", "checkout", "-q")


def test_a_feature_of_one_use_case_touches_no_other(project: Project) -> None:
    module = project.path / "usecases" / "diabetes" / "features.py"
    module.write_text(module.read_text().replace("return bmi * bp", "return bmi + bp"))
    try:
        ran = project.repro()
        assert ran, "the changed use case must rerun"
        assert {name.split("@")[1] for name in ran} == {"diabetes"}
    finally:
        project.run("git", "checkout", "-q", ".")
        project.run("dvc", "checkout", "-q")


@pytest.mark.capability("A5")
def test_a_failing_stage_leaves_the_last_good_outs(project: Project) -> None:
    source = project.path / "sources" / "diabetes" / "diabetes.csv"
    before = (project.path / "data" / "diabetes" / "raw" / "events-all.parquet").read_bytes()
    source.write_text("")
    try:
        out = project.run("dvc", "repro", "data@diabetes", ok=False)
        assert "sources/diabetes/diabetes.csv" in out
        assert "Traceback" not in out
        assert (
            project.path / "data" / "diabetes" / "raw" / "events-all.parquet"
        ).read_bytes() == before
    finally:
        project.run("git", "checkout", "-q", ".")


def test_the_store_serves_what_was_materialized(project: Project) -> None:
    out = project.run("python", "-m", "plumbline", "features", "materialize", "card_fraud")
    assert "card_fraud: feature store materialize done" in out
    assert (project.path / "feature_store" / "online.db").stat().st_size > 0
    assert project.run("git", "status", "--porcelain") == ""


@pytest.mark.capability("A4")
def test_each_stage_runs_alone(project: Project) -> None:
    """`python -m stages.<name>` with the words of dvc.yaml, from the root, and nothing else."""
    command = yaml.safe_load((project.path / "dvc.yaml").read_text())["stages"]["train"]["cmd"]
    project.run(*command.replace("${item.usecase}", "diabetes").split())
    assert project.run("dvc", "status", "train@diabetes").strip().endswith("up to date.")
