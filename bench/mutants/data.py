"""Faults that the tests of features and data must notice."""

from __future__ import annotations

from bench.mutants.plant import Mutant

FEATURES = "plumbline/features"

MUTANTS = (
    Mutant(
        "Data 1",
        "contract: a range needs both ends",
        "plumbline/validate/contract.py",
        "if low is not None or high is not None:",
        "if low is not None and high is not None:",
        tests="tests/code/test_contract.py",
    ),
    Mutant(
        "Data 1",
        "contract: nothing is expected of a value that may not be null",
        "plumbline/validate/contract.py",
        "if fixed or not column.null:",
        "if fixed and not column.null and False:",
        tests="tests/mltest/test_contract_covers.py",
    ),
    Mutant(
        "Data 2",
        "earning: the weakest of the noise is enough to beat",
        "plumbline/studies/feature_value/study.py",
        "max((s.gain for s in noise), default=0.0)",
        "min((s.gain for s in noise), default=0.0)",
        tests="tests/mltest/test_feature_value.py",
    ),
    Mutant(
        "Data 2",
        "earning: the noise is the features themselves",
        "plumbline/studies/feature_value/shadow_features.py",
        "shuffled = [random.permutation(table.x[:, i]) for i in chosen]",
        "shuffled = [table.x[:, i] for i in chosen]",
        tests="tests/mltest/test_feature_value.py",
    ),
    Mutant(
        "Data 3",
        "a feature that takes one row after the other",
        "usecases/card_fraud/features.py",
        '    return (paid_at.astype("datetime64[h]") - paid_at.astype("datetime64[D]")).astype(np.int64)',
        "    return np.array([int(np.sum([int(str(t)[11:13]), 0])) for t in paid_at])",
        tests="tests/mltest/test_feature_cost.py",
    ),
    Mutant(
        "Data 3",
        "serving: a history is read from its beginning",
        "plumbline/serve/single_event.py",
        "low, high = bisect_left(self.times, start), bisect_left(self.times, end)",
        "low, high = sum(t < start for t in self.times), sum(t < end for t in self.times)",
        tests="tests/mltest/test_feature_cost.py",
    ),
    Mutant(
        "Data 4",
        "rules: a feature may be made of a forbidden column",
        "plumbline/core/policy.py",
        "if column.forbidden:",
        "if column.forbidden and not column.known:",
        tests="tests/mltest/test_policy.py",
    ),
    Mutant(
        "Data 4",
        "a use case hands the model a customer's number",
        "usecases/card_fraud/features.py",
        """    features=(
        "amount_cents",""",
        """    features=(
        "customer_id",
        "amount_cents",""",
        tests="tests/mltest/test_policy.py",
    ),
    Mutant(
        "Data 5",
        "intake: who asked to be forgotten stays",
        "plumbline/data/erasure.py",
        "        if ids:",
        "        if not ids:",
        tests="tests/code/test_erasure.py",
    ),
    Mutant(
        "Data 5",
        "privacy: a card number is no longer seen in columns of whole numbers",
        "plumbline/studies/privacy/scan.py",
        'elif kind in ("BIGINT", "UBIGINT", "HUGEINT"):',
        'elif kind == "HUGEINT":',
        tests="tests/mltest/test_privacy.py",
    ),
    Mutant(
        "Data 6",
        "features: the first one of a use case is known by heart, not read",
        "plumbline/core/row_features.py",
        "for row in usecase.rows:",
        "for row in usecase.rows[1:]:",
        tests="tests/mltest/test_new_feature.py",
    ),
    Mutant(
        "Data 7",
        "features: night lasts until seven",
        "usecases/card_fraud/features.py",
        "(hour < 6)",
        "(hour <= 6)",
        tests="tests/code/test_card_fraud.py",
    ),
    Mutant(
        "Data 7",
        "features: a code moved by one",
        "plumbline/core/row_features.py",
        "float(i)",
        "float(i + 1)",
        tests="tests/code/test_row_features.py",
    ),
    Mutant(
        "Data 7",
        "features: a snapshot sees its own day",
        f"{FEATURES}/tiles.py",
        'following = number(rows["__at"], grain) + 1',
        'following = number(rows["__at"], grain)',
        tests="tests/code/test_batch.py",
    ),
    Mutant(
        "Data 7",
        "features: earlier today includes the event itself",
        f"{FEATURES}/batch.py",
        "preceding=(None, ibis.interval(microseconds=1))",
        "preceding=(None, 0)",
        tests="tests/code/test_batch.py",
    ),
)
