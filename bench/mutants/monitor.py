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
        "Monitor 4",
        "monitor: a model past its shelf life is not due",
        "plumbline/monitoring/monitor_json.py",
        "if life is None or age_days is None or age_days <= life:",
        "if life is None or age_days is None or age_days <= 100 * life:",
        tests="tests/code/test_monitoring.py",
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
        "Monitor 6",
        "serving: histories are read from their beginning",
        "plumbline/features/single.py",
        "low, high = bisect_left(self.times, start), bisect_left(self.times, end)",
        "low, high = sum(t < start for t in self.times), sum(t < end for t in self.times)",
        tests="tests/mltest/test_speed.py",
    ),
    Mutant(
        "Monitor 6",
        "batch: every row feature is held eight times in memory",
        "plumbline/features/rowwise.py",
        "np.broadcast_to(value, (size,))",
        "np.repeat(np.broadcast_to(value, (1, size)), 8, axis=0)[0]",
        tests="tests/mltest/test_speed.py",
    ),
    Mutant(
        "Monitor 7",
        "monitor: a loss counts as a gain",
        "plumbline/monitoring/quality.py",
        "change = reference - current if metric",
        "change = current - reference if metric",
        tests="tests/code/test_matured.py",
    ),
)
