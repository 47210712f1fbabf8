"""What a rollback decides and writes down, without git, DVC or MLflow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from plumbline.core.errors import PlumblineError
from plumbline.ops.rollback import agree, golden, journal, plan, steps, tool
from plumbline.ops.rollback.plan import Head, Version
from plumbline.repo.tracked_outs import Out
from plumbline.repo.verify import IntegrityFinding, ObjectUse

OLD, NEW = "a" * 32 + ".dir", "b" * 32 + ".dir"
MODEL = Out("dvc.lock", "train@toy", "models/toy", OLD)
METRICS = Out("dvc.lock", "train@toy", "metrics/toy.json", "c" * 32, cached=False)


def finding(kind: str, where: str, path: str = "models/toy", out: Out = MODEL) -> IntegrityFinding:
    return IntegrityFinding(kind, where, ObjectUse(None, out, path, out.md5), None, path)


def test_a_bundle_is_what_train_leaves_for_dvc() -> None:
    others = [replace(MODEL, stage=s) for s in ("train", "evaluate@toy", "source/toy.dvc")]
    assert plan.bundles([MODEL, METRICS, *others]) == {"toy": MODEL}


def test_changed_counts_what_comes_and_goes() -> None:
    gone, new = (replace(MODEL, path=p) for p in ("gone", "new"))
    assert plan.changed([MODEL, METRICS, gone], [replace(MODEL, md5=NEW), METRICS, new]) == [
        "gone",
        "models/toy",
        "new",
    ]


def test_what_is_missing_everywhere_is_no_loss() -> None:
    plan.refuse_unsafe([finding("missing", "workspace"), finding("missing", "cache")])
    plan.refuse_unsafe([finding("bad", "workspace", out=METRICS)])  # git's own


@pytest.mark.mltest("Infra 7")
@pytest.mark.parametrize(
    ("kind", "where"),
    [
        ("bad", "workspace"),
        ("extra", "workspace"),
        ("bad", "cache"),
        ("missing", "cache"),
        ("bad", "manifest"),
    ],
)
def test_what_could_be_lost_is_refused(kind: str, where: str) -> None:
    with pytest.raises(PlumblineError, match=f"models/toy: {kind} in {where}"):
        plan.refuse_unsafe([finding(kind, where)])


@pytest.mark.capability("F1")
def test_rows_say_where_git_and_mlflow_differ() -> None:
    recorded = {"model-v1": {"toy": OLD}, "model-v2": {"toy": NEW}, "HEAD": {"toy": OLD}}
    known = {"toy": [Version("1", OLD), Version("2", "other", ("champion",)), Version("3", None)]}
    rows = plan.rows(recorded, known)
    assert [(r.ref, r.version, r.agrees) for r in rows] == [
        ("model-v1", "1", True),
        ("model-v2", "-", False),
        ("HEAD", "1", False),
        ("-", "2", False),
        ("-", "3", True),
    ]
    lines = list(plan.table(rows))
    assert lines[0].split() == ["use", "case", "git", "bundle", "version", "aliases", "agree"]
    assert lines[4].split() == ["toy", "-", "other", "2", "champion", "no"]
    assert lines[-1] == "3 of 5 do not agree"
    assert list(plan.table([]))[-1] == "git and MLflow agree"


def test_releases_sort_as_people_count() -> None:
    names = ["model-v10", "model-v2", "model-v1.10", "model-v1.9"]
    assert sorted(names, key=agree._natural) == [
        "model-v1.9",
        "model-v1.10",
        "model-v2",
        "model-v10",
    ]


@pytest.mark.mltest("Infra 6", "Infra 7")
def test_equal_is_to_the_bit_and_nothing_equals_nothing() -> None:
    nan, nat = float("nan"), np.datetime64("NaT")
    assert golden.same(np.array([1.0, nan, 1.0]), np.array([1.0, nan, nan])).tolist() == [1, 1, 0]
    assert golden.same(np.array([nat]), np.array([nat])).all()
    assert golden.same(np.array(["a", None], object), np.array(["b", None], object)).tolist() == [
        0,
        1,
    ]


def test_a_journal_survives_and_ends_in_the_log_once(tmp_path: Path) -> None:
    begun = journal.new(
        "v1", Head("1" * 40, "main"), Head("2" * 40), registry={"toy": journal.RegistryBefore()}
    )
    saved = journal.save(tmp_path, begun.begun("code"))
    assert journal.load(tmp_path) == saved
    assert (tmp_path / ".plumbline" / ".gitignore").read_text() == "*\n"
    log = tmp_path / ".plumbline" / "audit.jsonl"
    log.write_text('{"id": "cut o\n')
    journal.close(tmp_path, saved, "done")
    journal.close(tmp_path, saved, "done")
    [line] = journal.audit(tmp_path)
    assert (line.rev, line.result, line.start.branch) == ("v1", "done", "main")
    assert journal.load(tmp_path) is None


@pytest.mark.parametrize("text", ["{", "{}", '{"start": 3, "target": 4}'])
def test_a_damaged_journal_is_named(tmp_path: Path, text: str) -> None:
    (journal.folder(tmp_path) / "journal.json").write_text(text)
    with pytest.raises(PlumblineError, match=r"journal\.json: damaged"):
        journal.load(tmp_path)


def test_one_at_a_time(tmp_path: Path) -> None:
    again = pytest.raises(PlumblineError, match="another rollback")
    with journal.alone(tmp_path), again, journal.alone(tmp_path):
        pass


def test_who_has_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError

    monkeypatch.delenv("GIT_AUTHOR_NAME", raising=False)
    monkeypatch.setattr(journal.getpass, "getuser", nobody)
    assert journal.who().startswith("uid ")


def test_the_copy_does_not_copy_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool.keep(tmp_path)
    copied = tool.place(tmp_path) / "plumbline"
    assert (copied / "ops" / "rollback" / "tool.py").is_file()
    monkeypatch.setattr(tool, "PACKAGE", copied)
    before = copied.stat().st_ino
    tool.keep(tmp_path)
    assert copied.stat().st_ino == before


@pytest.mark.parametrize(
    ("package", "folder", "wanted"),
    [
        ("plumbline", "plumbline/ops/rollback", False),
        ("plumbline", "plumbline/rollback", False),
        ("plumbline", "plumbline", True),
        (".plumbline/tool/plumbline", "stages", True),
        (".venv/lib/plumbline", "stages", False),
    ],
)
def test_the_copy_is_named_where_the_commit_has_no_rollback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, folder: str, wanted: bool
) -> None:
    (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setattr(tool, "PACKAGE", tmp_path / package)
    assert tool.needed(tmp_path) == wanted


def test_a_graph_without_features_or_evaluation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another project's stages: nothing to serve, nothing to compare, and no fault."""
    (tmp_path / ".dvc").mkdir()
    (tmp_path / "dvc.yaml").write_text("stages:\n  train: {outs: ['models/${item.usecase}']}\n")
    monkeypatch.setattr(steps, "_locked", lambda _: [MODEL])
    head = Head("a" * 40)
    kept = journal.new("v1", head, head, absent=(), registry=None)
    assert steps.snapshots(tmp_path) == []
    assert "none recorded" in steps.predictions(tmp_path, kept)
