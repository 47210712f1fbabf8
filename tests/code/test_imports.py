"""Large libraries imported without what nobody here uses, and afterwards as they are."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from bench.imports import USED
from plumbline.core.imports import without
from tests.conftest import ROOT

LEAN = [
    ("from plumbline.model import library; library.load()", "sklearn"),
    ("from plumbline.validate import expectations; expectations.Checker()", "rfc3987_syntax"),
]


@pytest.mark.parametrize(("code", "left_out"), LEAN, ids=lambda v: v.split()[-1])
def test_what_is_left_out_is_not_loaded_and_can_be_later(code: str, left_out: str) -> None:
    code += f"; import sys; assert {left_out!r} not in sys.modules; import {left_out}"
    words = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_module_that_is_there_stays() -> None:
    with without("json", unused=["wave"]):
        import json

        assert json.dumps(1) == "1"
        assert not hasattr(sys.modules["wave"], "open")
    import wave

    assert wave.open


def test_a_module_that_is_left_out_is_not_installed_meanwhile() -> None:
    with without("sndhdr"), pytest.raises(ImportError, match="sndhdr"):
        import sndhdr  # noqa: F401
    assert "sndhdr" not in sys.modules


def test_a_deferred_module_is_loaded_by_a_call_and_is_the_real_one_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slow_one.py").write_text(
        "LIMIT = 3\n\ndef twice(x):\n    return 2 * x\n\nword = 'a'\n"
    )
    (tmp_path / "user.py").write_text("import slow_one\nfrom slow_one import twice, word\n")
    monkeypatch.syspath_prepend(tmp_path)
    with without(deferred=["slow_one"]):
        user = import_module("user")
    assert "slow_one" not in sys.modules
    assert user.twice(2) == user.slow_one.twice(2) == 4
    assert user.slow_one.LIMIT == 3
    assert user.word.upper() == "A"
    assert "slow_one" in sys.modules


BASELINES = """
import sys, numpy as np
from plumbline.core.imports import without
from plumbline.evaluate import baselines, leak_groups
x, y = np.arange(40.0).reshape(-1, 1), np.arange(40) % 3 % 2 * 1.0
baselines._solve(x, y, True), baselines._solve(x, y, False)
with without(deferred=baselines.STATISTICS):
    from sklearn.tree import DecisionTreeClassifier
DecisionTreeClassifier(max_depth=3).fit(x, y)
leak_groups._chance(np.arange(60) // 6, np.random.default_rng(1).random(60), np.arange(10.0))
print("scipy.stats" in sys.modules)
from sklearn.metrics import label_ranking_average_precision_score as known
from sklearn.preprocessing import QuantileTransformer
print(known([[1, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.8]]))
print(QuantileTransformer(n_quantiles=5, output_distribution="normal").fit_transform(x[:5])[2, 0])
"""


def test_baselines_do_not_load_statistics_and_leave_the_library_whole() -> None:
    words = [sys.executable, "-W", "ignore", "-c", BASELINES]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["False", "1.0", "0.0"], done.stderr


ARROW = """
import sys
from plumbline.core.imports import arrow_alone
arrow_alone()
import numpy as np, pyarrow as pa
table = pa.table({"a": np.array([1.0, np.nan]), "b": ["x", None]})
print([table.column(n).to_numpy().tolist() for n in "ab"][1], "pandas" in sys.modules)
print(table.to_pandas().shape, "pandas" in sys.modules)
import pandas as pd
print(pa.array(pd.Series([1.0, np.nan])).null_count)
"""


def test_arrow_looks_for_frames_only_when_they_are_asked_for() -> None:
    words = [sys.executable, "-W", "ignore", "-c", ARROW]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.split("\n")[:3] == ["['x', None] False", "(2, 2) True", "1"], done.stderr


STARTED = """
import os, sys
large = set(sys.argv[2].split(","))
for stage in sys.argv[1].split(","):
    if not os.fork():
        __import__(f"stages.{stage}")
        print(stage, *sorted(large & set(sys.modules)), flush=True)
        os._exit(0)
    os.wait()
"""


def test_a_stage_starts_with_nothing_that_it_does_not_use() -> None:
    large = set().union(*USED.values()) | {"dvc", "git", "mlflow", "openai", "pyspark", "requests"}
    words = [sys.executable, "-W", "ignore", "-c", STARTED, ",".join(USED), ",".join(large)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {line.split()[0]: set(line.split()[1:]) for line in done.stdout.splitlines()}
    assert loaded.keys() == USED.keys()
    assert {stage: more for stage, names in loaded.items() if (more := names - USED[stage])} == {}


SEARCH = """
import sys
from plumbline.tune import search, space
evaluate = search.in_turn(lambda params: (params["eta"], 1), ())
dimensions = space.parse({"eta": {"uniform": [0.1, 0.2]}})
trials = search.search(
    dimensions, evaluate, higher_is_better=True, max_evals=25, seed=1
)
print(len(trials), "scipy.stats" in sys.modules)
"""


def test_a_search_does_not_load_statistics():
    done = subprocess.run(
        [sys.executable, "-c", SEARCH], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["25", "False"]
