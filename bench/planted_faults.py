"""Do the tests notice? Plants one fault at a time in a copy of the project and runs the tests on it.

`python bench/planted_faults.py` prints one line per fault: the test that turned red, or GREEN, which
is a failure of the tests (exit code 1).
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.project import environment, make

FEATURES = "plumbline/features"


@dataclass(frozen=True)
class Fault:
    """`old` becomes `new` in `file`; `tests` are those that should notice."""

    what: str
    file: str
    old: str
    new: str
    tests: str


FAULTS = (
    Fault(
        "features: a snapshot sees its own day",
        f"{FEATURES}/batch.py",
        'unit="day") + 1',
        'unit="day")',
        "tests/code/test_batch.py",
    ),
    Fault(
        "features: earlier today includes the event itself",
        f"{FEATURES}/batch.py",
        "preceding=(None, ibis.interval(microseconds=1))",
        "preceding=(None, 0)",
        "tests/code/test_batch.py",
    ),
    Fault(
        "features: a label counts before its delay",
        f"{FEATURES}/batch.py",
        'outcomes.known_at.name("__at")',
        'outcomes[usecase.time].name("__at")',
        "tests/code/test_batch.py",
    ),
    Fault(
        "features: the single request's window a day short",
        f"{FEATURES}/single.py",
        "midnight - spec.days * DAY, midnight)",
        "midnight - (spec.days - 1) * DAY, midnight)",
        "tests/code/test_single.py",
    ),
    Fault(
        "features: a code moved by one",
        f"{FEATURES}/rowwise.py",
        "float(i)",
        "float(i + 1)",
        "tests/code/test_rowwise.py",
    ),
    Fault(
        "features: arrival and departure added up",
        "usecases/flights.py",
        "return dest_arrival_7d - dest_departure_7d",
        "return dest_arrival_7d + dest_departure_7d",
        "tests/code/test_flights.py",
    ),
    Fault(
        "features: night ends at five",
        "usecases/card_fraud.py",
        "(hour < 6)",
        "(hour < 5)",
        "tests/code/test_card_fraud.py",
    ),
    Fault(
        "contract: no upper bound",
        "plumbline/quality/check.py",
        'f"v > {self.high!r}" if self.high is not None',
        'f"v > {self.high!r}" if False',
        "tests/code/test_contract.py tests/data/test_bad_rows.py",
    ),
    Fault(
        "contract: a key may come twice",
        "plumbline/quality/contract.py",
        'found = [self.check("unique", key, "one row per key")]',
        "found = []",
        "tests/code/test_contract.py tests/data/test_bad_rows.py",
    ),
    Fault(
        "contract: the label delay is not checked",
        "plumbline/quality/contract.py",
        "to_days({delay})",
        "to_days({delay} + 1)",
        "tests/data/test_validate.py",
    ),
    Fault(
        "splits: no gap before the test window",
        f"{FEATURES}/splits.py",
        "test.start - gap - timedelta(days=params.valid_days), test.start - gap)",
        "test.start - timedelta(days=params.valid_days), test.start)",
        "tests/code/test_splits.py",
    ),
    Fault(
        "splits: training up to the validation window",
        f"{FEATURES}/splits.py",
        "valid.start - gap)",
        "valid.start)",
        "tests/code/test_splits.py",
    ),
    Fault(
        "tuning: the search seeks the worst model",
        "plumbline/model/tuning.py",
        "-1.0 if higher_is_better else 1.0, max_evals",
        "1.0 if higher_is_better else -1.0, max_evals",
        "tests/code/test_tuning.py",
    ),
    Fault(
        "tuning: the worst trial is called best",
        "plumbline/model/tuning.py",
        "sign = -1.0 if higher_is_better else 1.0",
        "sign = 1.0 if higher_is_better else -1.0",
        "tests/code/test_tuning.py",
    ),
    Fault(
        "metrics: average precision counts a tie at its start",
        "plumbline/evaluation/ranking.py",
        "np.maximum(at.through, 1)",
        "np.maximum(at.ahead, 1)",
        "tests/code/test_metrics.py",
    ),
    Fault(
        "metrics: the error keeps its sign",
        "plumbline/evaluation/metrics.py",
        "sample.mean(np.abs(score - label))",
        "sample.mean(score - label)",
        "tests/code/test_metrics.py",
    ),
    Fault(
        "metrics: an alarm needs more than the threshold",
        "plumbline/evaluation/metrics.py",
        "return score >= threshold",
        "return score > threshold",
        "tests/code/test_metrics.py",
    ),
)


def first_red(project: Path, fault: Fault) -> str:
    """The first test that fails with the fault planted, or an empty string."""
    path = project / fault.file
    sound = path.read_text()
    if fault.old not in sound:
        sys.exit(f"{fault.file}: '{fault.old}' is not there; correct the fault '{fault.what}'")
    path.write_text(sound.replace(fault.old, fault.new))
    try:
        words = [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-q",
            "-p",
            "no:cacheprovider",
            *fault.tests.split(),
        ]
        done = subprocess.run(
            words,
            cwd=project,
            env=environment(project),
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        path.write_text(sound)
    red = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    return red.group(1) if red and done.returncode == 1 else ""


def main() -> None:
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
