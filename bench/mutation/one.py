"""`python -m bench.mutation.one FILE N`: a sample of N changes to one file; the outcome as a line of JSON."""

from __future__ import annotations

import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

from bench.mutants import copies
from bench.mutation import changes, killing
from bench.mutation.subjects import SUBJECTS
from tests.conftest import ROOT

SEED = 11


def main(file: str, most: int) -> None:
    every = changes.changes((ROOT / file).read_text(encoding="utf-8"))
    sample = random.Random(f"{SEED} {file}").sample(every, min(most, len(every)))
    alive = []
    with tempfile.TemporaryDirectory() as folder:
        root = copies.copy(Path(folder).resolve())
        shutil.rmtree(root / ".git")
        killing.prepare(root)
        if killing.killed(root, file, None, SUBJECTS[file]):
            raise RuntimeError(f"{file}: its tests are red without any change")
        for change in sorted(sample, key=lambda c: (c.line, c.what)):
            if not killing.killed(root, file, change, SUBJECTS[file]):
                alive.append(f"{file}:{change.line} {change.what}")
        killing.leave()
    killed = len(sample) - len(alive)
    print(json.dumps({"mutants": len(sample), "killed": killed, "of": len(every), "alive": alive}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
