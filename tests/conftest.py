"""Fixtures that all tests share."""

from __future__ import annotations

import os
import sys
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


def pytest_configure(config: pytest.Config) -> None:
    scoring.pytest_configure(config)
    config.pluginmanager.register(long_first, "long-first")


@pytest.fixture(scope="session")
def nycflights() -> Path:
    """The real table of departures, where this machine has it (CI does)."""
    path = SHARED / "nycflights.csv"
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    return path
