"""What the agent on the server takes from git, and what it does not try again."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.ops.hosting import accepted
from plumbline.ops.promotion import promotion_records, pull_agent
from plumbline.ops.promotion.promotion_document import Promotion
from plumbline.ops.promotion.pull_agent import AgentReport, AgentResult, Candidate
from plumbline.serve.promote_params import Promote

A, B = "a" * 32 + ".dir", "b" * 32 + ".dir"
RULES = Promote()


def git(folder: Path, *words: str) -> str:
    line = ["git", "-C", str(folder), "-c", "user.name=T", "-c", "user.email=t@example.com", *words]
    return subprocess.run(line, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A server's clone of an origin with three commits on main."""
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    origin = tmp_path / "origin"
    subprocess.run(["git", "init", "-q", "-b", "main", str(origin)], check=True)
    for word in ("one", "two", "three"):
        git(origin, "commit", "-q", "--allow-empty", "-m", word)
    subprocess.run(["git", "clone", "-q", str(origin), str(tmp_path / "server")], check=True)
    return tmp_path / "server"


def test_the_newest_accepted_commit_counts(clone: Path):
    origin = clone.parent / "origin"
    with pytest.raises(PlumblineError, match="no commit was accepted yet"):
        pull_agent.newest(clone, RULES)
    second = git(origin, "rev-parse", "main~1")
    git(origin, "update-ref", accepted.REF, second)
    assert pull_agent.newest(clone, RULES) == second
    tip = git(origin, "rev-parse", "main")
    assert pull_agent.newest(clone, Promote(gated=False)) == tip
    git(origin, "commit", "-q", "--allow-empty", "-m", "four")
    git(origin, "update-ref", accepted.REF, "main")
    assert pull_agent.newest(clone, RULES) == git(origin, "rev-parse", "main")


def promotion(number: int, bundle: str, commit: str, status: Any, **more: Any) -> Promotion:
    return Promotion(
        id=f"{number:06d}-{commit[:9]}", usecase="toy", rev="main", commit=commit, bundle=bundle, before=A,
        version=1, who="T", began="now", status=status, **more,
    )  # fmt: skip


def test_a_rewritten_branch_is_refused(clone: Path):
    origin = clone.parent / "origin"
    promotion_records.save(clone, promotion(1, B, git(origin, "rev-parse", "main"), "promoted"))
    pull_agent._refuse_rewritten(clone, "toy", RULES)
    git(origin, "reset", "-q", "--hard", "main~1")
    git(origin, "commit", "-q", "--allow-empty", "-m", "another")
    pull_agent.newest(clone, Promote(gated=False))
    with pytest.raises(PlumblineError, match="its history was rewritten"):
        pull_agent._refuse_rewritten(clone, "toy", RULES)


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ([], ""),
        ([(B, "failed", True)], "worse"),
        ([(B, "failed", False)], ""),
        ([(B, "stopped", False)], "worse"),
        ([(B, "promoted", False)], "it was promoted last"),
        ([(B, "promoted", False), (A, "promoted", False)], ""),
        ([(B, "failed", True), (A, "promoted", False)], "worse"),
    ],
    ids=["new", "refused", "no service", "stopped", "taken out", "merged again", "refused once"],
)
def test_what_was_refused_or_taken_out_is_not_tried_again(
    tmp_path: Path, records: list[tuple[str, str, bool]], reason: str
):
    for number, (bundle, status, refused) in enumerate(records, 1):
        one = promotion(number, bundle, "c" * 40, status, refused=refused, reason="worse")
        promotion_records.save(tmp_path, one)
    reason_now = pull_agent._refused(tmp_path, Candidate("toy", "d" * 40, B, A))
    assert reason_now.startswith(reason)
    assert bool(reason_now) == bool(reason)


def test_the_exit_code_is_the_worst():
    def result(status: Any, refused: bool) -> AgentResult:
        return AgentResult(usecase="toy", commit="c", bundle=B, status=status, refused=refused)

    fine, no, trouble = result("promoted", False), result("failed", True), result("failed", False)
    assert [AgentReport(results=r).code for r in ((), (fine,), (fine, no), (no, trouble))] == [
        0,
        0,
        1,
        2,
    ]
