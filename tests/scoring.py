"""Pytest's side of the ML Test Score: `@pytest.mark.mltest("Data 1")` and what is kept of each run.

`--mltest "Data 1"` runs the tests of one id alone; `--mltest all` those of every id. What ran is kept
in `.plumbline/score/tests.json` (not in git) with the state of the project that it speaks of.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.studies.mltest import rubric, run_evidence, tree

ROOT = Path(__file__).resolve().parent.parent
PLACE = "PLUMBLINE_SCORE"
"""Variable: another folder for the records."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--mltest", default="", help='run the tests of an id alone ("Data 1"), or of "all"'
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "mltest(id, ...): proves a test of the ML Test Score")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Keeper(), "mltest-keeper")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse an id that the rubric has not; leave those that were asked for."""
    wanted = config.getoption("--mltest")
    if wanted not in ("", "all", *rubric.IDS):
        raise pytest.UsageError(f"--mltest {wanted!r}: expected all, or one of {rubric.IDS}")
    odd = {i for item in items for i in ids(item)} - set(rubric.IDS)
    if odd:
        raise pytest.UsageError(f"mltest {sorted(odd)}: expected ids of {rubric.IDS}")
    if wanted:
        chosen = [i for i in items if (ids(i) if wanted == "all" else wanted in ids(i))]
        config.hook.pytest_deselected(items=[i for i in items if i not in chosen])
        items[:] = chosen


def ids(item: pytest.Item) -> tuple[str, ...]:
    """The rubric's ids that a test carries."""
    return tuple(dict.fromkeys(i for m in item.iter_markers("mltest") for i in m.args))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Send what the record needs with the report, from a worker to the one that keeps it."""
    report = (yield).get_result()
    if ids(item):
        kind = type(call.excinfo.value).__name__ if call.excinfo else ""
        report.user_properties.append(("mltest", [list(ids(item)), kind]))


class Keeper:
    """Gathers what the reports send (with pytest-xdist, from every worker) and keeps it at the end."""

    def __init__(self) -> None:
        self.state = _state()
        self.recorded: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        sent = [v for k, v in report.user_properties if k == "mltest"]
        if sent:
            result = self.recorded.setdefault(report.nodeid, {"ids": sent[-1][0], "phases": []})
            result["phases"].append([report.when, report.outcome, sent[-1][1]])

    def pytest_sessionfinish(self) -> None:
        """Keep the record, unless the files changed while the tests ran."""
        if not self.recorded or not self.state or self.state != _state():
            return
        when, commit = datetime.now(UTC).isoformat(timespec="seconds"), tree.commit(ROOT)
        place = Path(os.environ.get(PLACE, ROOT / run_evidence.FOLDER))
        records = [
            run_evidence.Ran(
                node,
                tuple(result["ids"]),
                outcome(result["phases"]),
                kind(result["phases"]),
                when,
                commit,
                self.state,
            )
            for node, result in self.recorded.items()
        ]
        run_evidence.keep(place / "tests.json", records)


def outcome(phases: list[list[str]]) -> str:
    """Of a test's set-up, call and clean-up: failed if any did, skipped if any was, else passed."""
    outcomes = {o for _, o, _ in phases}
    return "failed" if "failed" in outcomes else "skipped" if "skipped" in outcomes else "passed"


def kind(phases: list[list[str]]) -> str:
    """The exception that failed a test; with its phase where that is not the call itself."""
    red = [(when, name) for when, came, name in phases if came == "failed"]
    return "" if not red else red[0][1] if red[0][0] == "call" else f"{red[0][1]} in {red[0][0]}"


def _state() -> str:
    try:
        return tree.state(ROOT)
    except (PlumblineError, OSError):  # no git, or a copy without it: nothing is kept
        return ""
