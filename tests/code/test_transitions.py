"""Stages of registered versions: what git allows, what MLflow then holds, and what the audit log says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.ops.rollback import agree, alias_after, journal, plan, registry, stages, transitions
from plumbline.ops.rollback.plan import Version

V1, V2, V3 = ("1" * 32 + ".dir", "2" * 32 + ".dir", "3" * 32 + ".dir")
GIT = {"model-v1": V1, "HEAD": V2}


class Registry:
    """MLflow in memory: version 1 is released, 2 is champion and HEAD's, 3 is the challenger."""

    def __init__(self) -> None:
        self.md5s = {"1": V1, "2": V2, "3": V3}
        self.aliases = {"champion": "2", "challenger": "3"}
        self.tags: dict[str, dict[str, str]] = {"1": {}, "2": {}, "3": {}}

    def versions(self, root: Path, name: str) -> list[Version]:
        return [
            Version(n, md5, tuple(a for a, v in self.aliases.items() if v == n), dict(self.tags[n]))
            for n, md5 in self.md5s.items()
            if name == "toy"
        ]

    def point(self, root: Path, name: str, number: str | None, alias: str = "champion") -> None:
        self.aliases.pop(alias, None)
        if number is not None:
            self.aliases[alias] = number

    def tag(self, root: Path, name: str, number: str, tags: Mapping[str, str | None]) -> None:
        whole = {**self.tags[number], **tags}
        self.tags[number] = {k: v for k, v in whole.items() if v is not None}


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """In place of MLflow and git."""
    known = Registry()
    for name in ("versions", "point", "tag"):
        monkeypatch.setattr(registry, name, getattr(known, name))
    monkeypatch.setattr(agree, "releases", lambda _: {ref: ref for ref in GIT})
    monkeypatch.setattr(transitions.revisions, "refuse_shallow", lambda *_: None)
    monkeypatch.setattr(transitions.revisions, "outs", lambda _, rev: rev)
    monkeypatch.setattr(plan, "bundles", lambda rev: {"toy": OutWith(GIT[rev])})
    return known


class OutWith:
    def __init__(self, md5: str) -> None:
        self.md5 = md5


def move(root: Path, number: str, stage: stages.Stage, reason: str | None = None) -> list[str]:
    return list(transitions.move(root, "toy", number, stage, reason))


@pytest.mark.capability("A16", "F2")
def test_a_version_is_challenger_then_archived_with_a_reason_and_can_come_back(
    tmp_path: Path, mlflow: Registry
) -> None:
    assert move(tmp_path, "1", "challenger") == ["toy version 1: challenger"]
    assert mlflow.aliases == {"champion": "2", "challenger": "1"}
    lines = move(tmp_path, "1", "archived", " leaks\n the label ")
    assert lines == [
        "toy version 1: archived, leaks the label",
        "still used by the release model-v1: its archive stays published",
    ]
    assert mlflow.aliases == {"champion": "2", "archived": "1"}
    assert mlflow.tags["1"]["archived.reason"] == "leaks the label"
    assert set(mlflow.tags["1"]) == {"archived.reason", "archived.by", "archived.when"}
    move(tmp_path, "1", "challenger", "the label was right")
    assert (mlflow.aliases, mlflow.tags["1"]) == ({"champion": "2", "challenger": "1"}, {})
    entries = journal.transitions(tmp_path)
    assert [(e.version, e.stage, e.reason) for e in entries] == [
        ("1", "challenger", ""),
        ("1", "archived", "leaks the label"),
        ("1", "challenger", "the label was right"),
    ]
    assert journal.audit(tmp_path) == []


def test_the_version_that_head_records_becomes_champion(tmp_path: Path, mlflow: Registry) -> None:
    mlflow.aliases = {"champion": "1", "challenger": "2"}
    assert move(tmp_path, "2", "champion") == ["toy version 2: champion"]
    assert mlflow.aliases == {"champion": "2"}


@pytest.mark.parametrize(
    ("number", "stage", "reason", "message"),
    [
        ("1", "champion", None, r"toy version 1: HEAD records another model.*merge its change, or"),
        (
            "2",
            "challenger",
            None,
            r"version 2 is in use by the alias champion and HEAD's dvc\.lock",
        ),
        ("2", "archived", "old", r"version 2 is in use by the alias champion and HEAD's dvc\.lock"),
        ("1", "archived", None, r"a reason is missing; --reason TEXT"),
        ("1", "archived", " \n", r"a reason is missing"),
        ("1", "archived", "x" * 501, r"--reason: 501 characters, at most 500"),
        ("9", "challenger", None, r"toy: no version 9 is registered; choose one of: 1, 2, 3"),
    ],
)
def test_what_git_or_the_stage_does_not_allow_changes_nothing(
    tmp_path: Path, mlflow: Registry, number: str, stage: stages.Stage, reason: str, message: str
) -> None:
    with pytest.raises(PlumblineError, match=message):
        move(tmp_path, number, stage, reason)
    assert mlflow.aliases == {"champion": "2", "challenger": "3"}
    assert not any(mlflow.tags.values())
    assert journal.transitions(tmp_path) == []


def test_an_archived_version_is_not_made_champion(tmp_path: Path, mlflow: Registry) -> None:
    mlflow.aliases, mlflow.tags["2"] = {}, {plan.ARCHIVED: "leaks"}
    with pytest.raises(PlumblineError, match="is archived: leaks; make it challenger first"):
        move(tmp_path, "2", "champion")


def test_a_rollback_that_was_interrupted_comes_first(tmp_path: Path, mlflow: Registry) -> None:
    head = plan.Head("c" * 40)
    journal.folder(tmp_path)
    journal.save(tmp_path, journal.new("v1", head, head))
    with pytest.raises(PlumblineError, match="a rollback was interrupted here"):
        move(tmp_path, "1", "challenger")


def test_what_was_archived_is_so_in_a_registry_built_anew(tmp_path: Path, mlflow: Registry) -> None:
    move(tmp_path, "3", "archived", "worse")
    mlflow.__init__()  # type: ignore[misc]
    assert list(stages.replay(tmp_path, "toy")) == ["toy version 3: archived, worse"]
    assert mlflow.tags["3"]["archived.reason"] == "worse"
    assert list(stages.replay(tmp_path, "toy")) == []


def test_a_rollback_to_an_archived_version_says_so(tmp_path: Path, mlflow: Registry) -> None:
    move(tmp_path, "1", "archived", "leaks")
    proof = registry.promote(tmp_path, "toy", V1, tmp_path, "c" * 40)
    assert proof == "1 (archived: leaks)"
    assert mlflow.aliases["champion"] == "1"
    [line] = [r for r in plan.table(plan.rows({"HEAD": {"toy": V1}}, {"toy": mlflow.versions(tmp_path, "toy")})) if " HEAD " in line_of(r)]  # fmt: skip
    assert "archived" in line


def line_of(row: str) -> str:
    return f"{row} "


def test_damaged_lines_are_passed_over(tmp_path: Path, mlflow: Registry) -> None:
    move(tmp_path, "1", "challenger")
    with (tmp_path / ".plumbline" / "audit.jsonl").open("ab") as log:
        log.write(b'{"kind": "transition", "who"')
    move(tmp_path, "3", "challenger")
    assert [e.version for e in journal.transitions(tmp_path)] == ["1", "3"]


@pytest.mark.capability("J5")
def test_the_alias_follows_the_red_button(
    tmp_path: Path, mlflow: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert alias_after.follow(tmp_path, "toy", V1) == "champion is version 1"
    assert mlflow.aliases["champion"] == "1"
    assert alias_after.follow(tmp_path, "toy", V1) == "champion is version 1"
    assert [(e.version, e.reason) for e in journal.transitions(tmp_path)] == [("1", "red button")]
    assert "MLflow has no version of bundle" in alias_after.follow(tmp_path, "toy", "0" * 32)

    def down(*_: object) -> None:
        raise PlumblineError("MLflow (http://gone): no answer")

    monkeypatch.setattr(registry, "versions", down)
    assert alias_after.follow(tmp_path, "toy", V2) == "not moved: MLflow (http://gone): no answer"
