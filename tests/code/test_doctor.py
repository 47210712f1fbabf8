"""The checklist of settings, read from a stand-in for GitHub: see tests/github_settings.py."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plumbline.__main__ import main
from plumbline.ops.hosting import doctor
from tests import github, github_settings
from tests.conftest import ROOT

TITLES = [
    *("checks", "up to date", "approvals", "history", "CODEOWNERS", "tags"),
    *("environment", "keys", "merge method", "token", "remote"),
]


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[github.GitHub]:
    with github.github() as state:
        for name, value in state.environment().items():
            monkeypatch.setenv(name, value)
        state.settings = github_settings.good()
        yield state


def results(capsys: pytest.CaptureFixture[str], code: int) -> dict[str, str]:
    """Each setting's line behind its title; the exit code is `code`."""
    capsys.readouterr()
    assert main(["doctor", "--github"]) == code
    lines = [line.split(": ", 2) for line in capsys.readouterr().out.splitlines()]
    assert [title for _, title, _ in lines] == TITLES
    return {title: f"{result}: {rest}" for result, title, rest in lines}


@pytest.mark.parametrize("more", [{}, github_settings.classic()], ids=["rulesets", "classic"])
def test_all_as_it_should_be(
    host: github.GitHub, capsys: pytest.CaptureFixture[str], more: dict[str, Any]
) -> None:
    host.settings |= more
    assert {line.split(":")[0] for line in results(capsys, 0).values()} == {"ok"}
    assert host.written() == []


def test_a_repository_as_github_makes_it(
    host: github.GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    host.settings = {
        "": {"allow_merge_commit": True, "allow_squash_merge": True, "allow_rebase_merge": True},
        "rules/branches/main": [],
        "rulesets": [],
        "actions/secrets": {"secrets": [{"name": "DVC_WRITE_SECRET"}]},
        "actions/variables": {"variables": []},
        "actions/permissions/workflow": {
            "default_workflow_permissions": "write",
            "can_approve_pull_request_reviews": True,
        },
    }
    lines = results(capsys, 1)
    assert {line.split(":")[0] for line in lines.values()} == {"wrong"}
    assert "found: not required: lint, types, tests, review by numbers" in lines["checks"]
    assert "found: no approval required, not from a code owner" in lines["approvals"]
    assert "found: there is no CODEOWNERS file; put your teams" in lines["CODEOWNERS"]
    assert "found: no such environment; Settings > Environments" in lines["environment"]
    assert "found: secrets of the repository: DVC_WRITE_SECRET" in lines["keys"]
    assert "found: it may write, it may approve" in lines["token"]


@pytest.mark.parametrize(
    ("path", "answer", "title", "text"),
    [
        ("rulesets", [{"id": 7, "target": "tag", "enforcement": "disabled"}], "tags", "creation"),
        (
            "rulesets/7",
            {"conditions": {"ref_name": {"include": ["refs/tags/v*"]}}, "rules": []},
            "tags",
            "creation, update, deletion",
        ),
        (
            "environments/main/deployment-branch-policies",
            {"branch_policies": []},
            "environment",
            "any branch and tag",
        ),
        (
            "codeowners/errors",
            {"errors": [{"message": "Unknown owner on line 4\n  *  @acme/models"}]},
            "CODEOWNERS",
            "Unknown owner on line 4;",
        ),
    ],
)
def test_one_setting_that_is_not(
    host: github.GitHub,
    capsys: pytest.CaptureFixture[str],
    path: str,
    answer: object,
    title: str,
    text: str,
) -> None:
    host.settings[path] = answer
    wrong = {t: line for t, line in results(capsys, 1).items() if not line.startswith("ok")}
    assert list(wrong) == [title]
    assert text in wrong[title]


def test_what_a_token_may_not_read_is_not_passed(
    host: github.GitHub,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", github.READ_ONLY)
    lines = results(capsys, 1)
    unread = {title for title, line in lines.items() if line.startswith("cannot tell")}
    assert unread == {"keys", "token", "remote"}
    assert "the token may not read it; use an administrator's token" in lines["keys"]
    assert main(["doctor", "--github", "--json", str(tmp_path / "out.json")]) == 1
    assert len(json.loads((tmp_path / "out.json").read_text())["settings"]) == len(TITLES)
    assert main(["doctor"]) == 2


def test_the_checks_are_those_of_the_workflow() -> None:
    text = (ROOT / ".github" / "workflows" / "pull-request.yml").read_text()
    assert all(f"    name: {name}\n" in text for name in doctor.CHECKS)


def test_what_judges_has_owners() -> None:
    lines = (ROOT / ".github" / "CODEOWNERS").read_text().splitlines()
    owned = {line.split()[0] for line in lines if line and not line.startswith("#")}
    wanted = ("usecases/", "plumbline/", "stages/", "tests/", ".github/", "params.yaml", "Makefile")
    assert {f"/{name}" for name in wanted} <= owned
    for path in owned - {"*", "/requirements*"}:
        assert (ROOT / path[1:]).exists(), path
