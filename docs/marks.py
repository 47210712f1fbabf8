"""Which tests carry which rows of docs/capabilities.md: read from the text of the tests, nothing is imported."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

MARK = "capability"
NEVER_RUN = ("skip", "xfail")
"""Marks with which a test shows nothing."""
EXPECTED = '@pytest.mark.capability("A2", ...) on a test'


class MarkError(ValueError):
    """A mark that stands for nothing, with its place and what was expected."""


@dataclass(frozen=True, order=True)
class MarkedTest:
    """A test function or class: its file below the project's root, and its name."""

    file: str
    name: str


def tests_by_row(root: Path) -> dict[str, list[MarkedTest]]:
    """Per row the tests below `root`/tests that carry it, in order of file and name; MarkError."""
    result: dict[str, set[MarkedTest]] = defaultdict(set)
    for path in sorted((root / "tests").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if f"mark.{MARK}" in text:
            for row, test in _marked(text, path.relative_to(root).as_posix()):
                result[row].add(test)
    return {row: sorted(tests) for row, tests in sorted(result.items())}


def _marked(text: str, file: str) -> Iterator[tuple[str, MarkedTest]]:
    tree = ast.parse(text)
    used = set()
    whole = [m for node in tree.body for m in _of_module(node)]
    for name, decorators in _tests(tree) if file.rpartition("/")[2].startswith("test_") else ():
        marks = [d for d in decorators if _is_mark(_function(d))]
        used |= {id(_function(mark)) for mark in marks}
        if marks and (idle := _idle([*decorators, *whole])):
            raise MarkError(f"{file}: {name} is marked {idle} and shows nothing; remove one mark")
        yield from ((row, MarkedTest(file, name)) for m in marks for row in _rows(m, file))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _is_mark(node) and id(node) not in used:
            raise MarkError(f"{file}:{node.lineno}: a mark on no test; expected {EXPECTED}")


def _of_module(node: ast.stmt) -> list[ast.expr]:
    """The marks that `pytestmark` sets for every test of a module."""
    if not isinstance(node, ast.Assign):
        return []
    named = any(isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets)
    value = node.value
    marks = value.elts if isinstance(value, ast.List | ast.Tuple) else [value]
    return marks if named else []


def _tests(tree: ast.Module) -> Iterator[tuple[str, list[ast.expr]]]:
    """What pytest collects from a module, with its decorators and those of its class."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            for inner in node.body:
                if _is_test(inner):
                    yield f"{node.name}::{inner.name}", node.decorator_list + inner.decorator_list
        elif _is_test(node):
            yield node.name, node.decorator_list


def _is_test(node: ast.stmt) -> TypeGuard[ast.FunctionDef | ast.AsyncFunctionDef]:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")


def _rows(mark: ast.expr, file: str) -> list[str]:
    arguments = mark.args if isinstance(mark, ast.Call) else []
    rows = [a.value for a in arguments if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    if not rows or len(rows) < len(arguments):
        raise MarkError(f"{file}:{mark.lineno}: a mark without its rows; expected {EXPECTED}")
    return rows


def _function(mark: ast.expr) -> ast.expr:
    return mark.func if isinstance(mark, ast.Call) else mark


def _is_mark(node: ast.expr) -> bool:
    """`pytest.mark.capability`, or `mark.capability`."""
    place = node.value if isinstance(node, ast.Attribute) else None
    named = getattr(place, "attr", getattr(place, "id", None))
    return named == "mark" and getattr(node, "attr", None) == MARK


def _idle(decorators: list[ast.expr]) -> str:
    """The mark by which a test is never run, or may fail; empty where there is none."""
    names = [getattr(_function(d), "attr", "") for d in decorators]
    return next((name for name in names if name in NEVER_RUN), "")
