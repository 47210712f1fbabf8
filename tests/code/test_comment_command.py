"""`plumbline comment` as the workflow calls it: on which pull request, with what text."""

from __future__ import annotations

# ruff: noqa: F811 (fixtures of another file)
import json
from pathlib import Path

import pytest

from plumbline.__main__ import main
from plumbline.ops.hosting import comments, heads
from plumbline.ops.hosting.github import GitHub
from plumbline.review.comparison import Comparison
from tests import github as stand_in
from tests import heads as made
from tests.code.test_comments import PAGE, SHA, event, host, hub  # noqa: F401 (fixtures)
from tests.reviews import comparison


def as_written(root: Path, found: Comparison, *_: str) -> Comparison:
    """In place of git, of which these tests have none."""
    return found


def test_an_artifact_that_leaves_out_what_it_alters(
    host: stand_in.GitHub,
    hub: GitHub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its own run says that nothing is against it; the comment says what git says."""
    change = made.change(tmp_path)
    written = tmp_path / "change.json"
    written.write_text(json.dumps(change.found().plain()))
    change.write(".github/workflows/pull-request.yml", "on: push\n")
    sha = change.push()
    host.pulls[0]["head"]["sha"] = sha
    monkeypatch.chdir(change.root)
    given = str(event(tmp_path, **OWN, head_sha=sha))
    assert main(["comment", str(written), "--event", given]) == 0
    [body] = host.bodies(1)
    assert body.startswith("**❌ Do not merge: it changes how changes are judged"), body
    [status] = host.statuses
    assert (status["sha"], status["state"], status["context"]) == (
        sha,
        "failure",
        "judged for main",
    )
    assert status["description"].startswith("Do not merge: it changes how changes are judged")
    assert "pull-request.yml: 1 lines, md5" in body.replace("\u200b", "")


def test_the_command(
    host: stand_in.GitHub,
    hub: GitHub,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By hand, as the workflow calls it: posted, nothing to say, refused, and read-only."""
    monkeypatch.setattr(heads, "judged", as_written)
    (tmp_path / "change.json").write_text(json.dumps(comparison().plain()))
    (tmp_path / "bad.json").write_text("{}")
    words = ["comment", str(tmp_path / "change.json"), "--event", str(event(tmp_path))]
    assert main(words) == 0
    host.pulls[0]["head"] |= {"label": "me:topic"}
    assert main(words) == 0
    message = capsys.readouterr().out
    assert "no open pull request has its head at 1111111111" in message
    assert "pull request 1: CML wrote the comment" in message
    assert host.bodies(1)[0].startswith("**✅ Nothing against merging")
    assert host.verdicts() == ["success"]
    assert main([words[0], str(tmp_path / "bad.json"), *words[2:]]) == 2
    assert host.bodies(1)[0].startswith(
        "**❌ No comparison: that of commit 1111111111 is refused**"
    )
    assert "not a comparison: breaks missing at" in host.bodies(1)[0]
    assert host.verdicts() == ["success", "failure"], "the earlier report does not stay"
    monkeypatch.setenv("GITHUB_TOKEN", stand_in.READ_ONLY)
    assert main(words) == 0
    assert "::warning::the report is in the other job's summary only" in capsys.readouterr().out


def test_a_run_that_left_no_comparison(host: stand_in.GitHub, hub: GitHub, tmp_path: Path) -> None:
    """The earlier report of another commit does not stay as if it were of this one."""
    host.comment(1, f"**✅ Nothing against merging**\n\n{comments.watermark('2' * 40)}")
    words = ["comment", str(tmp_path / "nothing.json"), "--event", str(event(tmp_path, **OWN))]
    assert main(words) == 0
    [body] = host.bodies(1)
    assert body.startswith("**❌ No comparison: the run for commit 1111111111 left none**")
    assert f"It ended with `failure` and stored no comparison. [Its log]({PAGE})" in body
    forged = event(tmp_path, **OWN, conclusion="@all`", html_url="https://x) <b>/actions/runs/7")
    assert main([*words[:3], str(forged)]) == 0
    [body] = host.bodies(1)
    assert "It ended with `all` and stored no comparison. Nothing was judged" in body
    assert host.verdicts() == ["failure", "failure"], "no comparison is no green"


def test_two_pull_requests_of_one_branch(
    host: stand_in.GitHub,
    hub: GitHub,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each has the report against its own base; a missing one does not replace the other's."""
    monkeypatch.setattr(heads, "judged", as_written)
    second = host.open_pull("topic", SHA, base="stable")
    file = tmp_path / "change.json"
    words = ["comment", str(file), "--event", str(event(tmp_path, **OWN))]
    write(file, "origin/stable")
    assert main(words) == 0
    assert [len(host.bodies(n)) for n in (1, second)] == [0, 1]
    file.unlink()
    assert main(words) == 0
    assert host.bodies(1)[0].startswith("**❌ No comparison")
    assert host.bodies(second)[0].startswith("**✅")
    write(file, "origin/main")
    assert main(words) == 0
    assert [len(host.bodies(n)) for n in (1, second)] == [1, 1]
    assert host.bodies(1)[0].startswith("**✅")
    found = [(one["context"], one["state"]) for one in host.statuses]
    own, other = ("judged for stable", "success"), ("judged for main", "failure")
    assert found == [own, other, ("judged for main", "success")]
    capsys.readouterr()
    write(file, "origin/elsewhere")
    assert main(words) == 0
    assert "and its base at origin/elsewhere: nothing to say" in capsys.readouterr().out


OWN = {"head_repository": {"owner": {"login": "acme"}}}


def write(file: Path, base: str) -> None:
    """A comparison against a base of this name."""
    plain = comparison().plain()
    file.write_text(json.dumps({**plain, "base": {**plain["base"], "name": base}}))
