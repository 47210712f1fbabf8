"""The planted faults: one for each test of the rubric, each in a text that is there, judged by how it is red."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

from bench.mutants import copies, running
from bench.mutants.__main__ import MUTANTS
from bench.mutants.plant import Mutant, plant
from bench.planted_faults import FAULTS
from plumbline.studies.mltest import markers, rubric
from tests.conftest import ROOT


def test_each_id_has_one_and_no_two_are_called_alike() -> None:
    assert set(rubric.IDS) <= {m.id for m in MUTANTS}
    assert max(Counter(m.what for m in (*MUTANTS, *FAULTS)).values()) == 1


@pytest.fixture(scope="module")
def declared() -> Mapping[str, Collection[str]]:
    """The files of each id's marked tests."""
    return markers.declared(ROOT)


@pytest.mark.parametrize("mutant", [*MUTANTS, *FAULTS], ids=lambda m: m.what)
def test_the_text_to_change_is_there(
    mutant: Mutant, declared: Mapping[str, Collection[str]]
) -> None:
    assert callable(mutant.edit) or mutant.old in (ROOT / mutant.file).read_text()
    assert mutant.id or mutant.tests
    for words in mutant.tests.split():
        assert (ROOT / words).exists()
        assert not mutant.id or words in declared[mutant.id]


def test_a_fault_that_cannot_be_planted(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    with pytest.raises(SystemExit, match=r"a\.py: 'y' is not there; correct the fault 'w'"):
        plant(tmp_path, Mutant("Data 1", "w", "a.py", "y", "z"))
    with pytest.raises(SystemExit, match="'w' changes nothing"):
        plant(tmp_path, Mutant("Data 1", "w", "a.py", edit=str))
    assert plant(tmp_path, Mutant("Data 1", "w", "a.py", "1", "2")) == "x = 1\n"
    assert (tmp_path / "a.py").read_text() == "x = 2\n"


@pytest.mark.parametrize(
    ("records", "verdict", "node"),
    [
        ([("a", "passed", "")], "missed", ""),
        ([("a", "passed", ""), ("b", "failed", "AssertionError")], "caught", "b"),
        ([("a", "failed", "Failed")], "caught", "a"),
        ([("a", "failed", "ImportError")], "wrong", "a"),
        ([("a", "failed", "AssertionError in setup")], "wrong", "a"),
        ([("a", "skipped", "")], "missed", ""),
        ([], "wrong", ""),
    ],
)
def test_verdicts(
    tmp_path: Path,
    records: list[tuple[str, str, str]],
    verdict: str,
    node: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    built = [{"node": n, "outcome": o, "kind": k} for n, o, k in records]
    monkeypatch.setattr(running, "run", lambda root, id, words: (built, "said"))
    (tmp_path / "a.py").write_text("x = 1\n")
    result = running.judge(tmp_path, Mutant("Data 1", "w", "a.py", "1", "2", tests="t.py"))
    assert (result.verdict, result.node) == (verdict, node)
    assert (tmp_path / "a.py").read_text() == "x = 1\n"


def test_a_copy_holds_what_git_tracks_and_links_to_the_outs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "project"
    (root / "data" / "shop").mkdir(parents=True)
    (root / "data" / "README.md").write_text("what is here\n")
    (root / ".gitignore").write_text("/data/*\n!/data/README.md\n")
    copies.git(root, "init", "-q")
    monkeypatch.setattr(copies, "ROOT", root)
    copy = copies.copy(tmp_path / "copy")
    assert (copy / "data" / "README.md").is_file()
    assert not (copy / "data").is_symlink()
    assert (copy / "data" / "shop").resolve() == root / "data" / "shop"
    assert not copies.tree.changed(copy)
