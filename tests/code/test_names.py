"""The use case is data: no stage and no library module names a dataset, a column or a task.

Identifiers and literals count, with the words that they consist of; prose does not (comments,
docstrings, words in a help text or a message), unless it spells a name such as `card_fraud`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
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
NAME = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*")
CODE = sorted([*(ROOT / "plumbline").rglob("*.py"), *(ROOT / "stages").rglob("*.py")])


@cache
def forbidden() -> frozenset[str]:
    names = set(TASKS) | set(USECASES)
    for usecase in map(load, USECASES):
        names |= {c.name for c in usecase.columns} | {e.name for e in usecase.entities}
        names |= {s.name for s in (*usecase.snapshots, *usecase.fresh, *usecase.rows)}
    return frozenset(names - GENERAL)


def named(text: str) -> set[str]:
    """What of a use case a Python source names in identifiers and literals."""
    tree = ast.parse(text)
    free = {id(node) for node in docstrings(tree)}
    result = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in free:
            result |= of_literal(node.value)
        for identifier in identifiers(node):
            result |= words(identifier)
    return result & forbidden()


def identifiers(node: ast.AST) -> Iterator[str]:
    """The names that a node spells itself."""
    for field in ("id", "attr", "arg", "name", "asname", "module"):
        value = getattr(node, field, None)
        if isinstance(value, str):
            yield value


def of_literal(text: str) -> set[str]:
    """A literal that is one name or path: all its words; prose: names of several words alone."""
    if re.search(r"\s", text.strip()):
        return {name for name in NAME.findall(text.lower()) if "_" in name}
    return words(text)


def words(text: str) -> set[str]:
    """Names in a text, whole and in parts; SomeClass is read as some_class."""
    names = NAME.findall(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text).lower())
    return {*names, *(part for name in names for part in name.split("_"))}


def docstrings(tree: ast.Module) -> Iterator[ast.AST]:
    """Strings that stand alone, as docstrings of modules, functions, classes and constants do."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


@pytest.mark.capability("A2")
@pytest.mark.parametrize("path", CODE, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_name_of_a_use_case(path: Path) -> None:
    assert not named(path.read_text(encoding="utf-8"))


@pytest.mark.capability("A2")
def test_the_graph_names_no_use_case() -> None:
    assert not words((ROOT / "dvc.yaml").read_text(encoding="utf-8")) & forbidden()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("terminal = 1", {"terminal"}),
        ("def of_payment(): ...", {"payment"}),
        ("class FlightDelay: ...", {"flight"}),
        ("x.amount_cents", {"amount_cents"}),
        ("f(customer=1)", {"customer"}),
        ("from usecases.card_fraud import x", {"card_fraud", "fraud"}),
        ("x['carrier']", {"carrier"}),
        ("open('data/card_fraud/raw')", {"card_fraud", "fraud"}),
        ("f'{x} of amount_cents is missing'", {"amount_cents"}),
        ("print('progress on a terminal')", set()),
        ("x = 1  # a payment", set()),
        ("def f():\n    '''A customer's payment, say `amount_cents`.'''", set()),
    ],
)
def test_identifiers_and_literals_count_and_prose_does_not(code: str, expected: set[str]) -> None:
    assert named(code) == expected
