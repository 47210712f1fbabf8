"""The REST client, against a local stand-in for the host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.ops.hosting import github as client
from plumbline.ops.hosting.github import ForbiddenError, GitHub, HostingError
from tests import github as stand_in


@pytest.fixture
def host() -> Iterator[stand_in.GitHub]:
    with stand_in.github() as state:
        yield state


@pytest.fixture
def hub(host: stand_in.GitHub, monkeypatch: pytest.MonkeyPatch) -> GitHub:
    for name, value in host.environment().items():
        monkeypatch.setenv(name, value)
    return client.from_environment()


def test_a_pull_request_is_found_by_owner_branch_and_commit(
    host: stand_in.GitHub, hub: GitHub
) -> None:
    host.open_pull("topic", "1" * 40)
    number = host.open_pull("topic", "2" * 40, owner="stranger")
    second = host.open_pull("topic", "2" * 40, owner="stranger", base="stable")
    results = hub.pull_requests("stranger", "topic", "2" * 40)
    assert [pull["number"] for pull in results] == [number, second]
    assert hub.pull_requests("stranger", "topic", "1" * 40) == []
    assert hub.pull_requests("acme", "other", "1" * 40) == []


def test_every_page_of_comments(host: stand_in.GitHub, hub: GitHub) -> None:
    number = host.open_pull("topic", "1" * 40)
    for i in range(135):
        host.comment(number, f"comment {i}")
    assert [c["body"] for c in hub.comments(number)] == [f"comment {i}" for i in range(135)]
    last = list(hub.comments(number))[-1]
    hub.update_comment(last["id"], "changed")
    hub.create_comment(number, "new")
    assert host.bodies(number)[-2:] == ["changed", "new"]


def test_one_open_issue_of_a_kind(host: stand_in.GitHub, hub: GitHub) -> None:
    for _ in range(40):
        hub._one("POST", "issues", {"title": "noise", "body": None})
    first = hub.report_issue("drift", "Drift", "seen on Monday")
    hub.report_issue("data", "Bad data", "a month is missing")
    again = hub.report_issue("drift", "Drift", "seen on Tuesday")
    assert again["number"] == first["number"]
    assert "Tuesday" in again["body"]
    assert len(host.issues) == 42
    assert hub.close_issue("drift", "gone") is not None
    assert hub.close_issue("drift", "gone") is None
    assert hub.report_issue("drift", "Drift", "back")["number"] != first["number"]


@pytest.mark.parametrize(
    ("who", "taken"), [("NONE", False), ("CONTRIBUTOR", False), ("MEMBER", True)]
)
def test_a_stranger_s_issue_with_our_mark_is_left_alone(
    host: stand_in.GitHub, hub: GitHub, who: str, taken: bool
) -> None:
    planted = {"title": "x", "body": f"{client.mark('drift')} planted", "author_association": who}
    planted = hub._one("POST", "issues", {**planted, "user": {"login": "eve", "type": "User"}})
    report = hub.report_issue("drift", "Drift", "seen")
    assert (report["number"] == planted["number"]) is taken
    assert len(host.issues) == (1 if taken else 2)


def test_one_open_pull_request_of_a_branch(host: stand_in.GitHub, hub: GitHub) -> None:
    assert hub.open_pull_request("retrain") is None
    built = hub.create_pull_request("retrain", "main", "Retrain", "because")
    result = hub.open_pull_request("retrain")
    assert result is not None
    assert result["number"] == built["number"]
    hub.update_pull_request(built["number"], "Retrain", "x" * 100_000)
    assert len(host.pulls[0]["body"]) == client.LONGEST
    with pytest.raises(HostingError, match="422 Validation Failed: A pull request already exists"):
        hub.create_pull_request("retrain", "main", "Retrain", "again")


def test_a_release_and_its_files(host: stand_in.GitHub, hub: GitHub, tmp_path: Path) -> None:
    (tmp_path / "bundle.zip").write_bytes(b"12345")
    built = hub.release("model-v1", "Model 1", "notes")
    assert hub.release("model-v1", "Model 1", "notes")["id"] == built["id"]
    hub.upload(built, tmp_path / "bundle.zip")
    assert host.releases[0]["assets"] == [{"name": "bundle.zip", "size": 5}]
    with pytest.raises(HostingError, match="already_exists"):
        hub.upload(built, tmp_path / "bundle.zip")


def test_what_is_refused_says_why(host: stand_in.GitHub, hub: GitHub) -> None:
    reader = GitHub(hub.url, hub.repository, stand_in.READ_ONLY)
    with pytest.raises(ForbiddenError, match="403 Resource not accessible") as error:
        reader.create_comment(1, "hello")
    assert error.value.status == 403
    assert stand_in.READ_ONLY not in repr(reader)
    with pytest.raises(HostingError, match=r"422 .*too long"):
        hub.create_comment(1, "x" * 65_537)
    with pytest.raises(HostingError, match="404 Not Found"):
        list(GitHub(hub.url, "acme/other", "secret").comments(1))
    with pytest.raises(HostingError, match="no answer"):
        list(GitHub("http://127.0.0.1:1", "acme/plumbline", "secret").comments(1))


def test_a_page_elsewhere_gets_no_token(hub: GitHub) -> None:
    with pytest.raises(HostingError, match="elsewhere"):
        hub._own("http://example.com/next")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("GITHUB_TOKEN", "", "GITHUB_TOKEN not set"),
        ("GITHUB_REPOSITORY", "a/b/../c", "expected owner/name"),
        ("GITHUB_API_URL", "file:///etc", "expected an http address"),
    ],
)
def test_the_environment(
    hub: GitHub, monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(PlumblineError, match=message):
        client.from_environment()
