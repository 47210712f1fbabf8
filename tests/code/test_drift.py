"""Effect sizes: known values, what counts as noise, and that the number of rows does not decide."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from plumbline.monitor import divergences, drift
from plumbline.monitor.drift import EffectSize, compare

CHANCE = 0.001


def effect(reference, current, kind="numeric", stretches=()):
    return compare(
        np.asarray(reference),
        np.asarray(current),
        kind,
        bins=10,
        chance=CHANCE,
        stretches=stretches,
    )


def normal(rows, shift=0.0, seed=0):
    return np.random.default_rng(seed).normal(shift, 1.0, rows)


def text(*counts):
    values = [v for value, count in counts for v in [value] * count]
    return np.array(values, dtype=object)


def test_psi_by_hand():
    assert divergences.psi(np.array([500, 500]), np.array([500, 500])) == 0
    expected = 0.4 * np.log(0.9 / 0.5) + 0.4 * np.log(0.5 / 0.1)
    result = divergences.psi(np.array([50_000, 50_000]), np.array([90_000, 10_000]))
    assert result == pytest.approx(expected, rel=1e-3)


def test_js_and_ks_by_hand():
    apart = np.array([10_000, 0]), np.array([0, 10_000])
    assert divergences.jensen_shannon(*apart) == pytest.approx(1, abs=1e-3)
    assert divergences.ks_gap(*apart, ordered=True) == 1
    three = np.array([50, 0, 50]), np.array([0, 100, 0])
    assert divergences.ks_gap(*three, ordered=True) == 0.5
    assert divergences.ks_gap(*three, ordered=False) == 1


@pytest.mark.parametrize("degrees", [1, 3, 9, 30])
def test_chi2_quantile(degrees):
    expected = stats.chi2.ppf(0.999, degrees)
    assert divergences.chi2_quantile(degrees, 0.999) == pytest.approx(expected, rel=0.04)


def test_psi_noise_is_the_quantile_without_drift():
    random, shares = np.random.default_rng(1), np.full(10, 0.1)
    pairs = [
        (random.multinomial(800, shares), random.multinomial(400, shares)) for _ in range(2_000)
    ]
    beyond = np.mean([divergences.psi(*p) > divergences.psi_noise(*p, 0.05) for p in pairs])
    assert 0.03 < beyond < 0.07


def test_rows_do_not_decide():
    few = [effect(normal(200, 0, s), normal(150, 0, s + 99)).psi.excess for s in range(40)]
    assert max(few) < 0.05
    sizes = [effect(normal(n), normal(n, 0.6, 5)).psi for n in (3_000, 300_000)]
    assert sizes[0].excess == pytest.approx(sizes[1].excess, rel=0.2)
    slight = effect(normal(400_000), normal(400_000, 0.05, 5)).psi  # any p-value would cry
    assert 0 < slight.excess < 0.01


def test_excess_is_never_negative():
    assert EffectSize(0.3, 0.1).excess == pytest.approx(0.2)
    assert EffectSize(0.1, 0.3).excess == 0


def test_weeks_of_the_reference_are_noise():
    """The level wanders from week to week: a window that wanders as far is no drift."""
    weekly = np.repeat([0.0, 1.0, 0.3, 0.7], 500) + normal(2_000) / 3
    weeks = np.repeat([3, 2, 1, 0], 500)
    now = 0.9 + normal(500, 0, 9) / 3
    assert effect(weekly, now).psi.excess > 0.25
    assert effect(weekly, now, stretches=[weeks]).psi.excess == 0
    assert effect(weekly, now + 9, stretches=[weeks]).outside.excess > 0.2


def test_groups_of_rows_that_are_alike_count_as_one():
    random = np.random.default_rng(4)
    weeks = np.repeat(np.arange(20), 100)
    apart = random.integers(0, 5, 2_000)
    assert divergences.overdispersion(apart, weeks) == pytest.approx(1, abs=0.3)
    alike = np.repeat(random.integers(0, 5, 200), 10)
    assert divergences.overdispersion(alike, weeks) == pytest.approx(10, rel=0.3)
    shuffled = random.permutation(2_000)
    assert divergences.overdispersion(alike[shuffled], weeks) == pytest.approx(1, abs=0.3)


def test_shares_count_alike_rows_as_one_too():
    """Every week of the reference has its own burst; so has the current one."""
    weeks = np.repeat([3, 2, 1, 0], 1_000)
    burst = np.tile(np.arange(1_000) < 30, 4)
    names = np.where(burst, np.char.add("week", weeks.astype(str)), "usual").astype(object)
    now = np.where(burst[:1_000], "week9", "usual").astype(object)
    assert effect(names, now, "category").unseen.excess > 0.01
    assert effect(names, now, "category", [weeks]).unseen.excess == 0
    levels, high = np.where(burst, 5.0 + weeks, 0.0), np.where(burst[:1_000], 9.5, 0.0)
    assert effect(levels, high).outside.excess > 0.01
    assert effect(levels, high, stretches=[weeks]).outside.excess == 0


def test_a_short_reference_does_not_know_the_range():
    assert effect(normal(20, 0, 5), normal(5_000, 0, 1)).outside.excess < 0.05
    assert effect(normal(20, 0, 5), normal(5_000, 0, 1)).outside.value > 0.05


def test_rows_in_no_stretch_do_not_count():
    weeks = np.repeat([-1, 1, 0], [500, 100, 100])
    places = np.concatenate([np.full(500, 7), np.tile([0, 1], 100)])
    assert divergences.overdispersion(places, weeks) == 0
    assert divergences.overdispersion(places, np.full(700, -1)) == 1
    assert divergences.overdispersion(places, np.zeros(700, int)) == 1


def test_bins_hold_equal_parts():
    edges = drift.bin_edges(np.arange(1_000.0), 10)
    counts = np.bincount(np.searchsorted(edges, np.arange(1_000.0)))
    assert len(counts) == 10
    assert counts.max() - counts.min() <= 1


def test_a_frequent_value_has_its_own_bin():
    values = np.concatenate([np.zeros(900), np.linspace(-1, 1, 100)])
    counts = np.bincount(np.searchsorted(drift.bin_edges(values, 10), values))
    assert 900 in counts
    rare = effect(np.repeat([0.0, 1.0], [980, 20]), np.repeat([0.0, 1.0], [700, 300]))
    assert rare.psi.excess > 0.25


def test_categories():
    same = effect(text(("a", 900), ("b", 100)), text(("a", 450), ("b", 50)), "category")
    assert same.psi.value < 1e-4
    turned = effect(text(("a", 900), ("b", 100)), text(("a", 100), ("b", 900)), "category")
    assert turned.psi.excess > 1
    assert turned.ks == pytest.approx(0.8)


def test_unseen_values_are_those_of_the_current_window():
    past, now = text(("a", 900), ("b", 100)), text(("a", 800), ("c", 200))
    assert effect(past, now, "category").unseen.value == pytest.approx(0.2)
    assert effect(past, now, "category").unseen.excess > 0.15
    gone = effect(past, text(("a", 1_000)), "category")
    assert gone.unseen.value == 0


def test_unseen_values_are_expected_where_most_are_seen_once():
    names = np.array([f"n{i}" for i in range(1_000)], dtype=object)
    others = np.array([f"m{i}" for i in range(1_000)], dtype=object)
    assert effect(names, others, "category").unseen.excess == 0


def test_outside_is_beyond_the_reference():
    past = np.linspace(0, 10, 1_000)
    now = np.concatenate([np.linspace(0, 10, 900), np.full(60, 11.0), np.full(40, -1.0)])
    assert effect(past, now).outside.value == pytest.approx(0.1)
    assert effect(now, past).outside.value == 0


def test_nulls():
    past, now = normal(1_000), normal(1_000, 0, 2)
    now[:300] = np.nan
    result = effect(past, now)
    assert result.null_shares == (0.0, 0.3)
    assert result.null.excess == pytest.approx(0.3, abs=0.08)
    assert not result.all_null
    assert result.psi.excess == 0, "the values that are left have not moved"
    words = text(("a", 500), (None, 500))
    assert effect(words, words, "category").null.value == 0


def test_all_null():
    empty = np.full(500, np.nan)
    assert effect(normal(500), empty).all_null
    assert not effect(empty, empty).all_null
    assert not effect(empty, normal(500)).all_null
    assert effect(normal(500), empty).psi == EffectSize(0.0, 0.0)
    assert effect(text(("a", 50)), text((None, 50)), "category").all_null


def test_constant():
    assert effect(normal(500), np.full(500, 0.3)).constant
    assert not effect(np.full(500, 2.0), np.full(500, 2.0)).constant
    assert not effect(np.repeat([0.0, 1.0], [999, 1]), np.zeros(100)).constant
    assert effect(np.repeat([0.0, 1.0], [500, 500]), np.zeros(100)).constant


def test_ids_are_compared_by_their_nulls_only():
    result = effect(np.arange(1_000), np.arange(5_000, 6_000), "identifier")
    assert (result.psi.value, result.unseen.value, result.outside.value) == (0, 0, 0)
    assert not result.constant


def test_one_row_and_other_types():
    for kind, past, one in (
        ("numeric", normal(500), [1e9]),
        ("category", text(("a", 500)), text(("z", 1))),
        ("numeric", np.arange(500), np.array([7])),
        (
            "numeric",
            np.arange(500).astype("datetime64[s]"),
            np.array(["1970-01-01"], "datetime64[s]"),
        ),
        ("category", np.array([True, False] * 250), np.array([True])),
    ):
        result = effect(past, one, kind)
        assert result.rows == (500, 1)
        assert (result.unseen.excess, result.outside.excess, result.psi.excess) == (0, 0, 0)


def test_arguments_are_left_alone():
    past, now = normal(100), normal(100)
    before = past.copy(), now.copy()
    effect(past, now)
    assert (past == before[0]).all()
    assert (now == before[1]).all()
