"""The remote that a workflow gives its clone."""

from __future__ import annotations

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
