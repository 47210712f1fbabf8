"""The large bench: how its world grows, what it sees of processes, the exponents, and going on where it stopped."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from bench.large import __main__ as command
from bench.large import plot, processes, records, worlds
from bench.large.records import STAGES, StageCost, World
from tests.project import Project

COST = StageCost(wall=2.0, cpu=3.0, resident=500.0, anonymous=400.0, scratch=1.0, rows=1_000)


def world(events: int, factor: float = 1.0, stages: tuple[str, ...] = STAGES) -> World:
    cost = replace(COST, wall=COST.wall * factor, cpu=COST.cpu * factor**2)
    return World(events, {"millions": events / 1e6}, {}, dict.fromkeys(stages, cost), 7.0, 0.5)


def test_payments_by_month_are_about_as_many_as_wanted(tmp_path: Path):
    rows = worlds.write(tmp_path / "events", 3_000, 5, seed=7)
    files = sorted((tmp_path / "events").iterdir())
    assert [f.name for f in files] == [f"payments-2025-0{m}.parquet" for m in range(1, 6)]
    assert sum(pq.read_metadata(f).num_rows for f in files) == rows
    assert 0.7 < rows / 3_000 < 1.3
    assert worlds.customers(100_000_000, 12) == pytest.approx(100 * worlds.customers(1_000_000, 12), rel=1e-3)  # fmt: skip


def test_a_command_is_watched_with_the_processes_below_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(processes, "EVERY", 0.02)
    child = "x = bytearray(80_000_000); import time; open('scratch/f', 'wb').write(bytes(3_000_000)); time.sleep(1)"
    parent = (
        f"import subprocess, sys; print('seen'); subprocess.run([sys.executable, '-c', {child!r}])"
    )
    used = processes.run(
        [sys.executable, "-c", parent], tmp_path, tmp_path / "scratch", {"LC_ALL": "C"}
    )
    assert (used.ok, used.output) == (True, "seen\n")
    assert used.wall > 1 > 0 < used.cpu
    assert used.resident > used.anonymous > 80
    assert 2.9 < used.scratch < 3.2
    failed = processes.run([sys.executable, "-c", "1 / 0"], tmp_path, tmp_path / "scratch", {})
    assert not failed.ok
    assert "ZeroDivisionError" in failed.output


def test_files_with_two_names_count_once(tmp_path: Path):
    (tmp_path / "a").write_bytes(bytes(40_000))
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    assert 40_000 <= processes.size(tmp_path) < 60_000


def test_exponents_of_stages_and_of_the_whole():
    small, large = world(1_000_000), world(10_000_000, factor=10.0)
    for name in ("train", records.WHOLE):
        assert records.exponent(small, large, name, "wall") == pytest.approx(1.0)
        assert records.exponent(small, large, name, "cpu") == pytest.approx(2.0)
    half = world(35_000_000, stages=STAGES[:3])
    assert half.whole is None
    assert math.isnan(records.exponent(large, half, records.WHOLE, "wall"))
    text = "\n".join(records.lines([small, large, half]))
    assert "growth from 1,000,000 to 10,000,000" in text
    assert "nan" not in text


def test_results_are_kept_size_by_size_and_drawn(tmp_path: Path):
    path = tmp_path / "large.json"
    for one in (world(10_000_000, stages=("data",)), world(1_000_000), world(10_000_000, 10.0)):
        records.keep(path, one)
    assert records.read(path) == [world(1_000_000), world(10_000_000, 10.0)]
    plot.draw(tmp_path / "large.png", records.read(path), 8_000)
    assert (tmp_path / "large.png").stat().st_size > 10_000


def test_a_second_call_goes_on_with_the_stage_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    ran, failing = [], ["features"]

    def run(place: object, stage: str, world: World) -> StageCost | None:
        ran.append(stage)
        return None if stage in failing else COST

    monkeypatch.setattr("bench.large.measured._stage", run)
    monkeypatch.setattr(worlds, "project", lambda folder, *_: Project(folder))
    words = ["--sizes", "0.002", "--months", "5", "--folder", str(tmp_path / "f"), "--results", str(tmp_path / "r.json")]  # fmt: skip
    assert command.main(words) == 1
    failing.clear()
    assert command.main(words) == 0
    assert ran == ["data", "validate", "features", *STAGES[2:]]
    assert "whole" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--sizes", "0"], ["--months", "3"], ["--memory", "lots"], ["--set", "tune"]])  # fmt: skip
def test_arguments_that_make_no_sense_are_refused(words: list[str]):
    with pytest.raises(SystemExit):
        command._arguments(words)


def test_payments_lie_in_what_the_data_stage_depends_on():
    assert worlds.SOURCE.is_relative_to("sources/card_fraud")
