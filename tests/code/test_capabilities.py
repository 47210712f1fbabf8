"""Every row of docs/capabilities.toml has a test that carries it, or is named with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs import capabilities, marks
from docs.capabilities import Capabilities, Capability
from docs.marks import MarkedTest, MarkError
from tests.conftest import ROOT

ROW = Capability("A1", "it runs", "dvc repro")


def marked_in(root: Path, text: str, name: str) -> dict[str, list[MarkedTest]]:
    (root / "tests").mkdir(exist_ok=True)
    (root / "tests" / name).write_text("import pytest\n" + text)
    return marks.tests_by_row(root)


def listed(missing: dict[str, str] | None = None, *rows: Capability) -> Capabilities:
    return Capabilities({"A": "System"}, rows or [ROW], missing or {}, {"A3": "later"}, {})


def test_every_row_has_a_test_or_a_reason() -> None:
    assert list(capabilities.problems(capabilities.read(), marks.tests_by_row(ROOT))) == []


def test_no_row_was_lost() -> None:
    rows = capabilities.read()
    assert len(rows.built) >= 149
    assert {c.group for c in rows.built} <= set(rows.groups)
    assert all(c.claim and c.command for c in rows.built)


def test_a_row_without_a_test_is_named_with_what_to_do() -> None:
    [problem] = capabilities.problems(listed(), {})
    assert problem.startswith(
        'A1 (it runs) has no test: mark one with @pytest.mark.capability("A1")'
    )
    assert list(capabilities.problems(listed({"A1": "needs a server"}), {})) == []
    [problem] = capabilities.problems(listed({"A1": " "}), {})
    assert "has no test" in problem


def test_what_does_not_fit_is_named() -> None:
    tests = {id: [MarkedTest("tests/test_x.py", "test_y")] for id in ("A1", "A2", "A3")}
    several = Capabilities({}, [ROW], {"A1": "why", "A9": "why"}, {"A3": "later"}, {"A1": "not"})
    problems = "\n".join(capabilities.problems(several, tests))
    assert "test_y is marked 'A2': no row of docs/capabilities.toml; did you mean A1?" in problems
    assert "test_y is marked 'A3': a row that is not built here" in problems
    assert "A1 has a test (test_y); remove it from [missing]" in problems
    assert "[missing] A9: not a row of [built]" in problems
    assert "A1 stands in several tables" in problems


def test_marks_are_read_from_functions_and_classes(tmp_path: Path) -> None:
    text = """
@pytest.mark.capability("A1", "B2")
@pytest.mark.parametrize("x", [1])
def test_one(x): ...
@pytest.mark.capability("B2")
class TestTwo:
    def test_in(self): ...
    def other(self): ...
"""
    one, two = (MarkedTest("tests/test_x.py", n) for n in ("test_one", "TestTwo::test_in"))
    assert marked_in(tmp_path, text, "test_x.py") == {"A1": [one], "B2": [two, one]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@pytest.mark.capability\ndef test_x(): ...", "x.py:2: a mark without its rows"),
        ("@pytest.mark.capability()\ndef test_x(): ...", "x.py:2: a mark without its rows"),
        ("A = 'A1'\n@pytest.mark.capability(A)\ndef test_x(): ...", "a mark without its rows"),
        ("@pytest.mark.capability('A1')\ndef helper(): ...", "x.py:2: a mark on no test"),
        ("pytestmark = pytest.mark.capability('A1')", "x.py:2: a mark on no test"),
        ("pytest.param(1, marks=pytest.mark.capability('A1'))", "a mark on no test"),
        (
            "@pytest.mark.skip\n@pytest.mark.capability('A1')\ndef test_x(): ...",
            "test_x is marked skip and shows nothing",
        ),
        (
            "pytestmark = [pytest.mark.xfail()]\n@pytest.mark.capability('A1')\ndef test_x(): ...",
            "test_x is marked xfail and shows nothing",
        ),
    ],
)
def test_a_mark_that_shows_nothing_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(MarkError, match=message):
        marked_in(tmp_path, text, "test_x.py")


def test_a_file_that_pytest_does_not_collect_shows_nothing(tmp_path: Path) -> None:
    with pytest.raises(MarkError, match="a mark on no test"):
        marked_in(tmp_path, "@pytest.mark.capability('A1')\ndef test_x(): ...", "helpers.py")


def test_the_page_is_the_same_again_and_lists_rows_in_order() -> None:
    page = capabilities.page()
    assert page == capabilities.page()
    assert page.index("| B9 |") < page.index("| B10 |")
