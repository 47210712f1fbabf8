"""A log's days as a summary and as Parquet: what a person looks at, and what a day is sealed from."""

from __future__ import annotations

import json
from datetime import datetime

import pyarrow.parquet as pq
import pytest

from plumbline.__main__ import main
from plumbline.serve.log import export
from plumbline.serve.log.prediction_log import PredictionLog
from plumbline.serve.log.reader import LogReader
from plumbline.serve.protocols import LogError
from tests.logged import DAY, EVENT, NOON, outcome, row
from tests.small import SMALL

ROWS = [
    row(1, alarm=True, flags=("late", "unknown")),
    row(2, 1, mode="shadow", arm="challenger", bundle="c" * 32),
    outcome(3, 1),
    outcome(4, 99, matched=False),
    row(5, received=NOON + DAY),
]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose service of the small use case has logged two days."""
    monkeypatch.chdir(tmp_path)
    log = PredictionLog(tmp_path / ".plumbline" / "serve" / "small" / "log", SMALL)
    log.append(ROWS)
    log.close()
    return tmp_path


def test_shows_each_day(project, capsys):
    assert main(["log", "small", "--json", "days.json"]) == 0
    text = capsys.readouterr().out
    assert "2025-03-10  1 events, 2 outcomes (1 of unknown events), sequence 1 to 4" in text
    assert f"challenger, bundle {'c' * 32}, routes 1: scored as a shadow 1, 0 alarms" in text
    assert "flags: late 1, unknown 1" in text
    days = json.loads((project / "days.json").read_text())["days"]
    assert [one["day"] for one in days] == ["2025-03-10", "2025-03-11"]


def test_says_which_days_there_are(project, capsys):
    assert main(["log", "small", "--day", "2025-03-12", "--out", "no.parquet"]) == 1
    assert (
        "nothing was received on 2025-03-12; it has 2025-03-10 to 2025-03-11"
        in capsys.readouterr().out
    )
    assert not (project / "no.parquet").exists()


def test_says_which_logs_there_are(project, capsys):
    assert main(["log", "smal"]) == 2
    assert "no prediction log; did you mean 'small'?" in capsys.readouterr().err


def test_exports_events_by_name(project):
    assert main(["log", "small", "--out", "served.parquet"]) == 0
    table = pq.read_table(project / "served.parquet")
    assert table["sequence"].to_pylist() == [1, 2, 5]
    first = table.slice(0, 1).to_pylist()[0]
    assert first["received"] == datetime(2025, 3, 10, 12)
    assert first["event"] == {**EVENT, "number": 1}
    assert first["aggregates"]["who_mean_3d"] == 0.1
    assert first["computed"]["kind_code"] == 1.0
    assert first["derived"] == {"surprise": None}
    assert (first["score"], first["flags"]) == ([0.125], ["late", "unknown"])
    assert table["mode"].to_pylist() == ["live", "shadow", "live"]


def test_exports_the_outcomes_of_a_day(project):
    words = ["--day", "2025-03-10", "--outcomes", "--out", "outcomes.parquet"]
    assert main(["log", "small", *words]) == 0
    table = pq.read_table(project / "outcomes.parquet")
    assert table["key"].to_pylist() == [1, 99]
    assert table["matched"].to_pylist() == [True, False]
    assert table["outcome"].to_pylist()[0] == {"bad": 1, "loss": None}


def test_the_same_rows_are_the_same_bytes(project, monkeypatch):
    reader = LogReader(project / ".plumbline" / "serve" / "small" / "log")
    export.write(reader, None, "events", project / "a.parquet")
    monkeypatch.setattr("plumbline.serve.log.reader.PAGE", 1)
    export.write(reader, None, "events", project / "b.parquet")
    assert (project / "a.parquet").read_bytes() == (project / "b.parquet").read_bytes()


def test_rows_of_other_code_are_refused(tmp_path):
    log = PredictionLog(tmp_path, SMALL)
    log.append([row(1, aggregates=(1.0,))])
    log.close()
    with pytest.raises(LogError, match="has 1 aggregates, expected the 23"):
        export.write(LogReader(tmp_path), None, "events", tmp_path / "no.parquet")
    assert not (tmp_path / "no.parquet").exists()
