"""The table and the picture of a search."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from plumbline.tune import trial_report
from plumbline.tune.search import Trial
from tests.conftest import ROOT

TRIALS = (
    Trial(1, {"eta": 0.1, "grow_policy": "depthwise"}, 0.5, 10),
    Trial(2, {"eta": 0.2, "grow_policy": "lossguide"}, reason="too deep"),
    Trial(3, {"eta": 0.3, "grow_policy": "lossguide"}, 0.7, 30),
)
AGAIN = """
import sys
from pathlib import Path
from plumbline.tune import trial_report as trialplot
from tests.code.test_trialplot import TRIALS
trialplot.write(Path(sys.argv[1]), TRIALS, "mae", higher_is_better=False)
"""


def test_table_and_picture(tmp_path: Path):
    trial_report.write(tmp_path, TRIALS, "mae", higher_is_better=False)
    table = list(csv.DictReader((tmp_path / "trials.csv").read_text().splitlines()))
    assert [r["mae"] for r in table] == ["0.5", "", "0.7"]
    assert [r["reason"] for r in table] == ["", "too deep", ""]
    picture = (tmp_path / "trials.svg").read_text()
    assert ElementTree.fromstring(picture).tag.endswith("svg")
    assert "date" not in picture.lower()


def test_the_same_bytes_in_another_process(tmp_path: Path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir(), two.mkdir()
    trial_report.write(one, TRIALS, "mae", higher_is_better=False)
    subprocess.run(
        [sys.executable, "-c", AGAIN, str(two)],
        cwd=ROOT,
        check=True,
        env={"PYTHONHASHSEED": "5", "TZ": "Asia/Tokyo", "LC_ALL": "C", "PATH": ""},
    )
    for name in ("trials.csv", "trials.svg"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


@pytest.mark.parametrize(
    "trials", [(), (Trial(1, {}, 0.5, 3),), (Trial(1, {"eta": 1.0}, reason="no"),)]
)
def test_few_trials(tmp_path: Path, trials: tuple[Trial, ...]):
    trial_report.write(tmp_path, trials, "mae", higher_is_better=True)
    assert len((tmp_path / "trials.csv").read_text().splitlines()) == 1 + len(trials)
    assert (tmp_path / "trials.svg").stat().st_size > 1_000
