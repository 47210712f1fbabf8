"""MonitorBench's quick mode runs whole, from simulated payments to tables."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


def cell(text: str, row: str) -> str:
    """The last cell of the row that begins with `row`."""
    line = next(x for x in text.splitlines() if x.startswith(f"| {row}"))
    return line.strip("| ").split(" | ")[-1]


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    kept: Path = tmp_path_factory.mktemp("monitorbench")
    done = subprocess.run(
        [sys.executable, "-m", "bench.monitor", "--quick"],
        cwd=ROOT,
        env={**os.environ, "MONITORBENCH_CACHE": str(kept)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout


def test_the_own_monitor_never_crashes(output: str) -> None:
    assert cell(output, "crashes, all scenarios and sizes") == "0"


def test_faults_are_an_alert_at_once(output: str) -> None:
    assert cell(output, "faults with an alert in the first window").startswith("100 %")
    for name in ("units", "all_null", "empty_day"):
        row = next(x for x in output.splitlines() if x.startswith(f"| `{name}`"))
        assert row.strip("| ").split(" | ")[2:4] == ["7", "7"]  # windows, alerts


def test_a_healthy_week_has_no_alert(output: str) -> None:
    assert "0 of 28" in cell(output, "false alerts on harmless streams")


def test_peers_judge_the_same_windows(output: str) -> None:
    table = output.split("## Beside the peers")[1].split("## Scenario")[0]
    rows = [x.strip("| ").split(" | ") for x in table.splitlines() if x.startswith("| ")][1:]
    assert {r[0] for r in rows} == {"plumbline", "evidently-default", "ks-bh"}
    assert len({r[2] for r in rows}) == 1
