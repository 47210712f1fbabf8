"""Fixtures that all tests share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from plumbline.runtime import runner
from tests import long_first, scoring
from tests.scoring import (  # noqa: F401 (pytest finds its hooks here)
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_runtest_makereport,
)

pytest_plugins = ["tests.situations", "tests.graph", "tests.untraced"]

os.environ.update(runner.QUIET)  # before any library reads it, as in a stage
sys.modules.setdefault("rfc3987_syntax", None)  # of jsonschema: seconds for a grammar of addresses
os.environ["PLUMBLINE_PARTITIONS"] = "off"  # each test computes what it shows

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
OURS = (
    *(
        "PLUMBLINE_",
        "GITHUB_",
        "MLFLOW_",
        "DVC_",
        "AWS_",
        "CML_",
        "SMTP_",
        "SLACK_",
        "TEAMS_",
        "REDIS",
    ),
    *("PYTHON", "TMPDIR", "TZ", "LC_", "HOME", "PATH", "FLIGHTS_"),
)


def pytest_configure(config: pytest.Config) -> None:
    scoring.pytest_configure(config)
    config.pluginmanager.register(long_first, "long-first")


@pytest.fixture(scope="module", autouse=True)
def _as_it_was() -> Iterator[None]:
    """No module's tests may leave a variable of ours, or another folder, to those that follow."""
    before, folder = _ours(), Path.cwd()
    yield
    after = _ours()
    changed = sorted(name for name in before | after if before.get(name) != after.get(name))
    assert not changed, f"these tests leave other variables: {', '.join(changed)}"
    assert Path.cwd() == folder, f"these tests leave the folder {Path.cwd()}"


def _ours() -> dict[str, str]:
    """The variables that this project, its tests and the services around it read."""
    return {name: value for name, value in os.environ.items() if name.startswith(OURS)}


@pytest.fixture(scope="session")
def nycflights() -> Path:
    """The real table of departures, where this machine has it (CI does)."""
    path = SHARED / "nycflights.csv"
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    return path
