"""What can be said of dvc.lock from texts alone; the rest is in tests/system/test_compare.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.repo.tracked_outs import Out
from plumbline.repo.verify import IntegrityFinding, ObjectUse, VerifiedPlace, VerifyReport
from plumbline.review import lockcheck
from plumbline.review.comparison_sections import FailedStage
from plumbline.runtime import child_process
from plumbline.runtime.dvc_lock import Entry

GRAPH = """
stages:
  train: {matrix: {usecase: "${usecases}"}, cmd: x}
  pair: {matrix: {a: [1, 2], b: [x]}, cmd: x}
  plain: {cmd: x}
"""


def test_a_stage_that_the_lock_lacks_is_named() -> None:
    texts = {"dvc.yaml": GRAPH, "params.yaml": "usecases: [a, b]"}
    entries = ["train@a", "pair@1-x"]
    assert lockcheck.unlocked(texts, entries) == ["pair@2-x", "plain", "train@b"]
    assert lockcheck.unlocked({"dvc.yaml": GRAPH}, ["plain"]) == ["pair@1-x", "pair@2-x"]
    assert lockcheck.unlocked({}, []) == []


@pytest.mark.parametrize("text", ["a: [", "- 1"])
def test_a_damaged_graph_is_named(text: str) -> None:
    with pytest.raises(PlumblineError, match=r"dvc.yaml: damaged \((not valid YAML|expected keys)"):
        lockcheck.unlocked({"dvc.yaml": text}, [])


@pytest.mark.parametrize(
    ("lines", "code", "stages"),
    [
        (["Running stage 'a@b':", "Stage 'c' didn't change"], 0, ["a@b"]),
        (["WARNING", "ERROR: no such file"], 1, ["ERROR: no such file"]),
        (["ERROR: failed to reproduce 'a@b': No such file"], 1, ["a@b"]),
        ([], 1, ["dvc repro --dry failed"]),
        (["Data and pipelines are up to date."], 0, []),
    ],
)
def test_what_dvc_says_of_a_dry_run(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    lines: list[str],
    code: int,
    stages: list[str],
) -> None:
    def run(words, root, env, tell):
        for line in lines:
            tell(line)
        return code

    monkeypatch.setattr(child_process, "run", run)
    assert lockcheck.stale(tmp_path) == stages


def test_an_absent_out_is_wrong_only_where_git_should_have_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lockcheck.object_stores, "settings", lambda root: None)
    findings = [
        IntegrityFinding(
            kind,
            "workspace",
            ObjectUse(None, Out("dvc.lock", "s", path, "1", cached), path, oid),
            result,
            "",
        )
        for kind, path, cached, oid, result in (
            ("missing", "data", True, "1", None),
            ("missing", "metrics.json", False, "1", None),
            ("bad", "model", True, "1", "2"),
            ("extra", "more", True, "", None),
        )
    ]
    report = VerifyReport([VerifiedPlace("workspace", 4, findings)])
    monkeypatch.setattr(lockcheck.verify, "check", lambda settings, where: report)
    assert lockcheck.wrong_bytes(Path()) == [
        "workspace: metrics.json: missing, expected 1 (dvc.lock, s)",
        "workspace: model: bad, found 2, expected 1 (dvc.lock, s)",
        "workspace: more: extra (dvc.lock, s)",
    ]


def test_no_stage_failed() -> None:
    assert lockcheck.failure("Running stage 'a'\nUse `dvc push`\n") is None
    first = lockcheck.failure("ERROR: failed to reproduce 'a': output missing")
    assert first == FailedStage(stage="a", error="output missing")


@pytest.mark.parametrize(
    ("log", "stage", "error"),
    [
        ("", "dvc repro", "it did not end: no output"),
        ("Running stage 'a'\n> python", "dvc repro", "it did not end: > python"),
        ("ERROR: bad dvc.yaml\n", "dvc repro", "bad dvc.yaml"),
        ("x" * 5000 + "\nERROR: failed to reproduce 'a'", "a", "x" * lockcheck.LONGEST),
    ],
)
def test_a_run_that_did_not_end_well_has_failed(log: str, stage: str, error: str) -> None:
    assert lockcheck.failure(log) == FailedStage(stage=stage, error=error)


def test_stages_that_are_not_as_committed() -> None:
    old = {"a": Entry(cmd="x"), "b": Entry(cmd="y"), "gone": Entry()}
    new = {"a": Entry(cmd="x"), "b": Entry(cmd="z"), "more": Entry()}
    assert lockcheck.differing(old, new) == ["b", "more"]
