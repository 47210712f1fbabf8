"""Statements of a module or of a function that declares: assignments, loops, conditions. Pure."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from plumbline.features.source_expressions import OPERATORS, bind, iterated
from plumbline.features.source_values import (
    MISSING,
    Computed,
    Imported,
    ReadFunction,
    Scope,
    UnreadableError,
    weigh,
)

if TYPE_CHECKING:
    from plumbline.features.source_reader import SourceReader

NOTHING = object()
"""What a block gives that returns nothing."""
COMPUTING = ("collections", "datetime", "functools", "itertools", "math", "numpy", "statistics")
"""Libraries that compute and change nothing."""
PARTS = (
    *(ast.Attribute, ast.Call, ast.Constant, ast.Dict, ast.keyword, ast.List, ast.Load, ast.Name),
    *(ast.Slice, ast.Starred, ast.Subscript, ast.Tuple, ast.UnaryOp, ast.BinOp, ast.operator),
    ast.unaryop,
)
"""What an expression that a library computes may consist of."""


def run(reader: SourceReader, body: Sequence[ast.stmt], scope: Scope) -> Any:
    """Execute statements; what they return, or `NOTHING`."""
    for node in body:
        reader.budget.spend()
        result = STATEMENTS.get(type(node), _refuse)(reader, node, scope)
        if result is not NOTHING:
            return result
    return NOTHING


def _refuse(_reader: SourceReader, node: ast.stmt, _scope: Scope) -> Any:
    raise UnreadableError(f"`{ast.unparse(node).splitlines()[0][:80]}`")


def _returned(reader: SourceReader, node: ast.Return, scope: Scope) -> Any:
    return reader.evaluate(node.value, scope) if node.value else None


def _assigned(reader: SourceReader, node: ast.Assign, scope: Scope) -> Any:
    value = _value(reader, node.value, scope)
    for target in node.targets:
        bind(reader, target, value, scope)
    return NOTHING


def _annotated(reader: SourceReader, node: ast.AnnAssign, scope: Scope) -> Any:
    _refuse_calls(node.annotation)
    if node.value:
        bind(reader, node.target, _value(reader, node.value, scope), scope)
    return NOTHING


def _value(reader: SourceReader, node: ast.expr, scope: Scope) -> Any:
    """The value of an expression, or that a library computes it."""
    try:
        return reader.evaluate(node, scope)
    except UnreadableError as error:
        if scope.outer is None and _computes(reader, node, scope):
            return Computed(node, scope, str(error))
        raise


def _computes(reader: SourceReader, node: ast.expr, scope: Scope) -> bool:
    """Whether only libraries that compute are called, on values and not on functions of the use case."""
    for part in ast.walk(node):
        reader.budget.spend()
        if not isinstance(part, PARTS):
            return False
        if isinstance(part, ast.Attribute) and part.attr.startswith("_"):
            return False
        if isinstance(part, ast.Name) and not _harmless(scope.find(part.id)):
            return False
    return True


def _harmless(value: Any) -> bool:
    if isinstance(value, Imported):
        return value.dotted.split(".")[0] in COMPUTING
    return value is not MISSING and not isinstance(value, ReadFunction)


def _augmented(reader: SourceReader, node: ast.AugAssign, scope: Scope) -> Any:
    if not isinstance(node.target, ast.Name):
        _refuse(reader, node, scope)
    both = ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value)  # type: ignore[union-attr]
    before = scope.find(node.target.id)  # type: ignore[union-attr]
    if type(node.op) not in OPERATORS or isinstance(before, list | dict | set):
        _refuse(reader, node, scope)  # others that hold it would change, too
    bind(reader, node.target, reader.evaluate(both, scope), scope)
    return NOTHING


def _function(reader: SourceReader, node: ast.FunctionDef, scope: Scope) -> Any:
    args = node.args
    each = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    for annotation in (node.returns, *(one.annotation for one in each if one)):
        if annotation:
            _refuse_calls(annotation)
    for default in (*args.defaults, *filter(None, args.kw_defaults)):
        _value(reader, default, scope)
    for decorator in node.decorator_list:
        if not _computes(reader, decorator, scope):
            raise UnreadableError(f"{node.name} is decorated by `{ast.unparse(decorator)[:60]}`")
    scope.names[node.name] = ReadFunction(node, scope)
    return NOTHING


def _refuse_calls(annotation: ast.expr) -> None:
    if any(isinstance(part, ast.Call) for part in ast.walk(annotation)):
        raise UnreadableError(f"a call in the annotation `{ast.unparse(annotation)[:60]}`")


def _expression(reader: SourceReader, node: ast.Expr, scope: Scope) -> Any:
    reader.evaluate(node.value, scope)
    return NOTHING


def _loop(reader: SourceReader, node: ast.For, scope: Scope) -> Any:
    if node.orelse:
        _refuse(reader, node, scope)
    for value in list(iterated(reader.evaluate(node.iter, scope))):
        bind(reader, node.target, value, scope)
        result = run(reader, node.body, scope)
        if result is not NOTHING:
            return result
    return NOTHING


def _condition(reader: SourceReader, node: ast.If, scope: Scope) -> Any:
    test = reader.evaluate(node.test, scope)
    if isinstance(test, Imported):
        if test.dotted != "typing.TYPE_CHECKING":
            _refuse(reader, node, scope)
        test = False
    return run(reader, node.body if weigh(test, reader.budget) else node.orelse, scope)


def _import(reader: SourceReader, node: ast.Import, scope: Scope) -> Any:
    for alias in node.names:
        whole = alias.name if alias.asname else alias.name.split(".")[0]
        scope.names[alias.asname or whole] = reader.imported(whole, scope.path)
    return NOTHING


def _import_from(reader: SourceReader, node: ast.ImportFrom, scope: Scope) -> Any:
    module = reader.resolved(node, scope.path)
    for alias in node.names:
        if alias.name == "*":
            scope.names |= reader.all_of(module)
        else:
            value = reader.imported(f"{module}.{alias.name}", scope.path)
            scope.names[alias.asname or alias.name] = value
    return NOTHING


def _nothing(_reader: SourceReader, _node: ast.stmt, _scope: Scope) -> Any:
    return NOTHING


STATEMENTS: Mapping[type[ast.AST], Callable[[Any, Any, Scope], Any]] = {
    ast.Return: _returned,
    ast.Assign: _assigned,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.FunctionDef: _function,
    ast.Expr: _expression,
    ast.For: _loop,
    ast.If: _condition,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.Pass: _nothing,
}
