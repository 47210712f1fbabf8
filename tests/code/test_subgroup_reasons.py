"""Why the model is worse on a subgroup: planted causes are named, and others are not."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from plumbline.core.declarations import Array
from plumbline.evaluate import subgroup_conditions, subgroup_reasons, subgroup_words, subgroups
from plumbline.evaluate.evidence import LabelledWindow
from plumbline.evaluate.subgroup_document import SubgroupReasons
from plumbline.evaluate.subgroup_reasons import SubgroupScores
from plumbline.model import tree_splits
from plumbline.model.tree_splits import TreeSplits

ROWS, DAYS = 8_000, 28


def columns() -> dict[str, Array]:
    random = np.random.default_rng(5)
    colour = np.array(["red", "blue"], object)[random.integers(0, 2, ROWS)]
    return {
        "colour": colour,
        "size": random.random(ROWS) * 80,
        "shop": np.where(colour == "blue", random.random(ROWS) < 0.9, random.random(ROWS) < 0.3)
        * 1,
        "rest": random.integers(0, 3, ROWS),
    }


def reasons(
    added: Array, *names: str, problem: str = "classification", splits: TreeSplits | None = None
) -> SubgroupReasons:
    """Of the subgroup of the conditions `names`, where the label has `added` that the answer lacks."""
    random, given = np.random.default_rng(6), columns()
    score = random.uniform(0.1, 0.5, ROWS)
    label = (random.random(ROWS) < score + added).astype(float)
    if problem == "regression":
        label = score + added + random.normal(size=ROWS) * 0.1
    day = np.datetime64("2025-01-01") + np.arange(ROWS) % DAYS
    window = LabelledWindow(problem, label, day, 500, 0.95, 1)
    split = subgroups.halves(ROWS, day)
    coded = subgroup_conditions.coded(given, given, split.search)
    every = {c.text: c for one in coded.values() for c in one.conditions}
    rule = tuple(every[name] for name in names)
    rows = np.logical_and.reduce([coded[c.column].code == c.code for c in rule])
    scores = SubgroupScores(window, given, coded, score, splits, {"colour": "colour_code"})
    return subgroup_reasons.of(scores, rule, rows, split.confirm)


BLUE, LARGE = "colour = blue", "size 60 and over"


def both() -> tuple[Array, Array]:
    given = columns()
    return given["colour"] == "blue", given["size"] > 60


@pytest.mark.parametrize("problem", ["classification", "regression"])
def test_a_missing_interaction_is_named(problem: str) -> None:
    blue, large = both()
    splits = TreeSplits({}, [frozenset({frozenset({"colour_code", "size"})}), frozenset()])
    why = reasons(0.3 * (blue & large), BLUE, LARGE, problem=problem, splits=splits)
    assert why.interaction is not None
    assert why.interaction.missed
    assert why.interaction.low < 0.3 < why.interaction.high
    assert (why.interaction.trees, why.interaction.of) == (1, 2)
    assert why.residual.low > 0
    text = subgroup_words.line("r", why)
    assert "the model answers too low" in text
    assert "An interaction of `colour` and `size` is missing" in text
    assert "1 of 2 trees split on both" in text


def test_what_each_condition_adds_alone_is_no_interaction() -> None:
    blue, large = both()
    why = reasons(0.2 * blue + 0.2 * large, BLUE, LARGE)
    assert why.interaction is not None
    assert not why.interaction.missed
    assert "An interaction" not in subgroup_words.line("r", why)


def test_a_column_that_still_counts_within_is_too_coarse() -> None:
    size, (_, large) = columns()["size"], both()
    thresholds = np.array([10.0, 61.0, 70.0, 79.0])
    splits = TreeSplits({"size": thresholds}, [])
    steep = np.where(large, (size - 70) / 25, 0.0)
    [one] = reasons(steep, LARGE, splits=splits).coarse
    assert one.coarse
    assert (one.splits, one.of) == (3, 4)
    assert one.low < 0.4 < one.high
    [flat] = reasons(0.2 * large, LARGE, splits=splits).coarse
    assert not flat.coarse
    assert reasons(0.2 * large, LARGE).interaction is None


def test_what_the_rows_share_is_named_beside_the_others() -> None:
    blue, _ = both()
    why = reasons(0.2 * blue, BLUE)
    [trait] = why.shared
    assert trait.condition == "shop = 1"
    assert trait.inside == pytest.approx(0.9, abs=0.03)
    assert trait.outside == pytest.approx(0.3, abs=0.03)
    assert why.share == pytest.approx(0.5, abs=0.03)
    assert why.a_day == pytest.approx(why.share * ROWS / DAYS)
    assert why.coarse == []


def test_errors_both_ways_are_no_direction() -> None:
    text = subgroup_words.line("r", reasons(np.zeros(ROWS), BLUE))
    assert "it may answer too high, too low or neither" in text
    assert "predictions a day" in text
    assert "No missing interaction and no coarse split is seen." in text


def test_splits_are_those_of_the_trees() -> None:
    import xgboost

    random = np.random.default_rng(2)
    x = random.normal(size=(500, 3)).astype(np.float32)
    y = x[:, 0] * x[:, 1] + 0.1 * x[:, 2]
    data = xgboost.DMatrix(x, y, feature_names=["a", "b", "c"])
    booster = xgboost.train({"max_depth": 3, "nthread": 1}, data, 4)
    splits = tree_splits.read(booster)
    trees = [json.loads(one) for one in booster.get_dump(dump_format="json")]
    nodes = [node for tree in trees for node in _nodes(tree)]
    for name in "abc":
        own = sorted({np.float32(n["split_condition"]) for n in nodes if n["split"] == name})
        assert splits.thresholds[name].astype(np.float32).tolist() == pytest.approx(own)
    assert [set(map(frozenset, _paths(tree))) for tree in trees] == [set(p) for p in splits.paths]
    assert splits.together("a", "b") > 0
    assert splits.together("a", "absent") == 0
    assert splits.between("a", -10, 10) == len(splits.thresholds["a"])
    assert splits.between("absent", -10, 10) == 0


def test_a_linear_booster_has_no_splits() -> None:
    import xgboost

    data = xgboost.DMatrix(np.arange(20.0).reshape(10, 2), np.arange(10.0))
    linear = xgboost.train({"booster": "gblinear", "nthread": 1}, data, 2)
    assert tree_splits.read(linear) == TreeSplits({}, [])


def _nodes(tree: dict[str, Any]) -> list[dict[str, Any]]:
    if "leaf" in tree:
        return []
    return [tree, *(n for child in tree["children"] for n in _nodes(child))]


def _paths(tree: dict[str, Any], before: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if "leaf" in tree:
        return [before]
    own = (*before, tree["split"])
    return [path for child in tree["children"] for path in _paths(child, own)]
