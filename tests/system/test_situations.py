"""Situations that no other test proves; the table of all of them is printed after a run (tests/situations.py)."""

from __future__ import annotations

from tests import situations
from tests.conftest import ROOT

AT_LEAST = 45


def test_there_are_as_many_as_there_were() -> None:
    names = situations.marked(ROOT / "tests")
    assert len(set(names)) == len(names) >= AT_LEAST, sorted(names)
