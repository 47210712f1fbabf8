"""A use case's name ends up in a shell's command, a path and a module's name."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from plumbline import config
from plumbline.__main__ import main
from plumbline.core import usecase_loader, usecase_name
from plumbline.core.errors import ParamsError
from plumbline.ops import new_usecase
from plumbline.repo import dvc_command
from plumbline.runtime import preflight

BAD = [
    *("x;id>PWNED;#", "$(id)", "`id`", "a b", "a\nb", "toy\n", "../toy", "a/b", "a.b", "-n", "_a"),
    *("Toy", "1a", "", "é", "a'b", "x" * 101, 3, None, True, ["toy"]),
]
DVC_YAML = "stages: {echo: {matrix: {usecase: '${usecases}'}, cmd: 'echo ${item.usecase}'}}"


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_name(name: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import yaml

    monkeypatch.chdir(tmp_path)
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump({"usecases": ["toy", name], "seed": 1}))
    with pytest.raises(
        ParamsError, match=r"params\.yaml, usecases: got .* letters, digits and"
    ) as e:
        config.read()
    assert "\n" not in str(e.value)
    if isinstance(name, str):
        with pytest.raises(ParamsError, match="expected lower-case letters"):
            preflight.begin(name, "data", [])
        with pytest.raises(ParamsError, match="expected lower-case letters"):
            usecase_loader.load_contract(name)
        with pytest.raises(ParamsError, match="expected lower-case letters"):
            new_usecase.create(name)
    assert [p.name for p in tmp_path.iterdir()] == ["params.yaml"]


@pytest.mark.parametrize("name", ["toy", "card_fraud", "a", "a1_", "x" * 100])
def test_what_is_a_name(name: str) -> None:
    assert usecase_name.check(name) == name


@pytest.mark.parametrize("name", ["class", "import", "seed", "gate", "usecases", "yes", "null"])
def test_a_word_with_a_meaning_is_no_name(name: str) -> None:
    with pytest.raises(ParamsError, match=f"got '{name}', a word of .* such as {name}_table"):
        usecase_name.check(name)


def git(*words: str) -> None:
    subprocess.run(["git", *words], check=True)


def test_no_shell_gets_it_from_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`plumbline` starts `dvc repro` for the lock gate, a retraining, a baseline and a proof."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dvc.yaml").write_text(DVC_YAML)
    (tmp_path / "params.yaml").write_text("usecases: ['x;id>PWNED;#']\n")
    with pytest.raises(ParamsError, match="usecases: got 'x;id>PWNED;#'"):
        dvc_command.run(tmp_path, "repro")
    (tmp_path / "dvc.lock").write_text("schema: '2.0'\nstages: {}\n")
    git("init", "-q")
    git("add", "-A")
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "x")
    assert main(["gate", "--lock-only"]) == 2
    assert "usecases: got 'x;id>PWNED;#'" in capsys.readouterr().err
    assert not (tmp_path / "PWNED").exists()
