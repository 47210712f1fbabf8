"""Faults that the tests of the model's development must notice."""

from __future__ import annotations

from bench.mutants.plant import Mutant

MUTANTS = (
    Mutant(
        "Model 1",
        "train: a learning rate is set in the code",
        "stages/train.py",
        "log = logging.getLogger",
        'SETTINGS = {"eta": 0.05}\nlog = logging.getLogger',
        tests="tests/mltest/test_specs.py",
    ),
    Mutant(
        "Model 1",
        "a tree with changes counts as the commit",
        "plumbline/studies/mltest/tree.py",
        "if line[3:] not in OWN]",
        "if not line]",
        tests="tests/mltest/test_specs.py",
    ),
    Mutant(
        "Model 2",
        "metric: average precision ranks from the lowest score up",
        "plumbline/metrics/ranking.py",
        'order = np.argsort(-score, kind="stable")',
        'order = np.argsort(score, kind="stable")',
        tests="tests/model/test_metric_vs_cost.py",
    ),
    Mutant(
        "Model 3",
        "tuning: the search seeks the worst model",
        "plumbline/tune/search.py",
        "towards = -1.0 if higher_is_better else 1.0",
        "towards = 1.0 if higher_is_better else -1.0",
        tests="tests/code/test_tuning.py",
    ),
    Mutant(
        "Model 3",
        "tuning: the worst trial is called best",
        "plumbline/tune/search.py",
        "sign = -1.0 if higher_is_better else 1.0",
        "sign = 1.0 if higher_is_better else -1.0",
        tests="tests/code/test_tuning.py",
    ),
    Mutant(
        "Model 4",
        "ageing: a model that gets worse is told to get better",
        "plumbline/studies/backtest/ageing.py",
        "return (fresh - old if higher_is_better",
        "return (old - fresh if higher_is_better",
        tests="tests/code/test_ageing.py",
    ),
    Mutant(
        "Model 4",
        "ageing: what may be noise ends the shelf life",
        "plumbline/studies/backtest/ageing.py",
        "old = [a.days for a in known if a.loss.estimate.low > most]",
        "old = [a.days for a in known if a.loss.estimate.high > most]",
        tests="tests/code/test_ageing.py",
    ),
    Mutant(
        "Model 5",
        "gate: within noise of the linear model is good enough",
        "plumbline/evaluate/acceptance.py",
        'if word != "better"]',
        'if word == "worse"]',
        tests="tests/code/test_gates.py",
    ),
    Mutant(
        "Model 6",
        "gate: no slice is ever below its floor",
        "plumbline/evaluate/acceptance.py",
        "return estimate.high < floor if higher_is_better else estimate.low > floor",
        "return False",
        tests="tests/code/test_gates.py",
    ),
    Mutant(
        "Model 7",
        "fairness: false alarms are counted among the cases, too",
        "plumbline/evaluate/fairness.py",
        "Rate(alarm, ~case)",
        "Rate(alarm, ~case | case)",
        tests="tests/code/test_fairness.py",
    ),
    Mutant(
        "Model 7",
        "fairness: no gap is ever beyond noise",
        "plumbline/evaluate/fairness.py",
        "if bootstrap.beyond_noise(result) else",
        "if result.low > 1 else",
        tests="tests/code/test_fairness.py",
    ),
)
