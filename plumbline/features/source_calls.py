"""Calls in a declaration: of declarations, of a use case's own small functions, of a few built-ins. Pure."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from plumbline.core import declarations, usecase
from plumbline.core.argument_kinds import Declaration
from plumbline.features import source_statements
from plumbline.features.source_expressions import BUILT_IN, METHODS, elements, iterated
from plumbline.features.source_values import (
    LONGEST,
    Imported,
    ReadFunction,
    RowFunction,
    Scope,
    UnreadableError,
    weigh,
)

if TYPE_CHECKING:
    from plumbline.features.source_reader import SourceReader

LIBRARY = ("plumbline.core.declarations", "plumbline.core.usecase", "plumbline.usecase")
CLASSES: Mapping[str, type] = {
    name: value
    for module in (declarations, usecase)
    for name, value in vars(module).items()
    if isinstance(value, type) and issubclass(value, Declaration)
}


def call(reader: SourceReader, node: ast.Call, scope: Scope) -> Any:
    """The value of a call."""
    target = reader.evaluate(node.func, scope)
    args = tuple(elements(reader, node.args, scope))
    named = dict(_keywords(reader, node, scope))
    weigh((args, named), reader.budget)
    if isinstance(target, ReadFunction):
        return weigh(_own(reader, target, args, named), reader.budget)
    if isinstance(target, tuple):
        owner, name = target
        return weigh(_method(node, owner, name, args, named), reader.budget)
    if isinstance(target, Imported):
        return weigh(_imported(reader, node, target.dotted, args, named), reader.budget)
    if callable(target):
        return _constructed(target, args, named)
    raise UnreadableError(f"`{ast.unparse(node)}`")


def _keywords(reader: SourceReader, node: ast.Call, scope: Scope) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for keyword in node.keywords:
        value = reader.evaluate(keyword.value, scope)
        pairs += [(keyword.arg, value)] if keyword.arg else list(value.items())
    return pairs


def _own(
    reader: SourceReader, function: ReadFunction, args: Sequence[Any], named: Mapping[str, Any]
) -> Any:
    """What a function of the use case returns for values that are known."""
    node = function.node
    if isinstance(node, ast.FunctionDef) and node.decorator_list:
        raise UnreadableError(f"a call of {node.name}, which is decorated")
    bound = _signature(reader, function).bind(*args, **named)
    bound.apply_defaults()
    own = Scope(function.scope.path, dict(bound.arguments), function.scope)
    if isinstance(node, ast.Lambda):
        return reader.evaluate(node.body, own)
    result = source_statements.run(reader, node.body, own)
    return None if result is source_statements.NOTHING else result


def _signature(reader: SourceReader, function: ReadFunction) -> inspect.Signature:
    args, kinds = function.node.args, inspect.Parameter
    plain = [*args.posonlyargs, *args.args]
    defaults = [None] * (len(plain) - len(args.defaults)) + list(args.defaults)
    parts: list[tuple[str, Any, Any]] = [
        (one.arg, kinds.POSITIONAL_OR_KEYWORD, d) for one, d in zip(plain, defaults, strict=True)
    ]
    parts += [(args.vararg.arg, kinds.VAR_POSITIONAL, None)] if args.vararg else []
    only = zip(args.kwonlyargs, args.kw_defaults, strict=True)
    parts += [(one.arg, kinds.KEYWORD_ONLY, default) for one, default in only]
    parts += [(args.kwarg.arg, kinds.VAR_KEYWORD, None)] if args.kwarg else []
    made = [
        kinds(n, kind, default=reader.evaluate(d, function.scope) if d else kinds.empty)
        for n, kind, d in parts
    ]
    return inspect.Signature(made)


def _method(
    node: ast.Call, owner: Any, name: str, args: Sequence[Any], named: Mapping[str, Any]
) -> Any:
    if name not in METHODS[type(owner)]:
        raise UnreadableError(f"`{ast.unparse(node)}`")
    if name == "join":
        parts = list(iterated(args[0]))
        if len(owner) * len(parts) > LONGEST:
            raise UnreadableError(f"`{ast.unparse(node)}`: too long")
        return owner.join(parts)
    result = getattr(owner, name)(*args, **named)
    return tuple(result) if name in ("items", "keys", "values") else result


def _imported(
    reader: SourceReader,
    node: ast.Call,
    dotted: str,
    args: Sequence[Any],
    named: Mapping[str, Any],
) -> Any:
    if dotted.startswith(BUILT_IN):
        return _built_in(reader, node, dotted.removeprefix(BUILT_IN), args, named)
    if dotted == "dataclasses.replace" and isinstance(args[0], Declaration):
        return replace(args[0], **_declared(named))  # type: ignore[type-var]
    module, _, name = dotted.removesuffix(".of").rpartition(".")
    if module not in LIBRARY or name not in CLASSES:
        raise UnreadableError(f"`{ast.unparse(node.func)}(...)`, which a library computes")
    made: Any = CLASSES[name]
    return _constructed(made.of if dotted.endswith(".of") else made, args, named)


def _constructed(target: Callable[..., Any], args: Sequence[Any], named: Mapping[str, Any]) -> Any:
    """A declaration, checked as when it is imported."""
    return target(*(_stub(one) for one in args), **_declared(named))


def _declared(named: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _stub(value) for name, value in named.items()}


def _stub(value: Any) -> Any:
    if not isinstance(value, ReadFunction):
        return value
    if isinstance(value.node, ast.FunctionDef) and value.node.decorator_list:
        raise UnreadableError(f"{value.name} is decorated; declare the function itself")
    return RowFunction(value)


def _built_in(
    reader: SourceReader,
    node: ast.Call,
    name: str,
    args: Sequence[Any],
    named: Mapping[str, Any],
) -> Any:
    if name == "range" and args and max(map(abs, args)) <= LONGEST:
        return range(*args)
    if name in ("map", "filter") and isinstance(args[0], ReadFunction) and len(args) == 2:
        pairs = [(one, _own(reader, args[0], (one,), {})) for one in iterated(args[1])]
        return tuple(
            result if name == "map" else one for one, result in pairs if name == "map" or result
        )
    if name not in BUILT_INS or any(isinstance(one, ReadFunction) for one in named.values()):
        raise UnreadableError(f"`{ast.unparse(node)}`")
    if name in ORDERED and any(isinstance(one, set | frozenset) for one in args):
        raise UnreadableError(f"`{ast.unparse(node)}`: a set has no order")
    result = BUILT_INS[name](*args, **named)
    return tuple(result) if name in ("zip", "enumerate", "reversed") else result


ORDERED = {"tuple", "list", "zip", "enumerate", "reversed"}
BUILT_INS: Mapping[str, Callable[..., Any]] = {
    "tuple": tuple,
    "list": list,
    "dict": dict,
    "set": set,
    "frozenset": frozenset,
    "len": len,
    "sum": sum,
    "min": min,
    "max": max,
    "abs": abs,
    "round": round,
    "sorted": sorted,
    "reversed": reversed,
    "zip": zip,
    "enumerate": enumerate,
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "any": any,
    "all": all,
}
