"""The remote that a workflow gives its clone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from plumbline.__main__ import main
from plumbline.core.errors import PlumblineError
from plumbline.repo import object_stores, remote_config


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    (tmp_path / ".dvc").mkdir()
    return tmp_path


@pytest.mark.parametrize("url", ["s3://bucket/path", "/srv/remote"])
def test_the_remote_is_the_default_one(clone: Path, url: str) -> None:
    remote_config.use(clone, url)
    result = object_stores.settings(clone)
    assert (result.default, dict(result.remotes)) == ("plumbline", {"plumbline": url})
    assert "verify = true" in (clone / ".dvc" / "config.local").read_text()
    remote_config.use(clone, url)


def test_what_else_the_clone_is_set_to_stays(clone: Path) -> None:
    """`make install` has written there before."""
    file = clone / ".dvc" / "config.local"
    file.write_text('[core]\n    site_cache_dir = "/tmp/a b"\n')
    remote_config.use(clone, "s3://bucket")
    remote_config.use(clone, "s3://other")
    assert "site_cache_dir" in file.read_text()
    assert dict(object_stores.settings(clone).remotes) == {"plumbline": "s3://other"}


def test_without_one_there_is_an_empty_folder(clone: Path) -> None:
    remote_config.use(clone, "")
    [url] = object_stores.settings(clone).remotes.values()
    assert list(Path(url).iterdir()) == []
    assert Path(url).is_absolute()


@pytest.mark.parametrize(
    ("url", "message"),
    [("../remote", "an absolute path"), ("s3://a\n[core]", "a line break")],
)
def test_what_is_no_address_is_refused(clone: Path, url: str, message: str) -> None:
    with pytest.raises(PlumblineError, match=message):
        remote_config.use(clone, url)


def test_a_persons_own_settings_are_left_alone(clone: Path) -> None:
    (clone / ".dvc" / "config.local").write_text("[core]\n    remote = mine\n")
    with pytest.raises(PlumblineError, match="is there already"):
        remote_config.use(clone, "s3://bucket")


@pytest.mark.parametrize(("url", "line"), [("/srv/remote", "is hashed"), ("", "::notice::")])
def test_the_command(
    clone: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    url: str,
    line: str,
) -> None:
    monkeypatch.chdir(clone)
    monkeypatch.setenv("DVC_REMOTE_URL", url)
    assert main(["remote"]) == 0
    assert line in capsys.readouterr().out


PINNED = "s3://bucket/path --set endpointurl=https://s3.example.com --set region=eu"
STAYING = {
    "endpointurl": 'remote "plumbline"',
    "ENDPOINTURL": 'ReMote   "PlumbLine"',
    "connection_string": 'remote "plumbline"',
    "credentialpath": 'remote "plumbline"',
    "configpath": 'remote "other"',
    "profile": 'remote "plumbline"',
    "access_key_id": 'remote "plumbline"',
    "account_name": 'remote "other"',
    "bearer_token_command": 'remote "other"',
    "ssl_verify": "'remote \"plumbline\"'",
    "use_ssl": 'remote "plumbline"',
    "worktree": 'remote "plumbline"',
    "sse_customer_key": 'remote "plumbline"',
    "auth": 'remote "other"',
    "proxy_to": 'remote "other"',
}


@pytest.mark.parametrize("key", STAYING)
def test_a_committed_setting_that_would_stay_is_refused_by_name(clone: Path, key: str) -> None:
    (clone / ".dvc" / "config").write_text(f"[{STAYING[key]}]\n    {key} = evil\n")
    with pytest.raises(PlumblineError, match=rf"\.dvc/config: remote '\w+' sets {key.lower()}, "):
        remote_config.use(clone, "s3://bucket/path")
    assert not (clone / ".dvc" / "config.local").exists()


def test_a_committed_section_is_overridden_whole(clone: Path) -> None:
    """As DVC reads it: all remotes are the workflow's, with its settings."""
    from dvc.config import Config

    (clone / ".dvc" / "config").write_text(
        '[core]\n    remote = other\n[remote "other"]\n    url = s3://evil\n'
        '    endpointurl = https://evil.example\n[remote "plumbline"]\n    url = s3://evil\n'
        "    verify = false\n    region = mars\n    jobs = 2\n"
    )
    remote_config.use(clone, PINNED)
    remote_config.use(clone, PINNED)
    config = Config(str(clone / ".dvc"))
    own = {"url": "s3://bucket/path", "endpointurl": "https://s3.example.com", "region": "eu"}
    assert config["core"]["remote"] == "plumbline"
    assert set(config["remote"]) == {"other", "plumbline"}
    assert all(r.items() >= {**own, "verify": True}.items() for r in config["remote"].values())
    assert "evil" not in str(config["remote"])


def test_without_an_address_the_teams_own_remotes_stay(clone: Path) -> None:
    """A fork has no keys, and asks no remote."""
    (clone / ".dvc" / "config").write_text('[remote "other"]\n    url = s3://b\n    profile = me\n')
    remote_config.use(clone, "")
    assert object_stores.settings(clone).default == "plumbline"
    assert object_stores.settings(clone).remotes["other"] == "s3://b"


@pytest.mark.parametrize("file", ["config", "config.local"])
def test_a_remote_nested_in_a_section_is_refused(clone: Path, file: str) -> None:
    (clone / ".dvc" / file).write_text("[remote]\n    [[plumbline]]\n    endpointurl = evil\n")
    with pytest.raises(PlumblineError, match=rf"\.dvc/{file}: section \[remote\]"):
        remote_config.use(clone, "s3://bucket")


@pytest.mark.parametrize("section", ['remote "evil"', 'remote  "plumbline"', 'REMOTE "plumbline"'])
def test_a_committed_config_local_adds_no_remote(clone: Path, section: str) -> None:
    (clone / ".dvc" / "config.local").write_text(f"[{section}]\n    url = s3://evil\n")
    with pytest.raises(PlumblineError, match=r"config\.local: section \["):
        remote_config.use(clone, "s3://bucket")


@pytest.mark.parametrize("setting", ["--set endpointurl", "--set =x", "--set a b=c"])
def test_a_setting_that_is_none_is_refused(clone: Path, setting: str) -> None:
    with pytest.raises(PlumblineError, match="expected --set KEY=VALUE"):
        remote_config.use(clone, f"s3://bucket {setting}")


REQUESTS = {
    "deps.fs_config.endpointurl": "deps: [{path: s3://b/a, fs_config: {endpointurl: evil}}]\nouts: [path: a]",
    "outs.fs_config.account_name": "outs: [{path: azure://a, fs_config: {account_name: evil}}]",
    "deps.repo.config": "deps: [{path: a, repo: {url: u, config: evil}}]\nouts: [path: a]",
    "deps.repo.remote": "deps: [{path: a, repo: {url: u, remote: {url: s3://b}}}]\nouts: [path: a]",
}


@pytest.mark.parametrize("key", REQUESTS)
@pytest.mark.parametrize("name", ["a.csv.dvc", "sources/shop/a.dvc", "sources/dvc.yaml"])
def test_a_committed_file_does_not_direct_requests(clone: Path, key: str, name: str) -> None:
    subprocess.run(["git", "init", "-q", str(clone)], check=True)
    (clone / name).parent.mkdir(parents=True, exist_ok=True)
    (clone / name).write_text(REQUESTS[key])
    subprocess.run(["git", "add", "-f", name], cwd=clone, check=True)
    with pytest.raises(PlumblineError, match=rf"{name}: {key}: a committed file must not"):
        remote_config.use(clone, "s3://bucket")
    remote_config.use(clone, "")
    plain = (
        "deps: [{path: s3://b/a}, {path: b, repo: {url: u, rev: v, remote: r}}]\nouts: [path: a]"
    )
    (clone / name).write_text(plain)
    remote_config.use(clone, "s3://bucket")
