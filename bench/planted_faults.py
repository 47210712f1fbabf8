"""Do the tests notice? More faults than `python -m bench.mutants` plants for the ML Test Score.

`python -m bench.planted_faults` puts one at a time into a copy of the project, runs the tests named, and
prints the test that turned red, or GREEN, which is a failure of the tests (exit code 1).
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.mutants.plant import Mutant, plant
from tests.project import environment, make

FEATURES = "plumbline/features"

FAULTS = (
    Mutant(
        "",
        "features: a label counts before its delay",
        f"{FEATURES}/tiles.py",
        'outcomes.known_at.name("__at")',
        'outcomes[usecase.time].name("__at")',
        tests="tests/code/test_batch.py",
    ),
    Mutant(
        "",
        "features: arrival and departure added up",
        "usecases/flights/features.py",
        "return dest_arrival_7d - dest_departure_7d",
        "return dest_arrival_7d + dest_departure_7d",
        tests="tests/code/test_flights.py",
    ),
    Mutant(
        "",
        "contract: a key may come twice",
        "plumbline/validate/contract.py",
        'listed = [self.check("unique", key, "one row per key")]',
        "listed = []",
        tests="tests/code/test_contract.py tests/data/test_bad_rows.py",
    ),
    Mutant(
        "",
        "contract: the label delay is not checked",
        "plumbline/validate/contract.py",
        "{delayed(quote(time), *delay)}",
        "{delayed(quote(time), delay[0] + 1, *delay[1:])}",
        tests="tests/data/test_validate.py",
    ),
    Mutant(
        "",
        "splits: no gap before the test window",
        f"{FEATURES}/splits.py",
        "test.start - gap - timedelta(days=params.valid_days), test.start - gap)",
        "test.start - timedelta(days=params.valid_days), test.start)",
        tests="tests/code/test_splits.py",
    ),
    Mutant(
        "",
        "splits: training up to the validation window",
        f"{FEATURES}/splits.py",
        "valid.start - gap)",
        "valid.start)",
        tests="tests/code/test_splits.py",
    ),
    Mutant(
        "",
        "metrics: average precision counts a tie at its start",
        "plumbline/metrics/ranking.py",
        "np.maximum(at.through, 1)",
        "np.maximum(at.ahead, 1)",
        tests="tests/code/test_metrics.py",
    ),
    Mutant(
        "",
        "metrics: the error keeps its sign",
        "plumbline/metrics/metrics.py",
        "sample.mean(np.abs(score - label))",
        "sample.mean(score - label)",
        tests="tests/code/test_metrics.py",
    ),
    Mutant(
        "",
        "metrics: an alarm needs more than the threshold",
        "plumbline/metrics/metrics.py",
        "return score >= threshold",
        "return score > threshold",
        tests="tests/code/test_metrics.py",
    ),
)


def first_red(project: Path, fault: Mutant) -> str:
    """The first test that fails with the fault planted, or an empty string."""
    sound = plant(project, fault)
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    try:
        done = subprocess.run(
            [*command, *fault.tests.split()],
            cwd=project,
            env=environment(project),
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        (project / fault.file).write_text(sound, encoding="utf-8")
    red = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    return red.group(1) if red and done.returncode == 1 else ""


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = make(Path(folder), ["card_fraud"]).path
        missed = 0
        for fault in FAULTS:
            red = first_red(project, fault)
            missed += not red
            print(f"{'red   ' if red else 'GREEN '} {fault.what:55} {red}", flush=True)
    print(f"{len(FAULTS) - missed} of {len(FAULTS)} planted faults turned a test red")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
