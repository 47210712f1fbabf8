"""A process that loads large libraries does not walk through their objects again and again."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import atexit, gc
from plumbline.runtime import runner
searches = lambda: sum(generation["collections"] for generation in gc.get_stats())
atexit.register(lambda: print(gc.get_freeze_count()))
runner.prepare()
before = searches()
kept = [[] for _ in range(150_000)]
print(searches() - before)
"""


def test_a_stage_searches_for_garbage_rarely_and_not_at_its_end():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True)
    searches, left_alone = map(int, done.stdout.split())
    assert searches <= 1
    assert left_alone > 150_000
