"""A project moved to a newer library: a team's edits stay, conflicts have both texts, and nothing is half-written."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.ops.init import create, locks, merge, texts, upgrade, written
from plumbline.repo import library_file
from plumbline.runtime import libraries, library
from tests.conftest import ROOT

OLD = "{n}: one\nkept\ntwo\nkept too\nthree\n"
LOCK = "a==1 \\\n    --hash=sha256:00\nb==1 \\\n    --hash=sha256:00\n"
GRAPH = """stages:
  train:
    cmd: python -m stages.train ${item.usecase}
    deps: [stages/train.py]
    params: [{environment/library.json: [library-code.train]}]
"""


class Library:
    """What the installed library writes, instead of the real one's texts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        names = ("Makefile", "workflow.yml", "other.txt")
        self.files = {name: OLD.replace("{n}", name) for name in names}
        self.files |= {"dvc.yaml": GRAPH, "stages/train.py": "from plumbline.core import files\n"}
        self.lock = LOCK
        self.version = "0.2.0"
        monkeypatch.setattr(texts, "upgraded", lambda: self.files)
        monkeypatch.setattr(texts, "locks", lambda: {"requirements.txt": self.lock})
        monkeypatch.setattr(library, "version", lambda: self.version)
        monkeypatch.setattr(library, "_part", lambda part: f"{part} {self.version}")


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Library:
    return Library(monkeypatch)


@pytest.fixture
def root(tmp_path: Path, installed: Library) -> Path:
    """A project that version 0.2.0 wrote, whose library is 0.3.0 now: other lines, a new and a dropped file."""
    create.write_texts(tmp_path, {**installed.files, "requirements.txt": LOCK})
    written.write(tmp_path, installed.files)
    library_file.write(tmp_path)
    installed.version = "0.3.0"
    installed.lock = LOCK.replace("b==1", "b==2")
    for name in ("Makefile", "workflow.yml"):
        installed.files[name] = installed.files[name].replace("three", "THREE")
    del installed.files["other.txt"]
    installed.files["new.txt"] = "new\n"
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))


def state(root: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_untouched_files_become_the_library_s(root: Path, installed: Library) -> None:
    paths = upgrade.apply(root, upgrade.plan(root))
    assert {"Makefile", "workflow.yml", "new.txt", "other.txt", "requirements.txt"} < set(paths)
    assert (root / "Makefile").read_text() == installed.files["Makefile"]
    assert not (root / "other.txt").exists()
    assert library_file.stale(root) == []
    assert json.loads((root / written.FILE).read_text())["version"] == "0.3.0"
    before = state(root)
    assert upgrade.apply(root, upgrade.plan(root)) == []
    assert state(root) == before


def test_edits_stay(root: Path) -> None:
    edit(root / "Makefile", "Makefile: one", "ours: one")
    edit(root / "other.txt", "two", "ours")
    (root / "workflow.yml").unlink()
    (root / "requirements.txt").write_text(
        LOCK.replace("a==1", "a==1.5") + "own==3 \\\n    --hash=sha256:11\n"
    )
    upgrade.apply(root, upgrade.plan(root))
    assert (root / "Makefile").read_text() == "ours: one\nkept\ntwo\nkept too\nTHREE\n"
    assert "ours" in (root / "other.txt").read_text()
    assert not (root / "workflow.yml").exists()
    assert list(locks.blocks((root / "requirements.txt").read_text())) == ["a", "b", "own"]
    assert "a==1.5" in (root / "requirements.txt").read_text()
    assert "b==2" in (root / "requirements.txt").read_text()


def test_a_conflict_has_both_texts_and_writes_nothing(root: Path) -> None:
    edit(root / "Makefile", "three", "ours")
    (root / "new.txt").write_text("ours\n")
    before = state(root)
    planned = upgrade.plan(root)
    shown = "\n".join(upgrade.lines(planned))
    assert "Makefile: in conflict\n  line 5, yours:\n    ours\n" in shown
    assert "  the library's (0.3.0):\n    THREE" in shown
    with pytest.raises(PlumblineError, match=r"in its way: Makefile new.txt; nothing was written"):
        upgrade.apply(root, planned)
    assert state(root) == before


def test_a_conflict_is_settled_by_name(root: Path, installed: Library) -> None:
    edit(root / "Makefile", "three", "ours")
    edit(root / "workflow.yml", "three", "ours")
    upgrade.apply(root, upgrade.plan(root, keep=["Makefile"], take=["workflow.yml"]))
    assert "ours" in (root / "Makefile").read_text()
    assert (root / "workflow.yml").read_text() == installed.files["workflow.yml"]
    assert upgrade.plan(root).changes == ()
    with pytest.raises(PlumblineError, match=r"Makefil: expected a file that the upgrade changes"):
        upgrade.plan(root, keep=["Makefil"])


def test_a_write_that_fails_leaves_all_as_it_was(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned, before = upgrade.plan(root), state(root)

    def full(*_: object, **__: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="no space"):
        upgrade.apply(root, planned)
    assert state(root) == before


def test_a_rename_that_fails_puts_all_back(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned, before, real = upgrade.plan(root), state(root), os.replace
    last = [change.path for change in planned.changes][-1]

    def failing(source: str, target: Path) -> None:
        if target.name == last and not failed:
            failed.append(target)
            raise PermissionError(13, "Permission denied", str(target))
        real(source, target)

    failed: list[Path] = []
    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(PermissionError):
        upgrade.apply(root, planned)
    assert failed
    assert state(root) == before


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: (root / "new.txt").mkdir(), r"new.txt: expected a file of text"),
        (lambda root: (root / "Makefile").write_bytes(b"\xff"), r"Makefile: not UTF-8"),
        (
            lambda root: (root / written.FILE).write_text(
                '{"version": "0", "files": {"../x": ""}, "locks": {}}'
            ),
            r"template.json: damaged .*\.\./x: expected a path in the project",
        ),
    ],
)
def test_what_cannot_be_merged_is_one_message(
    root: Path, spoil: Callable[[Path], object], message: str
) -> None:
    spoil(root)
    with pytest.raises(PlumblineError, match=message):
        upgrade.plan(root)


def test_a_pin_that_both_moved_is_a_conflict(root: Path) -> None:
    edit(root / "requirements.txt", "b==1", "b==9")
    [change] = upgrade.plan(root).conflicts
    assert change.conflicts == (merge.Conflict(3, "b==9", "b==2"),)


def test_only_a_project_that_init_wrote_is_upgraded(tmp_path: Path, installed: Library) -> None:
    with pytest.raises(PlumblineError, match=r"no such file; `plumbline init` writes it"):
        upgrade.plan(tmp_path)
    (tmp_path / "environment").mkdir()
    (tmp_path / written.FILE).write_text("{")
    with pytest.raises(PlumblineError, match=r"template.json: damaged"):
        upgrade.plan(tmp_path)


@pytest.mark.parametrize(
    ("yours", "library", "merged"),
    [
        ("a\nb\nc\n", "A\nb\nc\n", "A\nb\nc\n"),
        ("A\nb\nc\n", "a\nb\nC\n", "A\nb\nC\n"),
        ("", "a\nb\nc\n", ""),
        ("x\na\nb\nc\n", "a\nc\n", "x\na\nc\n"),
    ],
)
def test_changes_of_different_places_are_both_kept(yours: str, library: str, merged: str) -> None:
    assert merge.merge("a\nb\nc\n", yours, library).text == merged


def test_the_pin_of_the_library_follows(root: Path, installed: Library) -> None:
    installed.files["requirements-library.txt"] = "plumbline==0.3.0\n"
    upgrade.apply(root, upgrade.plan(root))
    assert (root / "requirements-library.txt").read_text() == "plumbline==0.3.0\n"


def test_neighbouring_changes_are_a_conflict() -> None:
    merged = merge.merge("a\nb\nc\n", "a\nb\n", "a\nb\nc\nd\n")
    assert merged.conflicts == (merge.Conflict(3, "", "c\nd\n"),)


@pytest.mark.parametrize(
    ("yours", "library", "merged"),
    [
        ("# ours\n--index-url x\na==1\n", "a==2\n", "# ours\n--index-url x\na==2\n"),
        ("a==1\nown @ https://x\nb==1\n", "a==2\nb==1\n", "own @ https://x\na==2\nb==1\n"),
        ("a==1\nown @ https://x\nb==1\n", "a==1\nb==2\n", "own @ https://x\na==1\nb==2\n"),
        ("a==1 --hash=sha256:ours\nb==1\n", "a==1 --hash=sha256:00\nb==2\n", None),
        ("a==1\n", "a==1\nb==2\nc==1\n", "a==1\nc==1\n"),
        ("a==1\nb==1\n", "a==1\n", "a==1\n"),
        ("a==2\nb==1\n", "a==2\nb==1\n", "a==2\nb==1\n"),
    ],
    ids=["head", "option", "option of a kept one", "hash", "removed", "dropped", "agreed"],
)
def test_a_lock_keeps_what_a_team_made_of_it(yours: str, library: str, merged: str | None) -> None:
    expected = merged or yours.replace("b==1", "b==2")
    result = locks.merge({"a": "1", "b": "1"}, yours, library)
    assert (result.text, result.conflicts) == (expected, ())


def test_an_untouched_lock_becomes_the_library_s_to_the_byte() -> None:
    old = (ROOT / "requirements.txt").read_text()
    new = re.sub(r"^duckdb==\S+", "duckdb==99", old, flags=re.MULTILINE)
    assert locks.merge(libraries.versions(old), old, new) == merge.Merged(new)
