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
    *("checks", "up to date", "approvals", "history", "bypass", "CODEOWNERS", "tags"),
    *("environment", "keys", "merge method", "token", "forks", "remote"),
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
        "actions/permissions/fork-pr-contributor-approval": {
            "approval_policy": "first_time_contributors_new_to_github"
        },
        "codeowners/errors": {"errors": [{"message": "Unknown owner on line 1"}]},
        "environments/main": {"name": "main", "deployment_branch_policy": None},
        "environments/main/deployment-branch-policies": {"branch_policies": []},
        "environments/main/secrets": {"secrets": []},
    }
    lines = results(capsys, 1)
    assert {line.split(":")[0] for line in lines.values()} == {"wrong"}
    assert "found: not required: lint, types, tests, review by numbers" in lines["checks"]
    assert "found: no approval required, not from a code owner" in lines["approvals"]
    assert "found: Unknown owner on line 1; put your teams" in lines["CODEOWNERS"]
    assert "found: any branch and tag; Settings > Environments" in lines["environment"]
    assert "found: no rules; Settings" in lines["bypass"]
    assert "found: secrets of the repository: DVC_WRITE_SECRET" in lines["keys"]
    assert "found: it may write, it may approve" in lines["token"]


@pytest.mark.capability("H9")
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
        (
            "rulesets/7",
            {
                "conditions": {
                    "ref_name": {"include": ["~ALL"], "exclude": ["refs/tags/model-v2*"]}
                },
                "rules": [{"type": kind} for kind in ("creation", "update", "deletion")],
            },
            "tags",
            "creation, update, deletion",
        ),
        (
            "environments/main/deployment-branch-policies",
            {
                "branch_policies": [
                    {"name": "main", "type": "tag"},
                    {"name": "model-v*", "type": "tag"},
                ]
            },
            "environment",
            "tag main, tag model-v*",
        ),
        (
            "rulesets/5",
            {"bypass_actors": [{"actor_type": "RepositoryRole"}, {"actor_type": "Team"}]},
            "bypass",
            "1 RepositoryRole, 1 Team",
        ),
        (
            "actions/permissions/fork-pr-contributor-approval",
            {"approval_policy": "first_time_contributors_new_to_github"},
            "forks",
            "first_time_contributors_new_to_github",
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
    assert unread == {"keys", "token", "forks", "remote"}
    assert "there is none, or the token may not read it; move them" in lines["keys"]
    assert main(["doctor", "--github", "--json", str(tmp_path / "out.json")]) == 1
    assert len(json.loads((tmp_path / "out.json").read_text())["settings"]) == len(TITLES)


PATHS = {
    "": {"merge method"},
    "rules/branches/main": {"checks", "up to date", "approvals", "history", "bypass"},
    "rulesets/5": {"bypass"},
    "codeowners/errors": {"CODEOWNERS"},
    "rulesets": {"tags"},
    "rulesets/7": {"tags"},
    "environments/main": {"environment"},
    "environments/main/deployment-branch-policies": {"environment"},
    "environments/main/secrets": {"keys"},
    "actions/secrets": {"keys"},
    "actions/variables": {"remote"},
    "actions/permissions/workflow": {"token"},
    "actions/permissions/fork-pr-contributor-approval": {"forks"},
}
"""What cannot be by_title where GitHub does not show a path."""


@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize("path", PATHS)
def test_what_github_does_not_show_cannot_be_told(
    host: github.GitHub, capsys: pytest.CaptureFixture[str], path: str, status: int
) -> None:
    """A 404 is also what a token gets that may not read a thing: it never reads ok, and never wrong."""
    host.settings[path] = status
    lines = results(capsys, 1)
    by_title = {title: line.split(":")[0] for title, line in lines.items()}
    assert {title for title, result in by_title.items() if result != "ok"} == PATHS[path]
    assert {by_title[title] for title in PATHS[path]} == {"cannot tell"}


def test_classic_protection_that_may_not_be_read(
    host: github.GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without rulesets nothing is known of the branch; GitHub says in words where there is none."""
    host.settings |= {"rules/branches/main": [], "branches/main/protection": 404}
    lines = results(capsys, 1)
    titles = ("checks", "up to date", "approvals", "history", "bypass")
    assert {lines[title].split(":")[0] for title in titles} == {"cannot tell"}
    del host.settings["branches/main/protection"]
    assert results(capsys, 1)["checks"].startswith("wrong")


def test_bypass_actors_that_are_not_shown(
    host: github.GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    host.settings["rulesets/5"] = {"name": "main"}
    assert results(capsys, 1)["bypass"].startswith("cannot tell")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"enforce_admins": {"enabled": False}}, "1 administrators"),
        (
            {
                "required_pull_request_reviews": {
                    **github_settings.classic()["branches/main/protection"][
                        "required_pull_request_reviews"
                    ],
                    "bypass_pull_request_allowances": {"users": [{}, {}], "teams": [], "apps": []},
                }
            },
            "2 users",
        ),
    ],
)
def test_who_passes_over_classic_protection(
    host: github.GitHub, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], found: str
) -> None:
    host.settings |= github_settings.classic()
    host.settings["branches/main/protection"] |= changes
    wrong = {t: line for t, line in results(capsys, 1).items() if not line.startswith("ok")}
    assert list(wrong) == ["bypass"]
    assert f"found: {found}" in wrong["bypass"]


def test_a_private_repository(host: github.GitHub, capsys: pytest.CaptureFixture[str]) -> None:
    """Its forks are another setting; GitHub answers 422 to the public one's."""
    private = "actions/permissions/fork-pr-workflows-private-repos"
    host.settings[""] |= {"private": True}
    host.settings["actions/permissions/fork-pr-contributor-approval"] = 422
    sent = {"send_write_tokens_to_workflows": False, "send_secrets_and_variables": False}
    host.settings[private] = {"run_workflows_from_fork_pull_requests": True, **sent}
    assert results(capsys, 0)["forks"].startswith("ok")
    host.settings[private] = dict.fromkeys(sent, True)
    assert "a token that may write is sent, secrets are sent" in results(capsys, 1)["forks"]


def test_a_variable_on_a_later_page(
    host: github.GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    """GitHub lists 30 at a time."""
    others = [{"name": f"A{i}"} for i in range(70)]
    host.settings["actions/variables"] = {"variables": [*others, {"name": "DVC_REMOTE_URL"}]}
    assert results(capsys, 0)["remote"].startswith("ok")


@pytest.mark.capability("H9")
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
