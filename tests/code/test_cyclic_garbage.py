"""A stage with large libraries does not walk through their objects while it works, nor at its end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

PROGRAM = """
import atexit, gc
from plumbline.runtime import runner
from pathlib import Path

class Object:
    def __del__(self):
        print("taken apart")

def main(usecase: str, out: Path) -> None:
    before = sum(generation["collections"] for generation in gc.get_stats())
    kept = [[] for _ in range(150_000)]
    print(sum(generation["collections"] for generation in gc.get_stats()) - before <= 1)
    atexit.register(print, "closed")

kept = Object()
runner.run(main)
"""


def test_a_stage_ends_without_taking_its_objects_apart(tmp_path: Path):
    words = [sys.executable, "-c", PROGRAM, "card_fraud", "out"]
    env = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["True", "closed", ""]
