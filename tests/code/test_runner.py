"""How a stage starts and ends: paths from the words, one message, an exit code."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from plumbline.core.errors import PlumblineError, SourceError
from plumbline.runtime import keys, runner


def stage(usecase: str, source: Path, out: Path) -> None:
    if usecase == "bad":
        raise SourceError(f"{source}: no such file; put one there")
    out.write_text(usecase)


@pytest.fixture(autouse=True)
def same_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))


def test_words_become_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["stages/stage.py", "good", "in", str(tmp_path / "out")])
    runner.run(stage)
    assert (tmp_path / "out").read_text() == "good"
    assert os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"


def test_a_mistake_is_one_message(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sys.argv", ["stages/stage.py", "bad", "in.csv", "out"])
    with pytest.raises(SystemExit) as exit_, caplog.at_level(logging.ERROR):
        runner.run(stage)
    assert exit_.value.code == 2
    assert caplog.messages == ["stage: in.csv: no such file; put one there"]


def test_too_few_words() -> None:
    with pytest.raises(
        PlumblineError, match=r"expected 3 arguments, found 1; usage: .* USECASE SOURCE OUT"
    ):
        runner.parse(stage, ["x"], "stage")


def look(usecase: str, out: Path) -> None:
    out.write_text("\n".join(sorted(os.environ)) + usecase)


KEYS = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_STORAGE_KEY"),
    *("AZURE_STORAGE_CONNECTION_STRING", "GOOGLE_APPLICATION_CREDENTIALS", "GITHUB_TOKEN"),
    *("GH_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "SMTP_PASSWORD", "SLACK_WEBHOOK_URL"),
    *("PGPASSWORD", "REDIS", "RETRAIN_TOKEN"),
)
KEPT = ("MLFLOW_TRACKING_PASSWORD", "PLUMBLINE_DATA_SHOP", "AWS_REGION", "HTTPS_PROXY", "PATH")


def test_a_stage_sees_no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of object stores are still there for MLflow's process, which uploads by itself."""
    for name in (*KEYS, *KEPT[:-1]):
        monkeypatch.setitem(os.environ, name, "x")
    monkeypatch.setattr("sys.argv", ["stages/look.py", "good", str(tmp_path / "out")])
    runner.run(look)
    seen = (tmp_path / "out").read_text().splitlines()
    assert not {*KEYS} & {*seen}
    assert {*KEPT} <= {*seen}
    assert {n for n in keys.of_storage() if n in KEYS} == {*KEYS[:6]}
