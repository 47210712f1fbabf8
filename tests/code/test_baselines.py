"""The constant, and the linear model on plain and on category features."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from plumbline.core.declarations import Category, Column
from plumbline.core.usecase import UseCase
from plumbline.evaluate import baselines

RANDOM = np.random.default_rng(5)
ROWS = 2_000


def usecase(problem: str) -> UseCase:
    return UseCase(
        name="sample",
        title="A sample",
        owner="nobody@example.com",
        problem=problem,
        key="id",
        label="y",
        columns=(
            Column("id", "int", "-", "number"),
            Column("size", "float", "-", "size", null=True),
            Column("flat", "float", "-", "always the same"),
            Column("colour", "string", "-", "colour"),
            Column("y", "float", "-", "what is asked", known=False),
        ),
        categories=(Category("colour_code", "colour", ("red", "green"), "colour"),),
        features=("size", "flat", "colour_code"),
    )


COLUMNS = {
    "size": np.where(RANDOM.random(ROWS) < 0.1, np.nan, RANDOM.normal(1_000, 200, ROWS)),
    "flat": np.full(ROWS, 3.0),
    "colour_code": RANDOM.integers(0, 3, ROWS).astype(float),
}
BUMP = np.array([10.0, -5.0, 0.0])  # no line through the codes 0, 1, 2
SIZE = np.where(np.isnan(COLUMNS["size"]), np.nanmean(COLUMNS["size"]), COLUMNS["size"])
VALUE = 0.02 * SIZE + BUMP[COLUMNS["colour_code"].astype(int)]


def test_the_constant_is_the_share_or_the_median():
    label = np.array([0.0, 0, 0, 10])
    assert baselines.constant(label / 10, "classification") == 0.25
    assert baselines.constant(label, "regression") == 0.0


@pytest.mark.mltest("Model 5")
def test_a_linear_label_is_found():
    case = usecase("regression")
    fitted = baselines.fit(case, case.features, COLUMNS, VALUE)
    np.testing.assert_allclose(fitted.predict(COLUMNS), VALUE, atol=0.05)


def test_a_null_counts_as_the_mean_of_train():
    case = usecase("regression")
    fitted = baselines.fit(case, case.features, COLUMNS, VALUE)
    one = {"size": np.array([np.nan]), "flat": np.array([3.0]), "colour_code": np.array([0.0])}
    mean = {**one, "size": np.array([np.nanmean(COLUMNS["size"])])}
    assert fitted.predict(one) == pytest.approx(fitted.predict(mean))


def test_the_logistic_model_gives_the_odds():
    odds = (SIZE - 1_000) / 100 + BUMP[COLUMNS["colour_code"].astype(int)] / 5
    label = (RANDOM.random(ROWS) < 1 / (1 + np.exp(-odds))).astype(float)
    case = usecase("classification")
    result = baselines.fit(case, case.features, COLUMNS, label).predict(COLUMNS)
    assert result.min() > 0
    assert result.max() < 1
    assert np.corrcoef(np.log(result / (1 - result)), odds)[0, 1] > 0.99
    assert result.mean() == pytest.approx(label.mean(), abs=1e-3)


@pytest.mark.parametrize("problem", ["classification", "regression"])
def test_equal_rows_get_equal_answers_and_two_fits_are_one(problem: str):
    case = usecase(problem)
    label = VALUE if problem == "regression" else (VALUE > 20).astype(float)
    one, two = (baselines.fit(case, case.features, COLUMNS, label) for _ in range(2))
    doubled = {n: np.concatenate((c[:77], c[:77])) for n, c in COLUMNS.items()}
    answer = one.predict(doubled)
    assert answer[:77].tobytes() == answer[77:].tobytes()
    assert answer.tobytes() == two.predict(doubled).tobytes()


def test_a_category_of_too_many_values_is_left_out():
    case = usecase("regression")
    many = Category("colour_code", "colour", tuple(map(str, range(80))), "colour")
    assert baselines.widths(case, case.features) == (1, 1, 3)
    assert baselines.widths(replace(case, categories=(many,)), case.features) == (1, 1, 0)


@pytest.mark.mltest("Model 5")
@pytest.mark.parametrize("problem", ["classification", "regression"])
def test_the_small_tree_is_scikit_learns(problem: str):
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    case = usecase(problem)
    label = VALUE if problem == "regression" else (VALUE > 20).astype(float)
    result = baselines.fit_tree(case, case.features, COLUMNS, label)
    kind = DecisionTreeRegressor if problem == "regression" else DecisionTreeClassifier
    x = np.column_stack([COLUMNS[f] for f in case.features]).astype(np.float32)
    other = kind(max_depth=3, min_samples_leaf=50, random_state=0).fit(x, label)
    assert result.leaf(COLUMNS).tolist() == other.apply(x).tolist()
    if problem == "classification":
        assert result.predict(COLUMNS) == pytest.approx(other.predict_proba(x)[:, 1])
    else:
        for leaf in np.unique(other.apply(x)):
            rows = other.apply(x) == leaf
            assert (result.predict(COLUMNS)[rows] == np.median(label[rows])).all()
    assert len(np.unique(result.predict(COLUMNS))) <= 8


def test_the_tree_finds_what_no_line_does():
    label = ((COLUMNS["colour_code"] == 1) ^ (SIZE > 1_000)).astype(float)
    case = usecase("classification")
    tree = baselines.fit_tree(case, case.features, COLUMNS, label).predict(COLUMNS)
    line = baselines.fit(case, case.features, COLUMNS, label).predict(COLUMNS)
    assert ((tree > 0.5) == label).mean() > 0.9 > ((line > 0.5) == label).mean()


@pytest.mark.parametrize("most", [3, 10, 200])
def test_evenly(most: int):
    rows = baselines.evenly(100, most)
    assert len(rows) == min(100, most)
    assert (np.diff(rows) > 0).all()
    assert np.diff(rows).max() - np.diff(rows).min() <= 1
    assert rows[-1] < 100
