"""Runs the marked tests of a planted fault in a copy, and says what came of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.mutants.plant import Mutant, plant
from tests.project import environment
from tests.scoring import PLACE

NOTICED = {"AssertionError", "Failed"}
"""A test that noticed: an assertion, or `pytest.raises` that saw nothing raised."""
MOST = 900  # seconds for one fault


@dataclass(frozen=True)
class Outcome:
    """What one fault met. `verdict`: caught, missed, wrong (red for another reason)."""

    mutant: Mutant
    verdict: str
    node: str
    kind: str
    seconds: float
    output: str


def marked(root: Path, id: str) -> list[str]:
    """The test files whose text has the id in a mark."""
    mark = re.compile(r'mltest\([^)]*"' + re.escape(id) + r'"', re.DOTALL)
    paths = sorted((root / "tests").rglob("test_*.py"))
    return [str(p.relative_to(root)) for p in paths if mark.search(p.read_text(encoding="utf-8"))]


def judge(root: Path, mutant: Mutant) -> Outcome:
    """Plant the fault in the copy, run the tests of its id, and put the copy right again."""
    started = time.perf_counter()
    words = mutant.tests.split() or marked(root, mutant.id)
    existed = (root / mutant.file).exists()
    sound = plant(root, mutant)
    try:
        result, message = run(root, mutant.id, words) if words else ([], "no test carries the mark")
    finally:
        (root / mutant.file).write_text(sound, encoding="utf-8")
        if not existed:
            (root / mutant.file).unlink()
    red = [r for r in result if r["outcome"] == "failed"]
    seen = [r for r in red if r["kind"] in NOTICED]
    verdict = "caught" if seen else "wrong" if red or not result else "missed"
    first = (seen or red or [{"node": "", "kind": ""}])[0]
    seconds = round(time.perf_counter() - started, 1)
    return Outcome(mutant, verdict, first["node"], first["kind"], seconds, message)


def run(root: Path, id: str, words: list[str]) -> tuple[list[dict[str, Any]], str]:
    """The records of the marked tests that ran in the copy, up to the first red one; pytest's output."""
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, "--mltest", id, *words],
            cwd=root,
            env={**environment(root), PLACE: place, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=MOST,
            check=False,
        )
        path = Path(place) / "tests.json"
        return (json.loads(path.read_text()) if path.exists() else []), done.stdout[-3000:]
