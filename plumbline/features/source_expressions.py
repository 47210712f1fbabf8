"""Expressions of a declaration, evaluated from their text: what only running would tell is refused. Pure."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from plumbline.core.argument_kinds import Declaration
from plumbline.features.source_values import (
    LONGEST,
    MISSING,
    Computed,
    Imported,
    OwnModule,
    ReadFunction,
    Scope,
    UnreadableError,
    weigh,
)

if TYPE_CHECKING:
    from plumbline.features.source_reader import SourceReader

SEQUENCES = (tuple, list, range, dict, str)
OPERATORS: Mapping[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
}
COMPARISONS: Mapping[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda one, many: one in many,
    ast.NotIn: lambda one, many: one not in many,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}
UNARY: Mapping[type[ast.AST], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Invert: operator.invert,
}
BUILT_IN = "built-in "
"""In front of a built-in's name, as an imported one."""


def constant(_reader: SourceReader, node: ast.Constant, _scope: Scope) -> Any:
    """A number or a text."""
    if node.value is ... or isinstance(node.value, complex):
        raise UnreadableError(f"`{node.value}`")
    return node.value


def name(_reader: SourceReader, node: ast.Name, scope: Scope) -> Any:
    """What a name stands for."""
    value = scope.find(node.id)
    if isinstance(value, Computed):
        raise UnreadableError(value.reason)
    return Imported(BUILT_IN + node.id) if value is MISSING else value


def attribute(reader: SourceReader, node: ast.Attribute, scope: Scope) -> Any:
    """A name of a module, or a field of a declaration."""
    owner = reader.evaluate(node.value, scope)
    if node.attr.startswith("_") and not (
        isinstance(owner, ReadFunction) and node.attr == "__name__"
    ):
        raise UnreadableError(f"`{ast.unparse(node)}`")
    if isinstance(owner, Imported):
        return Imported(f"{owner.dotted}.{node.attr}")
    if isinstance(owner, OwnModule):
        return reader.exported(owner.path, node.attr)
    if isinstance(owner, ReadFunction):
        return owner.name
    if isinstance(owner, Declaration):
        return getattr(owner, node.attr)
    if isinstance(owner, type) and issubclass(owner, Declaration) and node.attr == "of":
        return owner.of  # type: ignore[attr-defined]
    return (owner, node.attr) if type(owner) in METHODS else _refuse(node)


def binary(reader: SourceReader, node: ast.BinOp, scope: Scope) -> Any:
    """An operation on numbers, texts or sequences that stays small."""
    left, right = reader.evaluate(node.left, scope), reader.evaluate(node.right, scope)
    _refuse_growth(node, left, right)
    return weigh(OPERATORS.get(type(node.op), _unknown)(left, right), reader.budget)


def _refuse_growth(node: ast.BinOp, left: Any, right: Any) -> None:
    """UnreadableError for a power, a repetition or a formatted text beyond bounds."""
    if isinstance(node.op, ast.Mod) and isinstance(left, str | bytes):
        raise UnreadableError(f"`{ast.unparse(node)}`; write it as an f-string")
    if isinstance(node.op, ast.Pow) and (abs(right) > 1024 or abs(left) > 1e9):
        raise UnreadableError(f"`{ast.unparse(node)}`: a large power")
    if isinstance(node.op, ast.Mult):
        for many, count in ((left, right), (right, left)):
            if isinstance(many, str | bytes | tuple | list) and len(many) * count > LONGEST:
                raise UnreadableError(f"`{ast.unparse(node)}`: too long")


def boolean(reader: SourceReader, node: ast.BoolOp, scope: Scope) -> Any:
    """`and` and `or`."""
    value: Any = None
    for part in node.values:
        value = reader.evaluate(part, scope)
        if bool(value) is isinstance(node.op, ast.Or):
            return value
    return value


def compare(reader: SourceReader, node: ast.Compare, scope: Scope) -> bool:
    """A chain of comparisons."""
    left = reader.evaluate(node.left, scope)
    for sign, part in zip(node.ops, node.comparators, strict=True):
        right = reader.evaluate(part, scope)
        weigh((left, right), reader.budget)
        if not COMPARISONS[type(sign)](left, right):
            return False
        left = right
    return True


def display(reader: SourceReader, node: ast.Tuple | ast.List | ast.Set, scope: Scope) -> Any:
    """A tuple, list or set, with starred parts."""
    parts = list(elements(reader, node.elts, scope))
    kinds: Mapping[type[ast.AST], type] = {ast.Tuple: tuple, ast.List: list, ast.Set: set}
    return weigh(kinds[type(node)](parts), reader.budget)


def elements(reader: SourceReader, nodes: list[ast.expr], scope: Scope) -> Iterator[Any]:
    """The values of elements, those of starred ones one by one."""
    for node in nodes:
        if isinstance(node, ast.Starred):
            yield from iterated(reader.evaluate(node.value, scope))
        else:
            yield reader.evaluate(node, scope)


def iterated(value: Any) -> Iterator[Any]:
    """The elements of a value whose order is the same in every process."""
    if isinstance(value, SEQUENCES):
        return iter(value)
    raise UnreadableError(f"a loop over a {type(value).__name__}; expected a tuple or a list")


def mapping(reader: SourceReader, node: ast.Dict, scope: Scope) -> dict[Any, Any]:
    """A dictionary, with others taken over."""
    result: dict[Any, Any] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            result |= reader.evaluate(value, scope)
        else:
            result[reader.evaluate(key, scope)] = reader.evaluate(value, scope)
    return dict(weigh(result, reader.budget))


def formatted(reader: SourceReader, node: ast.JoinedStr, scope: Scope) -> str:
    """An f-string."""
    return str(weigh("".join(reader.evaluate(p, scope) for p in node.values), reader.budget))


def placeholder(reader: SourceReader, node: ast.FormattedValue, scope: Scope) -> str:
    """What stands in braces in an f-string."""
    value = reader.evaluate(node.value, scope)
    form = reader.evaluate(node.format_spec, scope) if node.format_spec else ""
    if (
        node.conversion not in (-1, 115)
        or len(form) > 6
        or not isinstance(value, str | int | float)
    ):
        raise UnreadableError(f"`{ast.unparse(node.value)}` in an f-string")
    if sum(map(str.isdigit, form)) > 3:
        raise UnreadableError(f"the format `{form}`")
    return format(value, form)


def choice(reader: SourceReader, node: ast.IfExp, scope: Scope) -> Any:
    """`a if b else c`."""
    return reader.evaluate(node.body if reader.evaluate(node.test, scope) else node.orelse, scope)


def subscript(reader: SourceReader, node: ast.Subscript, scope: Scope) -> Any:
    """An element or a part of a sequence or a dictionary."""
    owner = reader.evaluate(node.value, scope)
    if not isinstance(owner, SEQUENCES):
        raise UnreadableError(f"`{ast.unparse(node)}`")
    return owner[reader.evaluate(node.slice, scope)]


def piece(reader: SourceReader, node: ast.Slice, scope: Scope) -> slice:
    """`a:b:c` in brackets."""
    ends = (node.lower, node.upper, node.step)
    return slice(*(reader.evaluate(end, scope) if end else None for end in ends))


def unary(reader: SourceReader, node: ast.UnaryOp, scope: Scope) -> Any:
    """A sign, or `not`."""
    return UNARY[type(node.op)](reader.evaluate(node.operand, scope))


def comprehension(
    reader: SourceReader, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, scope: Scope
) -> Any:
    """A list, set or generator, of which a tuple is as good."""
    parts = [reader.evaluate(node.elt, own) for own in scopes(reader, node.generators, scope)]
    kinds: Mapping[type[ast.AST], type] = {ast.ListComp: list, ast.SetComp: set}
    return weigh(kinds.get(type(node), tuple)(parts), reader.budget)


def mapped(reader: SourceReader, node: ast.DictComp, scope: Scope) -> dict[Any, Any]:
    """A dictionary made in a loop."""
    each = scopes(reader, node.generators, scope)
    pairs = [(reader.evaluate(node.key, o), reader.evaluate(node.value, o)) for o in each]
    return dict(weigh(dict(pairs), reader.budget))


def scopes(
    reader: SourceReader, generators: list[ast.comprehension], scope: Scope
) -> Iterator[Scope]:
    """A scope for each round of nested loops."""
    if not generators:
        yield scope
        return
    first, *rest = generators
    for value in iterated(reader.evaluate(first.iter, scope)):
        own = Scope(scope.path, {}, scope)
        bind(reader, first.target, value, own)
        if all(reader.evaluate(test, own) for test in first.ifs):
            yield from scopes(reader, rest, own)


def bind(reader: SourceReader, target: ast.expr, value: Any, scope: Scope) -> None:
    """Give a value to a name, or its parts to several."""
    reader.budget.spend()
    if isinstance(target, ast.Name):
        scope.names[target.id] = value
    elif isinstance(target, ast.Tuple | ast.List) and isinstance(value, tuple | list):
        for one, part in zip(target.elts, value, strict=True):
            bind(reader, one, part, scope)
    else:
        raise UnreadableError(f"an assignment to `{ast.unparse(target)}`")


def function(_reader: SourceReader, node: ast.Lambda, scope: Scope) -> ReadFunction:
    """A lambda."""
    return ReadFunction(node, scope)


def _unknown(_left: Any, _right: Any) -> Any:
    raise UnreadableError("an operator that declarations do not need")


def _refuse(node: ast.expr) -> Any:
    raise UnreadableError(f"`{ast.unparse(node)}`")


METHODS: Mapping[type, set[str]] = {
    str: {
        *("startswith", "endswith", "join", "upper", "lower", "strip", "title", "capitalize"),
        *("split", "removeprefix", "removesuffix"),
    },
    dict: {"items", "keys", "values", "get"},
    list: {"append", "extend", "index", "count"},
    tuple: {"index", "count"},
}
"""By type, the methods of values that may be called."""
EXPRESSIONS: Mapping[type[ast.AST], Callable[[Any, Any, Scope], Any]] = {
    ast.Constant: constant,
    ast.Name: name,
    ast.Attribute: attribute,
    ast.BinOp: binary,
    ast.BoolOp: boolean,
    ast.Compare: compare,
    ast.Tuple: display,
    ast.List: display,
    ast.Set: display,
    ast.Dict: mapping,
    ast.JoinedStr: formatted,
    ast.FormattedValue: placeholder,
    ast.IfExp: choice,
    ast.Subscript: subscript,
    ast.Slice: piece,
    ast.UnaryOp: unary,
    ast.ListComp: comprehension,
    ast.SetComp: comprehension,
    ast.GeneratorExp: comprehension,
    ast.DictComp: mapped,
    ast.Lambda: function,
}
