"""The offline metric tracks what the business pays, across models made worse on purpose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench import metric_vs_cost as bench
from plumbline.core import tables
from plumbline.studies.backtest import refit
from tests import studies
from tests.boosting import tuned
from tests.frames import PAYMENTS, build, payments

COSTS = {"unit": "cents", "false_negative": "amount_cents", "false_positive": 500}
TRAIN = {"rounds": 60, "early_stopping": 10, "costs": COSTS}

pytestmark = pytest.mark.timeout(1_500)  # twenty models: on a busy machine they take their time


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """The study on ten weeks of a simulated world: a third of two weeks learned from, two judged."""
    splits = {"warmup_days": 10, "valid_days": 10, "test_days": 14, "current_days": 7}
    folder = build(PAYMENTS, payments(3_000, 1_000), tmp_path_factory.mktemp("world"), **splits)
    train, valid, test = (tables.read(folder / f"{n}.parquet") for n in ("train", "valid", "test"))
    params = studies.params(train=TRAIN, evaluate={"bootstrap": 20})
    given = {"max_bin": 256, "base_score": 0.5}
    full = refit.settings(PAYMENTS, params, tuned({"eta": 0.15}, given))
    train = {name: values[::3] for name, values in train.items()}
    return bench.study(PAYMENTS, params, full, train, valid, test)


@pytest.mark.mltest("Model 2")
def test_fifteen_models_or_more_of_graded_severity(report: dict):
    models = report["models"]
    assert len(models) - 1 >= 15
    assert len({m["kind"] for m in models}) == 6
    whole = models[0]
    assert whole["kind"] == "none"
    assert min(m["metric"] for m in models) < 0.7 * whole["metric"]
    assert min(m["saved"] for m in models) < 0.7 * whole["saved"]


@pytest.mark.mltest("Model 2")
def test_the_rank_correlation_is_at_least_nine_tenths(report: dict):
    assert report["rank_correlation"]["value"] >= bench.ENOUGH


@pytest.mark.mltest("Model 2")
def test_a_metric_that_does_not_track_is_seen(report: dict):
    """The same models, paid for at random: nothing of a correlation is left."""
    saved = np.random.default_rng(1).permutation([m["saved"] for m in report["models"]])
    metric = [m["metric"] for m in report["models"]]
    assert abs(bench.rank_correlation(metric, saved.tolist()) or 0.0) < 0.6


def test_what_a_threshold_costs_is_told_beside_the_cheapest(report: dict):
    steady, plain, least = bench.excesses(report)
    assert least.startswith("the cheapest of test: costs 0.0% more")
    assert all(m["least_cost"] <= 1.000001 * m["cost"] for m in report["models"])
    share = [float(line.split("costs ")[1].split("%")[0]) for line in (steady, plain)]
    assert 0 < share[0] < share[1]


def test_swapped_labels_keep_their_rate():
    label = np.repeat([1, 0], [100, 900])
    other = bench.swapped(label, 0.5, np.random.default_rng(1))
    assert other.sum() == 100
    assert (other != label).sum() == 100


def test_it_can_be_drawn(report: dict, tmp_path: Path):
    bench.draw(tmp_path / "a.png", "A", report)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
