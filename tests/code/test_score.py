"""The scorecard: no point without a mark, a run of these files, a pass, and a fault that it caught."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from plumbline.__main__ import main
from plumbline.core.errors import PlumblineError
from plumbline.studies.mltest import grading, markers, rubric, run_evidence, scorecard_page, tree
from plumbline.studies.mltest.run_evidence import Caught, Ran
from plumbline.studies.mltest.scorecard import RubricRow
from tests.project import Project

WHEN = "2026-01-01T00:00:00+00:00"


def ran(id: str, outcome: str = "passed", node: str = "") -> Ran:
    return Ran(
        node or f"tests/test_{id.replace(' ', '')}.py::test", (id,), outcome, "", WHEN, "c", "s"
    )


def caught(id: str, verdict: str = "caught") -> Caught:
    node = ran(id).node if verdict == "caught" else ""
    return Caught(
        f"fault of {id}", id, "a.py", verdict, node, "AssertionError", WHEN, 1.0, "c", "s"
    )


FULL = [ran(i) for i in rubric.IDS], [caught(i) for i in rubric.IDS]


def row(runs: list[Ran], faults: list[Caught], id: str = "Data 3") -> RubricRow:
    return next(r for r in grading.card(runs, faults, {id: ["a"]}).tests if r.id == id)


@pytest.mark.capability("G18")
def test_the_rubric_is_the_paper_s() -> None:
    assert len(rubric.TESTS) == len(set(rubric.IDS)) == 28
    for section in rubric.SECTIONS:
        assert [t.id for t in rubric.TESTS if t.section == section] == [
            f"{section} {n}" for n in range(1, 8)
        ]


@pytest.mark.capability("G18")
def test_all_28() -> None:
    result = grading.card(*FULL, {})
    assert (result.total, result.score, result.exceptional) == (28, 7, True)
    assert [s.sum for s in result.sections] == [7, 7, 7, 7]


def test_the_score_is_the_lowest_section_s() -> None:
    runs = [r for r in FULL[0] if r.ids[0] not in ("Model 1", "Model 2")]
    result = grading.card(runs, FULL[1], {})
    assert (result.total, result.score, result.exceptional) == (26, 5, False)


@pytest.mark.parametrize(
    ("runs", "faults", "lacks"),
    [
        ([], [caught("Data 3")], "marked, but not run in this state"),
        ([ran("Data 3", "failed")], [caught("Data 3")], "failed: tests/test_Data3.py::test"),
        ([ran("Data 3"), ran("Data 3", "failed", "b")], [caught("Data 3")], "failed: b"),
        ([ran("Data 3", "skipped")], [caught("Data 3")], "skipped: tests/test_Data3.py::test"),
        ([ran("Data 3"), ran("Data 3", "skipped", "b")], [caught("Data 3")], "skipped: b"),
        ([ran("Data 3")], [], "no planted fault was run in this state"),
        ([ran("Data 3")], [caught("Data 3", "missed")], "not caught: fault of Data 3 (missed)"),
        ([ran("Data 3")], [caught("Data 3", "wrong")], "not caught: fault of Data 3 (wrong)"),
        ([ran("Data 3", node="b")], [caught("Data 3")], "not caught: fault of Data 3 (caught)"),
    ],
)
def test_no_point(runs: list[Ran], faults: list[Caught], lacks: str) -> None:
    result = row(runs, faults)
    assert (result.point, result.lacks) == (0, lacks)


def test_no_mark_at_all() -> None:
    assert grading.card([], [], {}).tests[0].lacks == "no test carries the mark"


def test_records_of_other_states_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "tests.json"
    run_evidence.keep(path, [ran("Data 1"), ran("Data 2")])
    run_evidence.keep(path, [ran("Data 2", "failed")])
    assert [r.outcome for r in run_evidence.tests(tmp_path, "s")] == ["passed", "failed"]
    assert run_evidence.tests(tmp_path, "other") == []
    assert run_evidence.others(tmp_path, "other") == 2
    run_evidence.keep(path, [replace(ran("Data 3"), state="new")])
    assert run_evidence.tests(tmp_path, "s") == []
    run_evidence.keep(tmp_path / "mutants.json", [caught("Data 1")])
    assert [c.verdict for c in run_evidence.mutants(tmp_path, "s")] == ["caught"]


@pytest.mark.parametrize("text", ["{", '{"a": 1}', '[{"state": "s"}]', "[1]"])
def test_a_damaged_record_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "tests.json").write_text(text)
    with pytest.raises(PlumblineError, match=r"tests\.json: .*remove it and run `make score`"):
        run_evidence.tests(tmp_path, "s")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    built = Project(tmp_path)
    built.run("git", "init", "-q", "-b", "main")
    (tmp_path / ".gitignore").write_text("/.plumbline/\n/reports/\n/scorecard.json\n")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").write_text(
        '@pytest.mark.mltest("Data 1", "Data 2")\ndef t(): ...\n'
    )
    built.commit()
    monkeypatch.chdir(tmp_path)
    return built


def test_marks_are_read_from_the_text(project: Project) -> None:
    assert markers.declared(project.path) == {i: ["tests/test_a.py"] for i in ("Data 1", "Data 2")}


def test_the_state_is_the_files_not_the_commit(project: Project) -> None:
    before = tree.state(project.path)
    project.commit("nothing")
    assert tree.state(project.path) == before
    (project.path / "scorecard.json").write_text("{}")
    assert tree.state(project.path) == before
    (project.path / "tests" / "test_b.py").write_text("")
    assert tree.state(project.path) != before


def test_the_command(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mltest"]) == 2
    assert "there is no record; run `make score`" in capsys.readouterr().err
    state = tree.state(project.path)
    folder = project.path / run_evidence.FOLDER
    run_evidence.keep(folder / "tests.json", [replace(r, state=state) for r in FULL[0]])
    run_evidence.keep(folder / "mutants.json", [replace(c, state=state) for c in FULL[1]])
    assert main(["mltest", "--least", "7"]) == 0
    message = capsys.readouterr().out
    assert "ML Test Score 7: the lowest section's sum (exceptional)" in message
    assert "total 28 of 28" in message
    assert "rests on the host: " in message
    assert json.loads(Path("scorecard.json").read_text())["total"] == 28
    assert "7 of 7 (28 of 28)" in Path("reports/scorecard.svg").read_text()
    (project.path / "tests" / "test_a.py").write_text("changed = 1\n")
    assert main(["mltest"]) == 2
    assert "56 records there are of other states" in capsys.readouterr().err


def test_the_page_has_no_address_and_no_script() -> None:
    evil = [replace(ran("Data 1"), node="<script>x</script>"), *FULL[0][1:]]
    place = {"commit": "a" * 40, "uncommitted": ["b"]}
    card = grading.card(evil, FULL[1][3:], {}).model_copy(update=place)
    text = scorecard_page.render(card)
    assert "<script" not in text
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text) == []
    assert text.count("<tr>") == 28 + 4 + 5
    assert "no planted fault was run in this state" in text
