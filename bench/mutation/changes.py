"""Small changes to a file of Python, one at a time: comparisons, arithmetic, logic, numbers, conditions.

Text of messages (inside `raise`, f-strings, docstrings) and annotations are left alone.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

SWAPS: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
    ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
"""Each operator, and the one that takes its place."""


@dataclass(frozen=True)
class Change:
    """One change: its line, a description, and the file's new text."""

    line: int
    what: str
    text: str


def changes(text: str) -> list[Change]:
    """Every change that can be made, in the order of the file."""
    tree = ast.parse(text)
    spots = [(i, node, make) for i, node in enumerate(_open(tree)) for make in _makers(node)]
    changes = [_change(tree, i, node, make) for i, node, make in spots]
    return list({change.text: change for change in reversed(changes)}.values())[::-1]


Maker = Callable[[ast.AST], str]
"""Changes a node in place; says what it did."""


def _open(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that may be changed, in a fixed order; only expressions and conditions that run."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, (ast.Raise, ast.JoinedStr, ast.Import, ast.ImportFrom)):
            continue
        if isinstance(child, ast.AnnAssign):
            if child.value is not None:
                yield child.value
                yield from _open(child.value)
            continue
        if isinstance(child, ast.arguments):
            for default in [*child.defaults, *(d for d in child.kw_defaults if d)]:
                yield default
                yield from _open(default)
            continue
        if isinstance(child, ast.ClassDef):
            yield from _open(ast.Module([*child.body], []))
            continue
        if isinstance(child, ast.BinOp) and _is_type(child):
            continue
        if isinstance(child, ast.FunctionDef):
            yield from _open(ast.Module([*child.body], []))
            yield from _open(ast.Module([ast.Expr(d) for d in child.args.defaults], []))
            continue
        yield child
        yield from _open(child)


def _is_type(node: ast.BinOp) -> bool:
    """`Name | None` and the like: a type, wherever it stands."""
    sides = (node.left, node.right)
    named = all(isinstance(s, (ast.Name, ast.Subscript)) or ast.unparse(s) == "None" for s in sides)
    return isinstance(node.op, ast.BitOr) and named and any(ast.unparse(s) == "None" for s in sides)


def _makers(node: ast.AST) -> Iterator[Maker]:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        yield _compare
    elif isinstance(node, (ast.BinOp, ast.BoolOp)) and type(node.op) in SWAPS:
        yield _operator
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield _unnot
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float, bool):
        yield _constant
    if isinstance(node, (ast.If, ast.IfExp)):
        yield _condition


def _change(tree: ast.Module, position: int, node: ast.AST, make: Maker) -> Change:
    changed_tree = copy.deepcopy(tree)
    twin = next(n for i, n in enumerate(_open(changed_tree)) if i == position)
    what = make(twin)
    return Change(
        getattr(node, "lineno", 0), what, ast.unparse(ast.fix_missing_locations(changed_tree))
    )


def _compare(node: ast.AST) -> str:
    assert isinstance(node, ast.Compare)
    before = ast.unparse(node)
    node.ops[0] = SWAPS[type(node.ops[0])]()
    return f"{before} -> {ast.unparse(node)}"


def _operator(node: ast.AST) -> str:
    assert isinstance(node, (ast.BinOp, ast.BoolOp))
    before = ast.unparse(node)
    node.op = SWAPS[type(node.op)]()
    return f"{before} -> {ast.unparse(node)}"


def _unnot(node: ast.AST) -> str:
    assert isinstance(node, ast.UnaryOp)
    before = ast.unparse(node)
    node.operand = ast.UnaryOp(ast.Not(), node.operand)
    return f"{before} -> {ast.unparse(node)}"


def _constant(node: ast.AST) -> str:
    assert isinstance(node, ast.Constant)
    before = node.value
    node.value = (not before) if isinstance(before, bool) else before + 1  # type: ignore[operator]
    return f"{before!r} -> {node.value!r}"


def _condition(node: ast.AST) -> str:
    assert isinstance(node, (ast.If, ast.IfExp))
    before = ast.unparse(node.test)
    node.test = ast.UnaryOp(ast.Not(), node.test)
    return f"if {before} -> if not"
