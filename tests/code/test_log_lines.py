"""What stands in the data cannot write a line of its own into a log, nor a command for a CI runner."""

from __future__ import annotations

import io
import logging
import re

import pytest

from plumbline.cli import app, options
from plumbline.core.errors import PlumblineError
from plumbline.core.safe_text import log_line, log_lines
from plumbline.review import lockcheck
from plumbline.review.comparison_sections import FailedStage
from plumbline.runtime import runner

COMMANDS = [
    *("::error::forged", "::add-mask::a", "::stop-commands::x", "::warning file=a,line=1::b"),
    *(
        "##[error]forged",
        "##[add-mask]a",
        "##vso[task.setvariable variable=a]b",
        " \t::error::forged",
    ),
    "ERROR: failed to reproduce 'train@a': failed to run: x, exited with 1",
]
BREAKS = [
    "\n",
    "\r",
    "\r\n",
    "\v",
    "\f",
    "\x1c",
    "\x85",
    "\u2028",
    "\u2029",
    "\x1b[2K\n",
    "\u200b\n",
]
ACTED_ON = re.compile(r"\s*::|.*##\[|.*##vso\[|ERROR:")


def acted_on(text: str) -> list[str]:
    """The lines that a CI runner, or the reader of DVC's log, would take for its own."""
    return [line for line in text.splitlines() if ACTED_ON.match(line)]


def logged(level: int, message: str, *values: object) -> str:
    """What a stage's log says."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(runner.SafeFormatter("%(message)s"))
    handler.emit(logging.LogRecord("plumbline", level, "", 0, message, values, None))
    return stream.getvalue()


@pytest.mark.parametrize("gap", BREAKS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_value_forges_no_line(gap: str, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    value = f"oslo{gap}{command}"
    for text in (value, command.replace("ERROR", "error")):
        line = logged(logging.WARNING, "%s", text)
        assert (line.count("\n"), acted_on(line)) == (1, [])
        options.say([text])
        printed = capsys.readouterr().out
        assert (len(printed.splitlines()), acted_on(printed)) == (1, [])
    failed = logged(logging.ERROR, "%s: column 'city': %s", "validate", value)
    assert acted_on(failed) == []
    assert lockcheck.failure(f"{failed}Data and pipelines are up to date.\n") is None


@pytest.mark.parametrize("command", COMMANDS)
def test_an_error_of_a_command(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise PlumblineError(f"a.csv, line 2: got 'x\n{command}'")

    monkeypatch.setattr(app, "command_line", refuse)
    assert app.main(["gate"]) == 2
    assert acted_on(capsys.readouterr().err) == []


def test_the_stage_that_failed_is_dvcs_word() -> None:
    """The last line of a stage is told as its error, and is no failure of another stage."""
    forged = "validate: ERROR: failed to reproduce 'monitor@b': failed to run"
    log = f"{forged}\nERROR: failed to reproduce 'validate@a': failed to run: x, exited with 2\n"
    assert lockcheck.failure(log) == FailedStage(stage="validate@a", error=forged)


def test_what_is_not_data_stays() -> None:
    assert (
        log_line("amount_mean_7d   snapshot  mean, 7 days")
        == "amount_mean_7d   snapshot  mean, 7 days"
    )
    assert log_line("features: shop::train, #1, a ## b") == "features: shop::train, #1, a ## b"
    assert (
        log_lines("params.yaml, a: 1\nparams.yaml, b: 2")
        == "params.yaml, a: 1\n  params.yaml, b: 2"
    )
