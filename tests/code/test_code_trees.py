"""The code of a revision, and a process that imports from there alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.review import code_trees, compare
from plumbline.runtime import git

WHO = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
SAYS = """
import json, sys
from pathlib import Path
import plumbline
from usecases import shop
Path(sys.argv[2]).write_text(json.dumps({"library": plumbline.__file__, "shop": shop.WORD}))
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository whose commit says "base", and whose work tree says "head"."""
    (tmp_path / "usecases" / "shop").mkdir(parents=True)
    (tmp_path / "usecases" / "__init__.py").touch()
    (tmp_path / "usecases" / "shop" / "__init__.py").write_text("WORD = 'base'\n")
    (tmp_path / "usecases" / "says.py").write_text(SAYS)
    (tmp_path / "params.yaml").touch()
    git.output(tmp_path, "init", "-q")
    git.output(tmp_path, "add", "-A")
    git.output(tmp_path, *WHO, "commit", "-q", "-m", "base")
    (tmp_path / "usecases" / "shop" / "__init__.py").write_text("WORD = 'head'\n")
    return tmp_path


def test_a_process_sees_the_revision_s_use_cases(
    root: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not those of the folder that it runs in, nor those of PYTHONPATH."""
    monkeypatch.chdir(root)
    monkeypatch.setenv("PYTHONPATH", str(root))
    folder = tmp_path_factory.mktemp("answers")
    with code_trees.checked_out(root, "HEAD") as tree:
        assert sorted(p.name for p in tree.iterdir()) == ["usecases"]
        answer = code_trees.call(tree, "usecases.says", {}, folder)
    assert answer["shop"] == "base"
    assert Path(answer["library"]).name == "__init__.py", "this library, as the tree has none"


def test_a_tree_with_its_own_library_takes_it(root: Path, tmp_path: Path) -> None:
    own = root / code_trees.PROTOCOL
    own.parent.mkdir(parents=True)
    own.touch()
    for package in (root / "plumbline", own.parent):
        (package / "__init__.py").touch()
    answer = code_trees.call(root, "usecases.says", {}, tmp_path)
    assert answer["library"] == str(root / "plumbline" / "__init__.py")
    assert answer["shop"] == "head"


def test_a_process_that_fails_says_why(root: Path, tmp_path: Path) -> None:
    (root / "usecases" / "says.py").write_text("raise SystemExit('no such table')\n")
    with pytest.raises(PlumblineError, match="no such table"):
        code_trees.call(root, "usecases.says", {}, tmp_path)


def test_attributes_of_git_leave_nothing_out(root: Path) -> None:
    (root / ".gitattributes").write_text("usecases/says.py export-ignore\n*.py export-subst\n")
    (root / "usecases" / "shop" / "contract.py").write_text("WHEN = '$Format:%H$'\n")
    git.output(root, "add", "-A")
    git.output(root, *WHO, "commit", "-q", "-m", "attributes")
    with code_trees.checked_out(root, "HEAD") as tree:
        assert (tree / "usecases" / "says.py").is_file()
        assert "Format" in (tree / "usecases" / "shop" / "contract.py").read_text()


def test_a_replaced_commit_is_read_as_it_was(root: Path) -> None:
    """A stage's code could write `refs/replace`, and so give base another content."""
    base = git.text(root, "rev-parse", "HEAD")
    git.output(root, *WHO, "commit", "-q", "-a", "-m", "head")
    git.output(root, "update-ref", f"refs/replace/{base}", "HEAD")
    with code_trees.checked_out(root, base) as tree:
        assert "base" in (tree / "usecases" / "shop" / "__init__.py").read_text()


def test_code_that_judges_is_not_written_to(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "__file__", str(root / "plumbline" / "review" / "compare.py"))
    with compare.untouched():
        (root / "params.yaml").write_text("x: 1\n")
    with pytest.raises(PlumblineError, match="code that judges were written"), compare.untouched():
        (root / "usecases" / "shop" / "__init__.py").write_text("WORD = 'mine'\n")
