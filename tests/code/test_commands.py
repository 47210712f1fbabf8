"""The command line's own words: new, accept, features, and what they say when misused."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import usecases
from plumbline.__main__ import main
from plumbline.cli.app import command_line
from plumbline.cli.options import usecase_names
from plumbline.core import usecase_loader
from plumbline.core.files import write_json
from tests.conftest import ROOT


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project in which the command runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    for folder in ("usecases", "profiles", "sources"):
        (tmp_path / folder).mkdir()
    (tmp_path / "params.yaml").write_text("usecases: []\nseed: 7\n")
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    return tmp_path


def test_new_writes_all_that_a_use_case_needs(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["new", "my_table"]) == 0
    params = yaml.safe_load((root / "params.yaml").read_text())
    assert params["my_table"]["data"]["path"] == "sources/my_table/my_table.csv"
    assert (root / "profiles" / "my_table.json").read_text() == "{}\n"
    assert (root / "profiles" / "my_table.history.csv").read_text() == ""
    assert (root / "sources" / "my_table").is_dir()
    monkeypatch.setattr(usecases, "__path__", [str(root / "usecases")])
    assert usecase_loader.load("my_table").features == ("size", "units", "size_per_unit")


@pytest.mark.parametrize(
    ("name", "message"), [("My-Table", "lower-case"), ("taken", "exists already")]
)
def test_new_refuses(
    root: Path, capsys: pytest.CaptureFixture[str], name: str, message: str
) -> None:
    (root / "usecases" / "taken").mkdir()
    assert main(["new", name]) == 2
    assert message in capsys.readouterr().err
    assert (root / "params.yaml").read_text() == "usecases: []\nseed: 7\n"


@pytest.mark.capability("G2")
def test_accept_copies_the_last_profile(root: Path) -> None:
    write_json(root / "data" / "toy" / "profile.json", {"rows": 3})
    assert main(["accept", "toy"]) == 0
    assert (root / "profiles" / "toy.json").read_text() == '{\n  "rows": 3\n}\n'


def test_accept_keeps_the_judged_days(root: Path) -> None:
    write_json(root / "data" / "toy" / "profile.json", {"rows": 3})
    judged = root / "reports" / "toy" / "monitor" / "history.csv"
    judged.parent.mkdir(parents=True)
    judged.write_text("day,level\n")
    assert main(["accept", "toy"]) == 0
    assert (root / "profiles" / "toy.history.csv").read_text() == "day,level\n"


def test_accept_without_a_run(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["accept", "toy"]) == 2
    assert "run `dvc checkout`, or `dvc repro`" in capsys.readouterr().err
    assert not (root / "profiles" / "toy.json").exists()


def test_search_wants_every_word(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["features", "search", "card_fraud", "CUSTOMER", "points", "7"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "customer_woe_7d",
    ]


def test_list_names_the_use_case_that_is_not_there(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["features", "list", "nowhere"]) == 2
    assert "'nowhere' has no module" in capsys.readouterr().err


NAMES = sorted(command_line().commands)
HEAVY = ("numpy", "pandas", "pydantic", "yaml", "rich", "dvc", "mlflow", "xgboost", "duckdb")


@pytest.mark.parametrize("name", NAMES)
def test_every_help_is_whole(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A sentence, every option and argument explained, an example that can be typed as it stands."""
    command = command_line().commands[name]
    assert command.get_short_help_str(62).endswith(".")
    assert not [p.name for p in command.params if not getattr(p, "help", None)]
    assert main([name, "--help"]) == 0
    output = capsys.readouterr().out
    examples = re.findall(
        rf"^    plumbline {name}(.*)$", output.split("Examples:")[1], re.MULTILINE
    )
    assert examples
    for words in examples:
        command.make_context(name, shlex.split(words))


def test_every_command_has_a_group() -> None:
    titles = command_line().titles()
    assert list(titles) == ["Run", "Review", "History", "Studies", "Operations", "Serving"]
    assert sorted(name for names in titles.values() for name in names) == NAMES


def test_help_imports_nothing_that_takes_time() -> None:
    code = (
        "import sys; from plumbline.cli.app import main; main(['--help']); "
        f"sys.exit(', '.join(m for m in {HEAVY} if m in sys.modules) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["verfy"], "No such command 'verfy'. Did you mean 'verify'?"),
        (["rollback"], "Missing argument 'REV'."),
        (["compare", "main"], "Missing option '--json'."),
        (["gate"], "give IN.json or --lock-only, and not both"),
        (
            ["verify", "--in", "cellar"],
            "'cellar' is not one of 'workspace', 'cache', 'remote', 'source'.",
        ),
        (
            ["retrain", "--json", "x", "--as-of", "soon"],
            "expected a day like 2025-07-01, found soon",
        ),
        (["reproduce", "--env", "THREADS"], "--env THREADS: expected KEY=VALUE"),
        (["scan-pii", "nowhere"], "nowhere: no such file or folder"),
    ],
)
def test_bad_input_is_one_message_and_code_2(
    root: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count(message) == 1
    assert "Traceback" not in err


@pytest.mark.situation("output to a closed pipe ({words})", expected="no traceback")
@pytest.mark.parametrize("words", ["--help", "features list card_fraud", "clean", "--version"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_closed_pipe_is_no_traceback(words: str, unbuffered: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "plumbline", *words.split()],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


def test_what_no_user_can_mend_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("plumbline.ops.new_usecase.create", fail)
    with pytest.raises(ZeroDivisionError):
        main(["new", "shop"])


@pytest.mark.capability("C6")
def test_a_search_as_json(root: Path) -> None:
    assert main(["features", "search", "card_fraud", "customer", "7d", "--json", "f.json"]) == 0
    result = json.loads((root / "f.json").read_text())
    assert result["usecase"] == "card_fraud"
    assert "customer_fraud_7d" in [feature["name"] for feature in result["features"]]


def test_use_cases_are_completed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert usecase_names("") == []
    (root / "params.yaml").write_text("usecases: [card_fraud, flights]\n")
    assert usecase_names("car") == ["card_fraud"]
    (root / "params.yaml").unlink()
    assert usecase_names("") == []
