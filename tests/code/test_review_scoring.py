"""Which features a model is judged on, and when two models cannot be compared."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from plumbline.config import UseCaseParams
from plumbline.core import row_features
from plumbline.core.declarations import Column, Slice
from plumbline.core.errors import BundleError, SpecError
from plumbline.core.usecase import UseCase
from plumbline.review import paired, scoring
from plumbline.review.scoring import Criteria, Run
from plumbline.runtime.dvc_lock import Entry

N = 200
USECASE = UseCase(
    name="toy",
    title="A toy",
    owner="tests@example.com",
    problem="regression",
    key="number",
    label="y",
    columns=(
        Column("number", "int", "-", "key"),
        Column("x", "float", "-", "known"),
        Column("y", "float", "-", "label", known=False),
    ),
    features=("x",),
    slices=(Slice("size", "x", "by size", edges=(0.0,)),),
)
SECTIONS = {
    "seed": 7,
    "data": {"source": "csv"},
    "evaluate": {"bootstrap": 50},
    **{name: {} for name in ("validate", "features", "tune", "train", "monitor")},
}
CASE = Criteria(USECASE, UseCaseParams.model_validate(SECTIONS))
X = np.random.default_rng(1).standard_normal(N)
TABLE = {"number": np.arange(N), "x": X, "y": X}


def run(feature: str = "x", definitions: str = "1", label: str = "y", **columns: Any) -> Run:
    """A run whose model answers with `feature`; `columns` replace the table's."""

    def predict(table: Any) -> np.ndarray:
        return row_features.matrix((feature,), table)[:, 0].astype(float)

    manifest = SimpleNamespace(definitions=definitions, label=label)
    scorer = SimpleNamespace(
        manifest=manifest, problem="regression", classes=(), threshold=None, predict=predict
    )
    return Run(scorer, {**TABLE, **columns})  # type: ignore[arg-type]


@pytest.mark.capability("I2")
def test_one_window_two_models() -> None:
    result = scoring._on(CASE, run("other", other=X + 1), run(other=X + 1), on_head=True)
    assert result.metrics["mae"].base == pytest.approx(1.0)
    assert result.metrics["mae"].head == pytest.approx(0.0, abs=1e-6)
    assert result.metrics["mae"].difference.word == "better"
    assert set(result.slices["size"]) == {"under 0", "0 and over"}


@pytest.mark.parametrize("on_head", [True, False])
def test_redefined_features_are_each_model_s_own(on_head: bool) -> None:
    """The same rows in another order, under a feature of another meaning."""
    back = slice(None, None, -1)
    other = {"number": np.arange(N)[back], "x": X[back] + 1, "y": X[back]}
    result = scoring._on(CASE, run(definitions="0", **other), run(), on_head=on_head)
    assert result.rows == N
    assert result.metrics["mae"].base == pytest.approx(1.0)
    assert result.metrics["mae"].head == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        (run("gone"), "needs feature 'gone'"),
        (run(label="z"), "base predicts regression of z, head regression of y"),
        (run(definitions="0", number=np.arange(N) + 150), "only 50 are in both"),
    ],
)
def test_what_cannot_be_compared_says_why(base: Run, reason: str) -> None:
    result = scoring._on(CASE, base, run(), on_head=True)
    assert not result.comparable
    assert reason in result.reason


def test_a_table_of_another_version() -> None:
    bare = Run(run().scorer, {"x": X})
    result = scoring._on(CASE, bare, run(), on_head=False)
    assert "no column number, y" in result.reason
    with pytest.raises(BundleError, match="no key 'number'"):
        scoring._columns(USECASE, Run(run(definitions="0").scorer, {"x": X}), run(), on_head=True)
    with pytest.raises(SpecError, match="of another version"):
        scoring._check_columns(CASE, {})


def test_a_lock_without_a_model() -> None:
    result = scoring.compared(None, CASE, ("main", {}), ("head", {"train": Entry()}))  # type: ignore[arg-type]
    assert result.head == paired.refused(
        "main: dvc.lock has no model or no test table of this use case"
    )
