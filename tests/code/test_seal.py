"""Days of a log sealed: what is in the files, that their bytes depend on the rows alone, and what is refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from plumbline.__main__ import main
from plumbline.core import sealed_days
from plumbline.core.errors import PlumblineError, SourceError
from plumbline.core.sealed_days import KINDS
from plumbline.ops.sealing.seal import Sealing, today
from plumbline.repo import object_stores
from plumbline.serve.log import export, refusal_counts
from plumbline.serve.log.prediction_log import PredictionLog
from plumbline.serve.protocols import LogError
from plumbline.serve.sealed import sealed_files
from tests.conftest import ROOT
from tests.logged import DAY, NOON, row
from tests.sealed import FIRST, FOLDER, NOW, ROWS, digests, place, project, seal, table
from tests.small import SMALL

SECOND, EMPTY, FOURTH = (date(2025, 3, day) for day in (11, 12, 13))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return project(tmp_path / "project")


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Of each file, its bytes."""
    one = project(tmp_path_factory.mktemp("expected") / "project")
    seal(one)
    return digests(one)


@pytest.mark.capability("D13")
def test_a_day_has_its_events_outcomes_and_predictions(root: Path) -> None:
    report = seal(root)
    assert [one.day for one in report.sealed] == [FIRST, SECOND, EMPTY, FOURTH]
    assert [e["number"] for e in table(root, "events")] == [1], "no shadow is an event"
    assert [e["number"] for e in table(root, "events", SECOND)] == [5, 6], "sorted by time and key"
    assert [p["mode"] for p in table(root, "predictions")] == ["live", "shadow"]
    first = table(root, "predictions")[0]
    assert first["time"] == datetime(2025, 3, 10, 11, 59, 59, 999999)
    assert first["aggregates"]["who_mean_3d"] == 0.1
    assert first["flags"] == ["late", "unknown"]
    assert [o["number"] for o in table(root, "outcomes")] == [1, 99], "matched or not"
    assert table(root, "outcomes", FOURTH)[0]["number"] == 5, "in the day in which it came"
    assert report.sealed[2].rows == dict.fromkeys(KINDS, 0)
    assert [(s.first_sequence, s.last_sequence) for s in report.sealed] == [
        (1, 4),
        (5, 6),
        (7, 6),
        (7, 8),
    ]


def test_events_have_the_types_of_the_contract(root: Path) -> None:
    seal(root)
    schema = pq.read_schema(root / FOLDER / "events-2025-03-10.parquet")
    assert {f.name: str(f.type) for f in schema} == {
        c.name: str(export.TYPES[c.type]) for c in SMALL.known
    }


def test_sealed_again_and_from_a_copy_elsewhere(
    tmp_path: Path, root: Path, expected: dict[str, str]
) -> None:
    seal(root)
    assert digests(root) == expected
    assert seal(root).sealed == []
    for day in (FIRST, SECOND, EMPTY, FOURTH):
        assert seal(root, day).same == [day]
    other = project(tmp_path / "other", [])
    copied = shutil.copytree(place(root), tmp_path / "copied")
    seal(other, log=copied)
    assert digests(other) == expected
    assert digests(root) == expected


def test_in_another_zone_and_language(tmp_path: Path, root: Path, expected: dict[str, str]) -> None:
    code = "from tests.sealed import *; import sys; seal(Path(sys.argv[1]))"
    env = {**os.environ, "TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "7"}
    env["PYTHONPATH"] = str(ROOT)
    subprocess.run([sys.executable, "-c", code, root], cwd=tmp_path, env=env, check=True)
    assert digests(root) == expected


def test_whoever_wrote_the_rows_and_when(tmp_path: Path, expected: dict[str, str]) -> None:
    """Three processes that share the sequence, whose rows come to their files in any order."""
    root = project(tmp_path / "project", [])
    shutil.rmtree(place(root))
    for number in range(3):
        log = PredictionLog(place(root), SMALL, writer=f"w{2 - number}")
        log.append([r for r in ROWS if r.sequence % 3 == number])
        log.close()
    seal(root)
    assert digests(root) == expected


def test_day_by_day_as_they_finish(tmp_path: Path, expected: dict[str, str]) -> None:
    root = project(tmp_path / "project", [])
    log = PredictionLog(place(root), SMALL)
    for one in ROWS:
        log.append([one])
        log.flush()
        seal(root, now=FOURTH)
    log.close()
    seal(root)
    assert digests(root) == expected


KILLS = """
import os, signal, sys
from tests.sealed import *
from plumbline.serve.sealed import sealed_files

def child(work):
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def killed_at(number, name, module):
    calls, real = [], getattr(module, name)
    def call(*arguments):
        calls.append(arguments)
        if len(calls) == number: os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments)
    setattr(module, name, call)
    seal(root)

for number, name, module in ((n, "replace", os) for n in (1, 2, 3, 5, 9, 10, 12)):
    root = project(Path(sys.argv[1]) / f"{name}-{number}")
    assert child(lambda: killed_at(number, name, module)) == -signal.SIGKILL
for number in (1, 2):
    root = project(Path(sys.argv[1]) / f"sort-{number}")
    assert child(lambda: killed_at(number, "_sort", sealed_files)) == -signal.SIGKILL
"""


def test_killed_in_the_middle(tmp_path: Path, expected: dict[str, str]) -> None:
    """At each file that is moved into place, pointers and DVC's copies among them, and while files are written."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", KILLS, tmp_path], cwd=tmp_path, env=env, check=True)
    roots = sorted(tmp_path.iterdir())
    assert len(roots) == 9
    for root in roots:
        sealed_days.intact(days := sealed_days.listed(root / FOLDER))
        sealed_days.chained(days, "small")
        assert len(days) < 4
        seal(root)
        assert digests(root) == expected


def test_dvc_has_the_bytes(root: Path) -> None:
    """verify, gc and push go by the same reader of pointers and the same cache."""
    seal(root)
    days = sealed_days.listed(root / FOLDER)
    cache = object_stores.settings(root).folder()
    md5s = {md5 for one in days for md5 in one.md5.values()}
    assert cache.present(md5s) == md5s
    shutil.rmtree(root / ".dvc" / "cache")
    seal(root)
    assert all(md5 == actual for md5, actual in cache.digests(md5s).items())


def test_a_pointer_is_written_as_dvc_writes_it(root: Path) -> None:
    """DVC writes a pointer again when it hashes the files: another text would be a changed source."""
    from dvc.utils.serialize import dump_yaml, load_yaml

    (place(root) / "2025-03-11.sqlite").unlink()
    seal(root, accept_lost=True)
    for one in (root / FOLDER).glob("*.dvc"):
        copied = root / "copied"
        dump_yaml(copied, load_yaml(one))
        assert copied.read_text() == one.read_text()
        text = one.read_text()
        assert max(map(len, text.splitlines())) <= 80
    digits = "1" * 20 + "e" + "2" * 11
    outs = dict.fromkeys(KINDS, (digits, 1))
    [first, *_] = sealed_days.listed(root / FOLDER)
    copied.write_text(sealed_days.pointer_text(first.statement, outs))
    dump_yaml(root / "again", loaded := load_yaml(copied))
    assert loaded["outs"][0]["md5"] == digits
    assert (root / "again").read_text() == copied.read_text()


def test_a_day_that_is_not_over_waits(root: Path) -> None:
    report = seal(root, now=FOURTH)
    assert [one.day for one in report.sealed] == [FIRST, SECOND, EMPTY]
    assert report.waiting == "2025-03-13: not over yet (UTC); it can be sealed from 2025-03-14 on"
    with pytest.raises(LogError, match="2025-03-13: not over yet"):
        seal(root, FOURTH, now=FOURTH)
    assert seal(root).sealed[0].day == FOURTH, "the clock is past it, and nothing writes the log"


def test_what_was_refused_is_waited_for(root: Path) -> None:
    """A later row is there at once; counts of what was refused come some seconds later."""
    midnight = datetime(2025, 3, 13, tzinfo=UTC)
    report = seal(root, now=today(midnight))
    assert [one.day for one in report.sealed] == [FIRST, SECOND]
    assert "2025-03-12: not over yet" in report.waiting
    with pytest.raises(LogError, match="2025-03-12: not over yet"):
        seal(root, EMPTY, now=today(midnight))
    report = seal(root, now=today(midnight + timedelta(minutes=2)))
    assert [one.day for one in report.sealed] == [EMPTY]


def test_days_on_which_everything_was_refused(root: Path) -> None:
    log = PredictionLog(place(root), SMALL)
    log.refuse(
        [refusal_counts.of(NOON + days * DAY, "cents", "expected a number") for days in (5, 7)]
    )
    log.close()
    days = [date(2025, 3, n) for n in (10, 11, 12, 13, 14, 15, 16, 17)]
    assert [one.day for one in seal(root).sealed] == days
    assert [len(table(root, "refusals", day)) for day in days] == [0, 0, 0, 0, 0, 1, 0, 1]
    log = PredictionLog(place(root), SMALL)
    log.append([row(9, received=NOON + 7 * DAY), row(10, received=NOON + 8 * DAY)])
    log.close()
    assert [e["number"] for one in seal(root).sealed for e in table(root, "events", one.day)] == [
        9,
        10,
    ]


def test_the_last_day_of_a_running_service_waits(root: Path) -> None:
    log = PredictionLog(place(root), SMALL)
    with pytest.raises(LogError, match="2025-03-13: the service is running"):
        seal(root, FIRST) and seal(root, SECOND) and seal(root, EMPTY) and seal(root, FOURTH)
    log.append([row(9, received=NOON + 4 * DAY)])
    log.flush()
    assert [one.day for one in seal(root).sealed] == [FOURTH]
    log.close()


def test_a_row_that_comes_late_is_of_no_sealed_day(root: Path) -> None:
    """The clock of the machine was set back by two days after the day was sealed."""
    seal(root)
    before = digests(root)
    log = PredictionLog(place(root), SMALL)
    log.append([row(9, received=NOON + DAY), row(10, received=NOON + 5 * DAY)])
    log.close()
    assert [one.day for one in seal(root).sealed] == [date(2025, 3, 14), date(2025, 3, 15)]
    assert [e["number"] for e in table(root, "events", date(2025, 3, 14))] == [9]
    assert {name: digests(root)[name] for name in before} == before
    for day in (FIRST, SECOND, EMPTY, FOURTH):
        assert seal(root, day).same == [day]


def test_days_are_sealed_in_order(root: Path) -> None:
    seal(root, FIRST)
    with pytest.raises(
        PlumblineError, match=r"the next day to seal is 2025-03-11; `plumbline seal small`"
    ):
        seal(root, EMPTY)


def test_a_day_that_the_log_has_not(root: Path) -> None:
    seal(root)
    with pytest.raises(LogError, match=r"on 2025-03-14 or later .* has 2025-03-10 to 2025-03-13"):
        seal(root, date(2025, 3, 14))


def test_the_days_before_one_that_is_refused_are_sealed(root: Path) -> None:
    (place(root) / "2025-03-13.sqlite").unlink()
    log = PredictionLog(place(root), SMALL, writer="other")
    log.append([row(10, received=NOON + 4 * DAY), row(11, received=NOON + 5 * DAY)])
    log.close()
    report = seal(root)
    assert [one.day for one in report.sealed] == [FIRST]
    assert "rows 7 to 9 of the log are missing" in report.refused
    with pytest.raises(LogError, match="rows 7 to 9"):
        seal(root)


def test_a_chain_begins_with_the_first_day_of_the_log(root: Path) -> None:
    with pytest.raises(
        LogError, match=r"2025-03-11: nothing is sealed yet, and the log begins with 2025-03-10"
    ):
        seal(root, SECOND)


def test_a_folder_that_is_no_log_and_the_log_of_another(root: Path) -> None:
    with pytest.raises(LogError, match="nowhere: no prediction log is there"):
        seal(root, log=root / "nowhere")
    with pytest.raises(LogError, match="the log of small, expected that of large"):
        Sealing(root, "large", place(root), now=NOW)
    assert not (root / "sources").exists()


def test_the_first_day_may_be_named(root: Path) -> None:
    """The files of older days were moved away before anything was sealed."""
    (place(root) / "2025-03-10.sqlite").unlink()
    with pytest.raises(
        LogError,
        match=r"rows 1 to 4 are missing, and no day is sealed yet.* `plumbline seal small DAY`",
    ):
        seal(root)
    assert [one.day for one in seal(root, SECOND).sealed] == [SECOND]
    assert [one.day for one in seal(root).sealed] == [EMPTY, FOURTH]


def test_a_file_of_the_log_that_is_missing(root: Path) -> None:
    seal(root, FIRST)
    (place(root) / "2025-03-11.sqlite").rename(root / "aside")
    with pytest.raises(
        LogError,
        match=r"2025-03-13: rows 5 to 6 of the log are missing .*Put it back; `--accept-lost`",
    ):
        seal(root)
    (root / "aside").rename(place(root) / "2025-03-11.sqlite")
    assert [one.day for one in seal(root).sealed] == [SECOND, EMPTY, FOURTH]


def test_rows_that_are_lost_for_good(root: Path) -> None:
    (place(root) / "2025-03-11.sqlite").unlink()
    report = seal(root, accept_lost=True)
    assert [one.lost for one in report.sealed] == [[], [], [], [(5, 6)]]
    assert seal(root, FOURTH).same == [FOURTH]


def test_what_a_killed_process_had_taken_is_known_to_be_lost(tmp_path: Path) -> None:
    """Row 2 was never written; both processes that shared the sequence have written later ones, or not."""
    root = project(tmp_path / "project", [])
    shutil.rmtree(place(root))
    logs = [PredictionLog(place(root), SMALL, writer=name) for name in ("a", "b")]
    logs[0].append([row(1), row(3)])
    logs[1].append([row(4, received=NOON + DAY)])
    assert all(log.flush() for log in logs)
    assert [one.lost for one in seal(root, now=SECOND).sealed] == [[(2, 2)]]
    for log in logs:
        log.close()
    root = project(tmp_path / "other", [])
    shutil.rmtree(place(root))
    logs = [PredictionLog(place(root), SMALL, writer=name) for name in ("a", "b")]
    logs[0].append([row(1)])
    logs[1].append([row(3), row(4, received=NOON + DAY)])
    for log in logs:
        log.close()
    with pytest.raises(
        LogError, match=r"rows 2 to 2 .* the process a wrote no later row, so they may still come"
    ):
        seal(root)


def test_a_copy_of_a_file_under_another_name(root: Path) -> None:
    shutil.copy(place(root) / "2025-03-11.sqlite", place(root) / "2025-03-11.copy.sqlite")
    with pytest.raises(LogError, match="row 5 of the log is there twice"):
        seal(root)


def test_a_sealed_day_is_never_rewritten(root: Path) -> None:
    """Another log, or a changed one: refused, with what differs; the files stay."""
    seal(root)
    before = digests(root)
    other = project(
        root.parent / "other", [replace(r, score=(0.5,)) if r.sequence == 1 else r for r in ROWS]
    )
    with pytest.raises(
        PlumblineError, match=r"predictions-2025-03-10.parquet: not what .* \(row 1 differs\)"
    ):
        seal(root, FIRST, log=place(other))
    for file in place(other).glob("2025-03-10*"):
        file.unlink()
    assert "no longer has its rows" in seal(root, FIRST, log=place(other)).waiting
    assert digests(root) == before


def test_the_same_rows_in_other_bytes_are_the_same(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As another version of a library writes them."""
    seal(root)
    monkeypatch.setattr(sealed_files, "COMPRESSION", "none")
    assert seal(root, FIRST).same == [FIRST]


@pytest.mark.parametrize("kind", ["events", "refusals"])
def test_a_changed_file_is_refused(root: Path, kind: str) -> None:
    seal(root)
    path = root / FOLDER / f"{kind}-2025-03-11.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(
        SourceError, match=rf"{kind}-2025-03-11.parquet: SHA-256 is .*`dvc checkout --force"
    ):
        seal(root, SECOND)


def _edit(root: Path, day: date, old: str, new: str) -> None:
    path = sealed_days.pointer(root / FOLDER, day)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_changed_pointer_is_refused(root: Path) -> None:
    seal(root)
    _edit(root, SECOND, "events:\n      rows: 2", "events:\n      rows: 3")
    with pytest.raises(
        SourceError, match=r"2025-03-11.dvc: not as it was when 2025-03-12 was sealed"
    ):
        seal(root)


def test_a_missing_pointer_is_a_gap(root: Path) -> None:
    seal(root)
    sealed_days.pointer(root / FOLDER, SECOND).unlink()
    with pytest.raises(
        SourceError, match=r"a gap: 2025-03-11 between the sealed days 2025-03-10 and 2025-03-12"
    ):
        seal(root)


def test_days_of_two_logs_overlap(root: Path) -> None:
    seal(root)
    _edit(root, SECOND, "first_sequence: 5", "first_sequence: 3")
    with pytest.raises(
        SourceError,
        match=r"2025-03-11.dvc: an overlap: its first row is 3, and 2025-03-10 ends with 4",
    ):
        seal(root)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected the pointer of a sealed day"),
        ("outs: [", "expected the pointer"),
        ("outs: []\nmeta: {day: x}", "meta"),
    ],
)
def test_a_damaged_pointer_is_named(root: Path, text: str, words: str) -> None:
    seal(root)
    sealed_days.pointer(root / FOLDER, SECOND).write_text(text)
    with pytest.raises(SourceError, match=rf"2025-03-11.dvc.*{words}.*git checkout"):
        seal(root)


def test_a_pointer_of_another_use_case(root: Path) -> None:
    seal(root)
    _edit(root, SECOND, "usecase: small", "usecase: large")
    with pytest.raises(SourceError, match=r"2025-03-11.dvc: sealed for large, expected small"):
        seal(root)


def test_the_command(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(root)
    assert main(["seal", "small", "--json", "report.json"]) == 0
    text = capsys.readouterr().out
    assert "2025-03-10: sealed: 1 events, 2 outcomes, 2 predictions, 0 refusals" in text
    assert "next: git add sources/small/sealed && git commit, then dvc push" in text
    assert main(["seal", "small"]) == 0
    assert "every finished day is sealed" in capsys.readouterr().out
    assert main(["seal", "small", "2025-03-11"]) == 0
    assert "2025-03-11: the log has what is sealed" in capsys.readouterr().out
    assert main(["log", "small"]) == 0
    assert capsys.readouterr().out.count(" MB, sealed") == 3
    assert main(["seal", "smal"]) == 2
    assert "no prediction log; did you mean 'small'?" in capsys.readouterr().err
