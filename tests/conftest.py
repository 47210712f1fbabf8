"""Fixtures that all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def nycflights() -> Path:
    """The real table of departures, where this machine has it (CI does)."""
    path = SHARED / "nycflights.csv"
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    return path
