"""The grammar of the search space: what it takes, what it refuses, what a point stands for."""

from __future__ import annotations

import pytest

from plumbline.model import booster_settings
from plumbline.tune import space
from plumbline.tune.space import Dimension


@pytest.mark.capability("E11")
def test_every_form():
    result = space.parse(
        {
            "eta": {"loguniform": [0.02, 0.3]},
            "gamma": {"uniform": [0, 5]},
            "subsample": {"quniform": [0.5, 1.0, 0.1]},
            "max_depth": {"int": [3, 10]},
            "grow_policy": {"choice": ["depthwise", "lossguide"]},
        }
    )
    assert result == (
        Dimension("eta", "loguniform", 0.02, 0.3),
        Dimension("gamma", "uniform", 0.0, 5.0),
        Dimension("grow_policy", "choice", choices=("depthwise", "lossguide")),
        Dimension("max_depth", "int", 3.0, 10.0, 1.0),
        Dimension("subsample", "quniform", 0.5, 1.0, 0.1),
    )


@pytest.mark.capability("E11")
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"eat": {"uniform": [0, 1]}}, r"^\.eat: unknown setting; did you mean 'eta'"),
        ({"learning_rate": {"uniform": [0.1, 1]}}, r"^\.learning_rate: .*called 'eta'"),
        ({"max_bin": {"int": [32, 64]}}, r"^\.max_bin: cannot be searched: all trials share one"),
        ({"objective": {"choice": ["a", "b"]}}, r"^\.objective: cannot be searched"),
        ({"eta": 0.1}, r"^\.eta: got 0.1, expected one of \{uniform: "),
        ({"eta": {"uniform": [0.1, 1], "int": [1, 2]}}, r"^\.eta: got \{.*expected one of"),
        ({"eta": {"normal": [0, 1]}}, r"^\.eta: got 'normal', expected one of \{uniform: "),
        ({"eta": {"uniform": 3}}, r"^\.eta\.uniform: got 3, expected a list"),
        ({"eta": {"uniform": [0.1]}}, r"^\.eta\.uniform: got \[0.1\], expected 2 numbers"),
        ({"eta": {"uniform": [0.1, "1"]}}, r"^\.eta\.uniform: .*expected 2 numbers"),
        ({"eta": {"uniform": [0.1, True]}}, r"^\.eta\.uniform: .*expected 2 numbers"),
        ({"eta": {"uniform": [0.1, float("nan")]}}, r"^\.eta\.uniform: .*expected 2 numbers"),
        ({"eta": {"uniform": [0.3, 0.1]}}, r"^\.eta\.uniform: .*expected the low end first"),
        (
            {"eta": {"uniform": [0, 0.5]}},
            r"^\.eta\.uniform: got 0.0, expected a number in \(0, 1\]",
        ),
        (
            {"eta": {"uniform": [0.1, 1.5]}},
            r"^\.eta\.uniform: got 1.5, expected a number in \(0, 1\]",
        ),
        ({"gamma": {"loguniform": [0, 1]}}, r"^\.gamma\.loguniform: got a low end of 0"),
        (
            {"gamma": {"uniform": [-1, 1]}},
            r"^\.gamma\.uniform: got -1.0, expected a number of at least 0",
        ),
        ({"max_depth": {"uniform": [3, 9]}}, r"^\.max_depth\.uniform: gives fractions.*\{int: "),
        ({"max_depth": {"quniform": [3, 4, 0.5]}}, r"^\.max_depth\.quniform: gives fractions"),
        ({"max_depth": {"int": [3, 4.5]}}, r"^\.max_depth\.int: .*expected whole numbers"),
        ({"eta": {"quniform": [0.1, 0.4, 0.2]}}, r"^\.eta\.quniform: got a step of 0.2"),
        ({"eta": {"quniform": [0.1, 0.4, 0]}}, r"^\.eta\.quniform: got a step of 0"),
        ({"eta": {"choice": [0.1]}}, r"^\.eta\.choice: .*expected two values or more"),
        ({"eta": {"choice": [0.1, "fast"]}}, r"^\.eta\.choice: got 'fast', expected a number in"),
        (
            {"grow_policy": {"choice": ["deep", "x"]}},
            r"got 'deep', expected one of depthwise, lossguide",
        ),
    ],
)
def test_refused(given: dict[str, object], message: str):
    with pytest.raises(ValueError, match=message):
        space.parse(given)


@pytest.mark.parametrize(
    ("dimension", "point", "value"),
    [
        (Dimension("max_depth", "int", 3, 10, 1), 0.0, 3),
        (Dimension("max_depth", "int", 3, 10, 1), 7.0, 10),
        (Dimension("max_depth", "int", 3, 10, 1), 8.0, 10),
        (Dimension("max_depth", "int", 3, 10, 1), -1.0, 3),
        (Dimension("subsample", "quniform", 0.5, 1.0, 0.1), 2.0, 0.7),
        (Dimension("gamma", "int", 0, 5, 1), 4.0, 4),
        (Dimension("eta", "loguniform", 0.02, 0.3), 0.123456789, 0.123457),
        (Dimension("eta", "loguniform", 0.02, 0.3), 0.30000001, 0.3),
        (Dimension("eta", "choice", choices=(0.1, 0.2)), 1, 0.2),
    ],
)
def test_value(dimension: Dimension, point: float, value: float):
    result = space.value(dimension, point)
    assert result == value
    assert type(result) is type(value)


def test_fixed_params():
    booster_settings.check(
        {"max_bin": 1024, "base_score": 0.5, "max_depth": 6.0, "objective": "binary:logistic"}
    )


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"eta": "fast"}, r"^\.eta: got 'fast', expected a number in \(0, 1\]"),
        ({"max_bin": 1}, r"^\.max_bin: got 1, expected a whole number in \[2, 65535\]"),
        ({"max_depth": 2.5}, r"^\.max_depth: got 2.5, expected a whole number"),
        ({"scale_pos_weight": 0}, r"^\.scale_pos_weight: got 0, expected a number above 0"),
        ({"eta": True}, r"^\.eta: got True"),
        ({"eta": float("inf")}, r"^\.eta: got inf"),
        (
            {"objective": "multi:softmax"},
            r"^\.objective: got 'multi:softmax', expected one of binary",
        ),
        ({"nthread": 2}, r"^\.nthread: unknown setting"),
    ],
)
def test_refused_params(params: dict[str, object], message: str):
    with pytest.raises(ValueError, match=message):
        booster_settings.check(params)
