"""Situations that repositories are in, and what the commands do there: a mark, and a table at the end.

`@pytest.mark.situation("a shallow clone", expected="refused, with the command that fetches the rest")`
stands at the test that proves it, wherever that is; `{change}` in a name stands for the test's parameter.
`pytest --situations` runs the marked tests alone and prints the table (`make situations`).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

MARK = "situation"
SEEN = "seen"
LISTED = "test_situations.py"
"""The table is printed wherever tests of this file ran."""
WIDTH = 140


@dataclass
class Row:
    """One situation: what is expected, what its tests saw, and the first of them."""

    expected: str
    test: str
    seen: list[str] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)

    @property
    def result(self) -> str:
        """What was seen; of a test that recorded nothing, its outcome."""
        bad = next((o for o in self.outcomes if o != "passed"), None)
        recorded = "; ".join(dict.fromkeys(self.seen))
        return bad or recorded or "as expected"


@pytest.fixture
def seen(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Record for the table what a command printed."""
    return lambda text: record_property(SEEN, " ".join(text.split()))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--situations", action="store_true", help="run the marked situations alone, and print them"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{MARK}(name, expected): proves a row of the situations")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Table(), "situations-table")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--situations"):
        chosen = [item for item in items if any(item.iter_markers(MARK))]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Send each situation of a test with its report, from a worker to the one that prints."""
    report = (yield).get_result()
    for mark in item.iter_markers(MARK):
        params = getattr(getattr(item, "callspec", None), "params", {})
        name = mark.args[0].format(**params)
        report.user_properties.append((MARK, [name, mark.kwargs["expected"].format(**params)]))


class Table:
    """Gathers what the reports send (with pytest-xdist, from every worker) and prints it at the end."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Each phase of a marked test; a set-up or clean-up counts where it failed or was skipped."""
        if report.when != "call" and report.passed:
            return
        texts = [str(value) for key, value in report.user_properties if key == SEEN]
        for name, expected in (v for key, v in report.user_properties if key == MARK):
            row = self.rows.setdefault(name, Row(expected, report.nodeid))
            row.seen += texts
            row.outcomes.append(report.outcome)

    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> None:
        """The table, and its sum."""
        whole = any(LISTED in row.test for row in self.rows.values())
        if whole or config.getoption("--situations"):
            for line in lines(self.rows):
                terminalreporter.write_line(line)


def lines(rows: dict[str, Row]) -> Iterator[str]:
    """Three lines for each situation, in the order of their names, and the counts."""
    for number, (name, row) in enumerate(sorted(rows.items()), 1):
        yield f"{number:3} {name}"
        yield f"    expected: {row.expected}"
        yield f"    seen:     {row.result[:WIDTH]}"
        yield f"    test:     {row.test}"
    outcomes = [row.outcomes for row in rows.values()]
    failed = sum("failed" in seen for seen in outcomes)
    skipped = sum("failed" not in seen and "skipped" in seen for seen in outcomes)
    good = len(rows) - failed - skipped
    yield f"{len(rows)} situations: {good} as expected, {failed} not, {skipped} skipped here"


def marked(folder: Path) -> list[str]:
    """The names of all marks in the test files of a folder, as they are written."""
    files = sorted(folder.rglob("test_*.py"))
    trees = (ast.parse(file.read_text(encoding="utf-8")) for file in files)
    calls = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call))
    marks = (c for c in calls if isinstance(c.func, ast.Attribute) and c.func.attr == MARK)
    return [ast.literal_eval(mark.args[0]) for mark in marks]
