"""Every workflow file, read: pinned, bounded, with few rights, and nothing of an event in a command."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
USES = re.compile(r"^\s*(?:-\s+)?uses:\s*(.+)$", re.MULTILINE)
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*")
NO_CACHE = ("main", "release", "retrain", "nightly", "comment")
each = pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)


def unpinned(text: str) -> list[str]:
    """The actions that are not pinned by a full commit SHA with the version in a comment."""
    result = [line.strip() for line in USES.findall(text)]
    return [f for f in result if not PINNED.fullmatch(f) and not f.startswith("./")]


def read(file: Path) -> dict[str, Any]:
    """A workflow, its values as texts."""
    return yaml.load(file.read_text(), Loader=yaml.BaseLoader)  # noqa: S506 (`on` is no boolean)


def steps(file: Path) -> Iterator[dict[str, Any]]:
    """Every step of every job."""
    for job in read(file)["jobs"].values():
        yield from job.get("steps", [])


def tool(name: str, *words: str) -> subprocess.CompletedProcess[str]:
    """One of this environment's programs, with no network."""
    program = Path(sys.executable).parent / name
    result = str(program) if program.exists() else shutil.which(name)
    assert result, f"{name} is not installed; it is in requirements.txt"
    return subprocess.run([result, *words], capture_output=True, text=True, check=False)


def test_there_are_workflows() -> None:
    assert {"pull-request", "comment", "main"} <= {f.stem for f in FILES}


@each
def test_every_action_is_pinned(file: Path) -> None:
    assert unpinned(file.read_text()) == []


@pytest.mark.parametrize(
    "planted",
    [
        "actions/checkout@v5",
        "actions/checkout@main # v5.0.0",
        "actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8",
        "actions/checkout@08c6903 # v5.0.0",
        "docker://alpine:3",
    ],
)
def test_one_that_is_not_pinned_is_found(planted: str) -> None:
    text = (FOLDER / "pull-request.yml").read_text()
    assert unpinned(f"{text}\n      - uses: {planted}\n") == [planted]


@each
def test_few_rights_and_a_bound(file: Path) -> None:
    workflow = read(file)
    assert workflow["permissions"] in ({}, ""), "nothing at the top; each job says what it needs"
    assert "concurrency" in workflow
    for name, job in workflow["jobs"].items():
        assert 0 < int(job["timeout-minutes"]) <= 360, name
        assert job["runs-on"] == "ubuntu-24.04", name
        assert "write-all" not in str(job.get("permissions")), name
        assert "permissions" in job, name


@each
def test_no_event_in_a_command(file: Path) -> None:
    for step in steps(file):
        assert not re.search(r"\$\{\{[^}]*github\.event", step.get("run", "")), "use env:"


@each
def test_the_token_is_not_kept(file: Path) -> None:
    for step in steps(file):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] == "false"


@each
def test_no_cache_where_bytes_are_published(file: Path) -> None:
    if not file.stem.startswith(NO_CACHE):
        return
    for step in steps(file):
        assert "cache" not in step.get("uses", "")
        assert "cache" not in step.get("with", {})


@pytest.mark.capability("H7")
def test_what_may_write_runs_nothing_of_the_pull_request() -> None:
    workflow = read(FOLDER / "comment.yml")
    [job] = workflow["jobs"].values()
    refs = [s["with"]["ref"] for s in job["steps"] if "checkout" in s.get("uses", "")]
    assert refs == ["${{ github.event.repository.default_branch }}"]
    for file in FILES:
        assert "pull_request_target" not in read(file)["on"]


def test_a_tag_gets_keys_only_when_main_has_accepted_it() -> None:
    jobs = read(FOLDER / "release.yml")["jobs"]
    first, *rest = jobs.values()
    refs = [s["with"]["ref"] for s in first["steps"] if "checkout" in s.get("uses", "")]
    assert refs == ["${{ github.event.repository.default_branch }}"]
    assert "environment" not in first
    assert "secrets" not in str(first)
    assert set(first["permissions"].values()) == {"read"}
    assert all("needs" in job for job in rest)
    assert jobs["pack"]["needs"] == "accepted"


@pytest.mark.capability("H9")
def test_the_required_checks_exist_for_the_merge_queue() -> None:
    assert "merge_group" in read(FOLDER / "pull-request.yml")["on"]


@each
def test_stages_run_without_the_keys_of_remotes(file: Path) -> None:
    """What a stage's code sees of keys is MLflow's; the outs were fetched in a step before."""
    for job in read(file)["jobs"].values():
        for step in job.get("steps", []):
            if "dvc repro" in step.get("run", ""):
                seen = {**read(file).get("env", {}), **job.get("env", {}), **step.get("env", {})}
                secrets = [name for name, value in seen.items() if "secrets." in value]
                assert all(name.startswith("MLFLOW_") for name in secrets), secrets


def test_zizmor_has_no_finding() -> None:
    done = tool("zizmor", "--offline", "--no-progress", "--format=json", str(FOLDER))
    assert json.loads(done.stdout) == [], done.stdout
    assert done.returncode == 0, done.stderr


@each
def test_every_ignore_says_why(file: Path) -> None:
    for line in file.read_text().splitlines():
        if "zizmor: ignore" in line:
            assert re.search(r"zizmor: ignore\[[\w,-]+\] \w+ .*\w+", line), line


def test_zizmor_finds_what_is_planted(tmp_path: Path) -> None:
    text = (FOLDER / "pull-request.yml").read_text()
    bad = text.replace("make lint", 'echo "${{ github.event.pull_request.title }}"')
    (tmp_path / "bad.yml").write_text(bad)
    done = tool("zizmor", "--offline", "--no-progress", "--format=json", str(tmp_path / "bad.yml"))
    assert "template-injection" in {f["ident"] for f in json.loads(done.stdout)}


def test_zizmor_as_an_auditor(capsys: pytest.CaptureFixture[str]) -> None:
    """Its strictest persona may find more; what it does is printed (`pytest -s`), none is severe."""
    words = ("--offline", "--no-progress", "--persona=auditor", "--format=json", str(FOLDER))
    result = json.loads(tool("zizmor", *words).stdout)
    with capsys.disabled():
        for one in result:
            [path] = one["locations"][0]["symbolic"]["key"]["Local"].values()
            place = f"{one['ident']} in {Path(path).name}"
            sys.stdout.write(f"\nzizmor, auditor: {one['determinations']['severity']}: {place}")
    assert {f["determinations"]["severity"] for f in result} <= {"Informational", "Low", "Medium"}


def test_the_schema_of_workflows() -> None:
    done = tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *map(str, FILES))
    assert done.returncode == 0, done.stdout
