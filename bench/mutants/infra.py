"""Faults that the tests of the infrastructure must notice."""

from __future__ import annotations

from bench.mutants.plant import Mutant

MUTANTS = (
    Mutant(
        "Infra 1",
        "training: the model carries the second of its training",
        "plumbline/model/boosting.py",
        "best.set_attr(best_iteration=None, best_score=None)",
        "best.set_attr(best_iteration=None, best_score=str(time.time()))",
        tests="tests/code/test_training.py",
    ),
    Mutant(
        "Infra 2",
        "training: all rounds are kept, the overfitted ones too",
        "plumbline/model/boosting.py",
        "kept = booster.best_iteration + 1",
        "kept = booster.num_boosted_rounds()",
        tests="tests/code/test_training.py",
    ),
    Mutant(
        "Infra 3",
        "pipeline: the outcomes are written under another name",
        "plumbline/data/partition.py",
        'EVENTS, OUTCOMES = "events", "outcomes"',
        'EVENTS, OUTCOMES = "events", "labels"',
        tests="tests/mltest/test_pipeline.py",
    ),
    Mutant(
        "Infra 4",
        "gate: one good check is enough",
        "plumbline/evaluate/acceptance.py",
        "_word(all(c.passed for c in self.checks))",
        "_word(any(c.passed for c in self.checks))",
        tests="tests/code/test_gates.py",
    ),
    Mutant(
        "Infra 2",
        "training: the label is turned round",
        "plumbline/model/boosting.py",
        "label=batch.y,",
        "label=1 - batch.y,",
        tests="tests/mltest/test_learns.py",
    ),
    Mutant(
        "Infra 5",
        "explain: the contributions do not add up to the score",
        "plumbline/model/contributions.py",
        "return Contributions(raw[:, :-1], raw[:, -1] - moved, moved, total)",
        "return Contributions(raw[:, :-1] * 1.1, raw[:, -1] - moved, moved, total)",
        tests="tests/code/test_contributions.py",
    ),
    Mutant(
        "Infra 6",
        "canary: another model's answers are let through",
        "plumbline/ops/rollback/golden_check.py",
        "    golden.check(usecase.name, model, test, report)\n",
        "",
        tests="tests/mltest/test_golden_check.py",
    ),
    Mutant(
        "Infra 6",
        "canary: an answer above 1 is a probability",
        "plumbline/ops/rollback/golden_check.py",
        "odd |= (answers < 0) | (answers > 1)",
        "odd |= answers < 0",
        tests="tests/mltest/test_golden_check.py",
    ),
    Mutant(
        "Infra 7",
        "rollback: every answer counts as the recorded one",
        "plumbline/ops/rollback/golden.py",
        "(one == other) | ((one != one) & (other != other))",
        "(one == one) | (one != one)",
        tests="tests/code/test_rollback.py",
    ),
)
