"""What is extrapolated from measured sizes: through the measured points, by the stated formula."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import scale_costs
from bench.large import records
from bench.large.records import STAGES, StageCost, World
from plumbline.core import files

GIVEN = scale_costs.Assumptions(ratio=4, cores=2, bytes=100, price=0.05)


def world(events: int, seconds: float) -> World:
    cost = StageCost(wall=seconds / 2, cpu=seconds, resident=1, anonymous=1, scratch=0, rows=events)
    return World(events, {"millions": events / 1e6}, stages=dict.fromkeys(STAGES, cost))


WORLDS = [world(1_000_000, 10), world(100_000_000, 2_000)]


def test_it_goes_through_what_was_measured_and_grows_as_that_did() -> None:
    assert scale_costs.cpu(WORLDS, "data", 100_000_000) == 2_000
    assert scale_costs.cpu(WORLDS, "data", 1_000_000) == pytest.approx(10)
    assert scale_costs.cpu(WORLDS, "data", 10_000_000_000) == pytest.approx(400_000)
    faster = [world(1_000_000, 100), world(100_000_000, 200)]
    assert scale_costs.power(faster, "data") == 1, "no table gets cheaper by the row for ever"
    assert scale_costs.hours(WORLDS, 100_000_000, 2) == pytest.approx(7 * 1_000 / 3_600)


def test_a_cluster_of_as_many_cores_as_the_ratio_is_even() -> None:
    events = 100_000_000
    alone = scale_costs.hours(WORLDS, events, GIVEN.cores)
    assert scale_costs.on_cluster(WORLDS, events, GIVEN, 8) == pytest.approx(alone)
    assert scale_costs.on_cluster(WORLDS, events, GIVEN, 16) < alone
    assert scale_costs.on_cluster(WORLDS, events, GIVEN, 4) > alone


def test_the_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for one in WORLDS:
        records.keep(tmp_path / "large.json", one)
    record = tmp_path / "record.json"
    words = [str(tmp_path / "large.json"), "--ratio", "4", "--record", str(record)]
    assert scale_costs.main(words) == 0
    shown = capsys.readouterr().out
    assert "A cluster is faster from 9 cores on" in shown
    assert "10,000,000,000 events of 100 bytes" in shown
    assert "| data | 5 / 10 / 1 | 1,000 / 2,000 / 1 | 1.15 |" in shown
    assert "| 1,000,000 | 35 s | " in shown
    assert "| data | 111 | 5.6 | 444 | 22.2 |" in shown
    assert "| train | 111 | 5.6 | 111 (not spread) | 5.6 |" in shown
    assert "\n".join(scale_costs.tables(files.read_json(record))) == shown.rstrip("\n")
    assert scale_costs.main([str(tmp_path / "none.json")]) == 2
    assert "run `make bench-large`" in capsys.readouterr().err
