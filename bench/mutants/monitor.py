"""Faults that the tests of monitoring must notice."""

from __future__ import annotations

from bench.mutants.plant import Mutant

MUTANTS = (
    Mutant(
        "Monitor 1",
        "report: a dependency that moved is not told",
        "plumbline/review/document.py",
        'if found.get("packages"):',
        'if found.get("package"):',
        tests="tests/mltest/test_dependencies.py",
    ),
    Mutant(
        "Monitor 1",
        "nightly: the newest versions are no longer tried",
        ".ci/nightly",
        "--upgrade --quiet",
        "--quiet",
        tests="tests/mltest/test_dependencies.py",
    ),
    Mutant(
        "Monitor 2",
        "contract: no upper bound",
        "plumbline/quality/check.py",
        'f"v > {self.high!r}" if self.high is not None',
        'f"v > {self.high!r}" if False',
        tests="tests/code/test_contract.py",
    ),
    Mutant(
        "Monitor 2",
        "serving: a request on its upper bound is refused",
        "plumbline/quality/request.py",
        "value > check.high",
        "value >= check.high",
        tests="tests/mltest/test_request.py",
    ),
    Mutant(
        "Monitor 3",
        "serving: the single request's window is a day short",
        "plumbline/features/single.py",
        "midnight - spec.days * DAY, midnight)",
        "midnight - (spec.days - 1) * DAY, midnight)",
        tests="tests/code/test_single.py",
    ),
    Mutant(
        "Monitor 5",
        "contract: a float may be infinite",
        "plumbline/quality/contract.py",
        'if column.type == "float":',
        'if column.type == "none":',
        tests="tests/code/test_contract.py",
    ),
    Mutant(
        "Monitor 5",
        "serving: infinity goes into the model",
        "plumbline/features/rowwise.py",
        "        if infinite:",
        "        if infinite > len(out):",
        tests="tests/mltest/test_finite.py",
    ),
    Mutant(
        "Monitor 5",
        "serving: NaN comes out",
        "plumbline/model/bundle.py",
        "        if odd:",
        "        if odd > len(answer):",
        tests="tests/mltest/test_finite.py",
    ),
    Mutant(
        "Monitor 7",
        "monitor: a loss counts as a gain",
        "plumbline/monitoring/matured.py",
        "change = reference - current if metric",
        "change = current - reference if metric",
        tests="tests/code/test_matured.py",
    ),
)
