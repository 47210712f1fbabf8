"""`plumbline replay`: served rows scored again, equal to the bit or with the reason why not."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date

import pyarrow.parquet as pq
import pytest

from plumbline.__main__ import main
from plumbline.core import usecase_loader
from plumbline.core.errors import PlumblineError
from plumbline.model import calibration
from plumbline.model.decisions import Cut, DecisionPolicy
from plumbline.ops.replay import day_range, replaying, rescoring, served_rows, verdicts
from plumbline.ops.replay.bundles import Bundles, ReplayBundle
from plumbline.ops.replay.day_range import DayRange
from plumbline.ops.serving import places, sealed_events
from plumbline.serve.log import description
from plumbline.serve.online import checks
from plumbline.serve.online.scorer import CompiledScorer
from tests import classes, logged, replays, requests
from tests.boosting import parcels
from tests.code.test_encodings import HOMES
from tests.frames import FLIGHTS
from tests.small import SMALL


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of a project that served three champions, and their md5s."""
    root = tmp_path_factory.mktemp("replay")
    return root, replays.served(root)


@pytest.fixture
def project(made, tmp_path):
    """A copy to change."""
    root, md5s = made
    shutil.copytree(places.folder(root, "parcels"), places.folder(tmp_path, "parcels"))
    return tmp_path, md5s


def replayed(root, bundles, out=None):
    return replaying.replayed(parcels(), replays.sources(root), bundles, out)


@pytest.mark.capability("D16")
def test_three_champions_in_one_log_are_equal_to_the_bit(made):
    root, md5s = made
    report = replayed(root, replays.admitted(root, md5s))
    assert (report.rows, report.live, report.equal, report.differing) == (120, 60, 120, 0)
    assert [one.bundle for one in report.bundles if one.live] == md5s
    assert [one.unchecked for one in report.bundles] == [0, 0, 0]
    assert report.rows_shown == []


def test_functions_that_may_not_run_are_not_run(made):
    root, _ = made
    report = replayed(root, Bundles(root, "parcels"))
    assert (report.equal, report.differing) == (120, 0)
    assert [one.unchecked for one in report.bundles] == [40, 40, 40]
    assert "pass that with --admit" in report.bundles[0].note


@pytest.mark.capability("D16")
def test_sealed_days_are_replayed_without_the_log(project):
    root, md5s = project
    replays.seal(root)
    shutil.rmtree(places.log(root, "parcels"))
    report = replayed(root, replays.admitted(root, md5s))
    assert (report.rows, report.equal, report.sealed_days) == (120, 120, 10)


def test_a_day_that_is_sealed_and_logged_counts_once(project):
    root, md5s = project
    for day in replays.sources(root).days[:4]:
        replays.seal(root, day)
    report = replayed(root, replays.admitted(root, md5s))
    assert (report.rows, report.equal, report.sealed_days) == (120, 120, 4)


def test_a_sealed_day_that_was_changed_is_named(project):
    root, md5s = project
    replays.seal(root)
    path = sorted(sealed_events.folder(root, "parcels").glob("predictions-*.parquet"))[2]
    table = pq.read_table(path)
    place = table.column_names.index("score")
    path.unlink()  # DVC's cache may be linked to it
    pq.write_table(table.set_column(place, "score", table["raw"]), path)
    report = replayed(root, replays.admitted(root, md5s))
    assert "SHA-256" in report.changed_days[0]
    assert path.name in report.changed_days[0]
    path.unlink()
    with pytest.raises(PlumblineError, match="dvc pull"):
        replayed(root, replays.admitted(root, md5s))


def test_only_the_days_asked_for(made):
    root, md5s = made
    days = DayRange(date(2025, 3, 2), date(2025, 3, 3))
    report = replaying.replayed(
        parcels(), replays.sources(root, days), replays.admitted(root, md5s)
    )
    assert report.days == ["2025-03-02", "2025-03-03"]
    assert 0 < report.rows < 120
    with pytest.raises(PlumblineError, match="served were 2025-03-01 to 2025-03-"):
        replays.sources(root, DayRange(date(2026, 1, 1)))


def test_a_missing_bundle_is_said_of_its_rows_alone(project):
    root, md5s = project
    bundles = replays.admitted(root, md5s)
    shutil.rmtree(places.folder(root, "parcels") / "bundles" / md5s[1])
    report = replayed(root, bundles)
    by_bundle = {one.bundle: one for one in report.bundles}
    assert by_bundle[md5s[1]].reasons == {"bundle": 40}
    assert by_bundle[md5s[1]].problem.startswith(f"bundle {md5s[1]}: ")
    assert (report.equal, report.differing, len(report.rows_shown)) == (80, 40, 40)


ALTERED = {
    "the score": (
        "UPDATE events SET score = zeroblob(8) WHERE sequence = 1",
        "the answer has the score",
    ),
    "score and answer": (
        "UPDATE events SET score = zeroblob(8), answer = '' WHERE sequence = 1",
        "score 0",
    ),
    "a history": (
        "UPDATE events SET aggregates = zeroblob(8) WHERE sequence = 1",
        "height_over_mean is",
    ),
    "a row feature": (
        "UPDATE events SET computed = zeroblob(16) WHERE sequence = 1",
        "height_over_mean is",
    ),
    "an event's column": (
        "UPDATE events SET event = json_set(event, '$.worth', -1) WHERE sequence = 1",
        "the event is not the one whose digest",
    ),
    "the alarm": ("UPDATE events SET alarm = NOT alarm WHERE sequence = 1", "the answer has alarm"),
    "a shadow's score": ("UPDATE events SET score = zeroblob(8) WHERE sequence = 2", "score 0"),
    "the bundle": (
        "UPDATE routes SET bundle = (SELECT min(bundle) FROM routes) WHERE route = 1",
        "bundle",
    ),
    "how many histories": (
        "UPDATE events SET aggregates = zeroblob(16) WHERE sequence = 1",
        "it has 2 aggregates, its file describes 1",
    ),
    "how many scores": (
        "UPDATE events SET score = zeroblob(16), answer = '' WHERE sequence = 1",
        "1 numbers are a score",
    ),
    "no number": (
        "UPDATE events SET aggregates = x'000000000000f07f' WHERE sequence = 1",
        "altered|infinite|height",
    ),
}


@pytest.mark.parametrize("what", ALTERED)
def test_an_altered_row_is_named(project, what):
    root, md5s = project
    statement, words = ALTERED[what]
    path = sorted(places.log(root, "parcels").glob("*.sqlite"))[0]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)
    report = replayed(root, replays.admitted(root, md5s))
    assert report.differing >= 1
    row = report.rows_shown[0]
    assert (row.sequence, row.reason) == (2 if "shadow" in what else 1, "altered")
    assert re.search(words, row.detail), row.detail
    assert report.equal == 120 - report.differing


def test_a_row_that_no_service_wrote_is_one_message(project):
    root, md5s = project
    path = sorted(places.log(root, "parcels").glob("*.sqlite"))[0]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE events SET event = '{' WHERE sequence = 1")
    with pytest.raises(PlumblineError, match="restore the day's file"):
        replayed(root, replays.admitted(root, md5s))


def test_a_row_function_that_fails_keeps_no_other_row_from_its_verdict(project, monkeypatch):
    root, md5s = project
    whole = rescoring.recomputed

    def fails(usecase, columns):
        if 7 in columns["number"].tolist():
            raise PlumblineError("the function failed")
        return whole(usecase, columns)

    monkeypatch.setattr(rescoring, "recomputed", fails)
    report = replayed(root, replays.admitted(root, md5s))
    assert (report.equal, report.differing) == (118, 2)  # the answer and the shadow's score
    assert {row.detail for row in report.rows_shown} == {"the function failed"}


ORDINARY = replace(SMALL, rows=(), categories=(), derived=(), features=("cents", "grams", "who_mean_3d"), snapshots=SMALL.snapshots[:3], hourly=(), fresh=())  # fmt: skip
POLICY = DecisionPolicy(
    names=("approve", "review", "block"), review=True, otherwise=Cut(review=0.45, block=0.55),
    column="kind", segments={"a": Cut(review=0.3, block=0.5)},
)  # fmt: skip
CASES = {
    "nulls, hours, derived features": (SMALL, {}),
    "decisions by segment": (SMALL, {"decisions": POLICY}),
    "no row feature": (ORDINARY, {}),
    "several classes": (
        classes.days(),
        {"costs": ((0.0, 1.0, 2.0), (3.0, 0.0, 1.0), (9.0, 1.0, 0.0))},
    ),
    "a regression with its offset": (FLIGHTS, {}),
    "encodings": (HOMES, {}),
}


@pytest.mark.parametrize("what", CASES)
def test_rows_of_any_use_case_are_equal_to_the_bit(what):
    case, parts = CASES[what]
    scorer = requests.scorer(case, **parts)
    compiled = CompiledScorer(replace(scorer, bundle=scorer.bundle))
    drawn, pasts = requests.events(case, 60), requests.histories(case, 60)
    rows = [
        logged.row(
            i, e[case.key], event=e, digest=checks.digest(e), aggregates=tuple(map(float, p)), computed=s.computed,
            derived=s.derived, raw=s.raw, score=s.score, alarm=s.alarm, decision=s.decision, answer=b"",
            definitions=compiled.definitions,
        )
        for i, (e, p, s) in enumerate(zip(drawn, pasts, compiled.score(drawn, pasts), strict=True), 1)
    ]  # fmt: skip
    served = served_rows.of_log(date(2025, 3, 10), rows, description.describe(case))
    found = ReplayBundle("b" * 32, "here", scorer.bundle, case, compiled.definitions, "", ())
    result = verdicts.judged(found, served)
    assert result.detail.tolist() == [""] * 60
    other = verdicts.judged(found, replace(served, score=served.score + 1e-12))
    assert (other.reason == "altered").sum() >= 30


def test_other_versions_are_the_reason_where_rows_differ(project, monkeypatch):
    root, md5s = project
    monkeypatch.setattr(description, "libraries", lambda: {"numpy": "0.1"})
    assert replayed(root, replays.admitted(root, md5s)).differing == 0
    monkeypatch.setattr(calibration, "apply", lambda _, raw: raw + 1e-9)
    report = replayed(root, replays.admitted(root, md5s))
    assert set(report.bundles[0].reasons) == {"version"}
    assert "numpy" in report.rows_shown[0].detail


def test_rows_go_to_a_file(project):
    root, md5s = project
    replayed(root, replays.admitted(root, md5s), root / "rows.parquet")
    table = pq.read_table(root / "rows.parquet")
    assert table["sequence"].to_pylist() == sorted(range(1, 121))
    assert table["score"].to_pylist() == table["replayed"].to_pylist()
    with pytest.raises(PlumblineError, match=r"expected a file \.parquet"):
        replayed(root, replays.admitted(root, md5s), root / "rows.csv")


@pytest.mark.parametrize("text", ["x", "2025-13-01", ":", "2025-03-02:2025-03-01"])
def test_odd_days_are_one_message(text):
    with pytest.raises(PlumblineError, match="--days"):
        day_range.parsed(text)


def test_the_command_says_what_is_not_equal(project, monkeypatch, capsys):
    root, md5s = project
    monkeypatch.chdir(root)
    monkeypatch.setattr(usecase_loader, "load_features", lambda _: parcels())
    assert main(["replay", "parcels"]) == 0
    assert "all 120 rows are equal to the bit" in capsys.readouterr().out
    shutil.rmtree(places.folder(root, "parcels") / "bundles" / md5s[2])
    assert main(["replay", "parcels", "--json", "replay.json"]) == 1
    text = capsys.readouterr().out
    assert "80 rows are equal to the bit, 40 are not" in text
    assert "40 not: their bundle cannot be had" in text
    assert json.loads((root / "replay.json").read_text())["differing"] == 40
    assert main(["replay", "parcels", "--days", "2020-01-01"]) == 2
    assert "nothing was served from 2020-01-01" in capsys.readouterr().err
