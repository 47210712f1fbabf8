"""Large libraries imported without what nobody here uses, and afterwards as they are."""

from __future__ import annotations

import subprocess
import sys

import pytest

from plumbline.core.imports import without
from tests.conftest import ROOT

LEAN = [
    ("from plumbline.model import library; library.load()", "sklearn"),
    ("from plumbline.validate import expectations; expectations.Checker()", "rfc3987_syntax"),
]


@pytest.mark.parametrize(("code", "left_out"), LEAN, ids=lambda v: v.split()[-1])
def test_what_is_left_out_is_not_loaded_and_can_be_later(code: str, left_out: str) -> None:
    code += f"; import sys; assert {left_out!r} not in sys.modules; import {left_out}"
    words = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_module_that_is_there_stays() -> None:
    with without("json", unused=["wave"]):
        import json

        assert json.dumps(1) == "1"
        assert not hasattr(sys.modules["wave"], "open")
    import wave

    assert wave.open


def test_a_module_that_is_left_out_is_not_installed_meanwhile() -> None:
    with without("sndhdr"), pytest.raises(ImportError, match="sndhdr"):
        import sndhdr  # noqa: F401
    assert "sndhdr" not in sys.modules


SEARCH = """
import sys
from plumbline.tune import search, space
evaluate = search.in_turn(lambda params: (params["eta"], 1), ())
dimensions = space.parse({"eta": {"uniform": [0.1, 0.2]}})
trials = search.search(
    dimensions, evaluate, higher_is_better=True, max_evals=25, seed=1
)
print(len(trials), "scipy.stats" in sys.modules)
"""


def test_a_search_does_not_load_statistics():
    done = subprocess.run(
        [sys.executable, "-c", SEARCH], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["25", "False"]
