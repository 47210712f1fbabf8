"""MonitorBench's arithmetic on records made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bench.monitoring import scoring
from bench.monitoring.populations import DELAY
from bench.monitoring.runs import Record
from bench.monitoring.true_loss import TrueLoss, daily
from plumbline.monitor.window import ScoredWindow


def record(
    scenario: str, number: int, level: str, columns: tuple[str, ...] = (), **more: int
) -> Record:
    return Record(
        detector="plumbline",
        size=500,
        seed=more.get("seed", 1),
        scenario=scenario,
        number=number,
        rows=100,
        level=level,  # type: ignore[arg-type]
        columns=columns,
        flags=more.get("flags", len(columns)),
        why=(),
        blind=False,
        crash="",
        seconds=0.0,
    )


def test_a_rate_has_the_interval_of_clopper_and_pearson() -> None:
    result = scoring.rate(
        [record("weekly", i, "alert" if i == 0 else "ok") for i in range(20)], scoring.alerted
    )
    assert (result.count, result.total) == (1, 20)
    assert result.low == pytest.approx(0.00127, abs=1e-4)  # as tabulated for 1 of 20
    assert result.high == pytest.approx(0.24873, abs=1e-4)


def test_no_page_in_many_windows_still_has_an_upper_end() -> None:
    result = scoring.rate([record("weekly", i, "ok") for i in range(336)], scoring.alerted)
    assert result.low == 0
    assert result.high == pytest.approx(1 - 0.025 ** (1 / 336), abs=1e-9)


def test_delay_counts_from_the_first_window_of_a_fault() -> None:
    stream = [record("units", i, "alert" if i == 2 else "ok") for i in range(7)]
    assert scoring.delays(stream, scoring.alerted) == {(1, "units"): 3.0}


def test_delay_counts_from_the_first_labels_where_only_they_can_tell() -> None:
    stream = [record("concept_sudden", i, "alert" if i >= DELAY + 1 else "ok") for i in range(14)]
    early = [record("label_3", i, "alert") for i in range(14)]
    assert scoring.delays([*stream, *early], scoring.alerted) == {
        (1, "concept_sudden"): 2.0,
        (1, "label_3"): 1.0,
    }


def test_detection_says_never_where_most_streams_are_missed() -> None:
    missed = [record("units", 0, "ok", seed=s) for s in (1, 2)]
    result = scoring.detection([*missed, record("units", 0, "alert", seed=3)], scoring.alerted)
    assert result["within_1"] == pytest.approx(1 / 3, abs=1e-4)
    assert result["median_delay"] is None


def test_only_the_first_columns_count_as_named() -> None:
    right = record("all_null", 0, "alert", ("night", "distance_m"))
    wrong = record("all_null", 0, "alert", ("night", "hour", "kind", "distance_m"), seed=2)
    assert scoring.named([right, wrong], scoring.alerted) == 0.5


def test_a_page_is_right_where_its_stream_is_harmed() -> None:
    harmed = TrueLoss(0.1, 0.05, 0.0, -0.1, (True, False))
    unharmed = TrueLoss(0.1, -0.05, 0.0, -0.1, (False, False))
    records = [
        record("units", 0, "alert"),
        record("units", 1, "alert"),
        record("weekly", 0, "alert"),
    ]
    true_losses = {(1, "units"): harmed, (1, "weekly"): unharmed}
    assert scoring.precision(records, scoring.alerted, true_losses).count == 2
    assert scoring.precision(records, scoring.alerted, true_losses, strict=True).count == 1


def test_the_strictest_count_that_still_finds_the_faults() -> None:
    faults = [record("units", 0, "alert", flags=5), record("nulls", 0, "alert", flags=3)]
    assert scoring.ready(faults, 1.0) == 3
    assert scoring.ready(faults, 0.5) == 5


def window(ids: list[int], amount: list[int], label: list[int], score: list[float]) -> ScoredWindow:
    columns = {"payment_id": np.array(ids), "amount_cents": np.array(amount)}
    return ScoredWindow(columns, np.array(label, float), np.array(score))


def test_a_fraud_that_was_not_delivered_is_missed() -> None:
    true = window([1, 2, 3], [10_000, 30_000, 100], [1, 1, 0], [0.9, 0.9, 0.1])
    now = window([1, 3], [10_000, 100], [1, 0], [0.9, 0.1])
    assert daily(true, true, 0.5) == (1.0, 0.0)
    assert daily(now, true, 0.5) == (1.0, 0.75)


def test_a_wrong_amount_is_judged_by_the_true_one() -> None:
    true = window([1, 2], [10_000, 500], [1, 0], [0.9, 0.1])
    now = window([1, 2], [100, 50_000], [1, 0], [0.1, 0.9])
    quality, cost = daily(now, true, 0.5)
    assert quality == 0.5
    assert cost == (10_000 + 500) / 10_000  # the fraud missed, and one false alarm


def test_an_alarm_twice_costs_twice() -> None:
    true = window([1, 2], [10_000, 500], [1, 0], [0.9, 0.9])
    twice = window([1, 2, 2], [10_000, 500, 500], [1, 0, 0], [0.9, 0.9, 0.9])
    assert daily(true, true, 0.5)[1] == 0.05
    assert daily(twice, true, 0.5)[1] == 0.1


def test_a_report_counts_by_a_name_among_the_first_three() -> None:
    amounts = scoring.names(frozenset({"amount_cents"}))
    assert amounts(record("covariate_20", 0, "warning", ("night", "amount_cents")))
    assert amounts(record("covariate_20", 0, "alert", ("amount_cents",)))
    assert not amounts(record("covariate_20", 0, "warning", ("a", "b", "c", "amount_cents")))
    assert not amounts(record("covariate_20", 0, "ok", ("amount_cents",)))


def test_chance_is_the_share_of_streams_with_a_report_at_any_time() -> None:
    records = [
        record("weekly", number, "warning" if number == 8 and seed == 1 else "ok", seed=seed)
        for number in range(14)
        for seed in (1, 2)
    ]
    assert scoring.share(records, scoring.seen) == 0.5
    assert scoring.share([r for r in records if r.number < 3], scoring.seen) == 0
