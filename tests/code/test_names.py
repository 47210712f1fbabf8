"""The use case is data: no stage and no library module names a dataset, a column or a task."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from plumbline.core.usecase_loader import load
from tests.conftest import ROOT

USECASES = [p.parent.name for p in (ROOT / "usecases").glob("*/contract.py")]
GENERAL = {
    "category",
    "distance",
    "size",
    "hour",
    "origin",
    "month",
    "day",
    "year",
    "kind",
    "weekend",
    "night",
    "weekday",
}
TASKS = {
    "fraud",
    "payment",
    "customer",
    "terminal",
    "flight",
    "airline",
    "carrier",
    "diabetes",
    "churn",
}
CODE = sorted(
    [*(ROOT / "plumbline").rglob("*.py"), *(ROOT / "stages").rglob("*.py"), ROOT / "dvc.yaml"]
)


def forbidden() -> set[str]:
    names = set(TASKS) | set(USECASES)
    for usecase in map(load, USECASES):
        names |= {c.name for c in usecase.columns} | {e.name for e in usecase.entities}
        names |= {s.name for s in (*usecase.snapshots, *usecase.fresh, *usecase.rows)}
    return names - GENERAL


def code(path: Path) -> str:
    """What acts in a file: of Python the code without comments and docstrings, which may give examples."""
    text = path.read_text()
    if path.suffix != ".py":
        return text
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if hasattr(node, "body") and isinstance(node.body, list):
            node.body = [n for n in node.body if not is_text(n)] or [ast.Pass()]
    return ast.unparse(tree)


def is_text(node: ast.AST) -> bool:
    """Is it a docstring, or the text below a constant?"""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


@pytest.mark.parametrize("path", CODE, ids=lambda p: p.name)
def test_no_name_of_a_use_case(path: Path) -> None:
    words = set(re.findall(r"[a-z0-9]+(?:_[a-z0-9]+)*", code(path).lower()))
    words |= {part for word in words for part in word.split("_")}
    assert not words & forbidden()
