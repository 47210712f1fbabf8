"""The pictures of contributions: places in a swarm, the feature that moves another, the same bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from plumbline.evaluate import contributions_sample, evaluation_plots
from plumbline.evaluate.contributions_sample import Explained
from tests.code.test_pictures import drawn, figures

RANDOM = np.random.default_rng(4)
N = 400
VALUES = np.column_stack([RANDOM.normal(size=(N, 5)), RANDOM.integers(0, 3, N)])
EACH = np.column_stack(
    [
        VALUES[:, 0] * np.where(VALUES[:, 2] > 0, 2.0, -2.0),  # what the third says turns the first
        0.5 * VALUES[:, 1],
        0.1 * VALUES[:, 2],
        np.zeros(N),
        0.3 * VALUES[:, 4],
        1.0 * (VALUES[:, 5] == 1),
    ]
)


def draw(folder: Path, title: str, shown: Explained) -> None:
    whole = drawn(figures("regression"), "regression")
    whole = replace(whole, title=title, explained=shown)
    evaluation_plots.draw(folder, whole, {"contributions", "dependence"})


SHOWN = Explained(
    ("a", "b", "c", "d", "e", "kind_code"), EACH, VALUES, "log odds", {"kind_code": ("x", "y", "z")}
)


def test_top_is_by_mean_size():
    assert [SHOWN.features[i] for i in SHOWN.top(3)] == ["a", "b", "kind_code"]
    table = SHOWN.table
    assert table["series"][0] == "a"
    assert (np.diff(table["y"]) <= 0).all()


def test_the_partner_is_what_moves_a_feature():
    assert SHOWN.features[contributions_sample.partner(SHOWN, 0, list(range(6)))] == "c"


def test_points_of_one_place_lie_side_by_side():
    height = contributions_sample.beeswarm_offsets(np.array([0.0, 0.0, 0.0, 0.0, 1.0]))
    assert len(set(height[:4].tolist())) == 4
    assert height[4] == 0
    assert np.abs(contributions_sample.beeswarm_offsets(EACH[:, 0])).max() <= 1


def test_colour_is_a_rank():
    result = contributions_sample.shares(np.array([5.0, np.nan, 1000.0, 5.0]))
    assert result[[0, 3, 2]] == pytest.approx([1 / 3, 1 / 3, 5 / 6])
    assert np.isnan(result[1])


def test_the_same_rows_give_the_same_bytes(tmp_path: Path):
    import matplotlib as mpl

    seen = []
    for name, settings in (("one", {}), ("two", {"font.size": 30, "image.cmap": "jet"})):
        (tmp_path / name).mkdir()
        with mpl.rc_context(settings):
            draw(tmp_path / name, "A", SHOWN)
        seen.append({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()})
    assert seen[0] == seen[1]
    assert set(seen[0]) == {"contributions.png", "dependence.png"}


def test_nulls_and_constants_can_be_drawn(tmp_path: Path):
    values = VALUES.copy()
    values[:, 1], values[:, 2] = 3.0, np.nan
    one = Explained(SHOWN.features[:3], EACH[:, :3], values[:, :3], "minutes", {})
    draw(tmp_path, "$b_", one)
    assert len(list(tmp_path.iterdir())) == 2
