"""A function by the structure of its code and of all that it reads in its use case. Pure.

Two functions have the same structure where they compute the same in the same way: docstrings, comments,
formatting, annotations, names of local variables, of helpers and of constants make no difference.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from plumbline.core.hashing import md5_bytes
from plumbline.features.source_values import (
    MISSING,
    Budget,
    Computed,
    Imported,
    OwnModule,
    ReadFunction,
    Scope,
    UnreadableError,
    text,
)

LEFT_OUT = ("annotation", "returns", "type_comment", "type_params", "ctx", "kind", "name")
"""Fields of a node that do not change what it computes, or stand for a local name."""
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
INNER = (ast.FunctionDef, ast.Lambda, ast.AsyncFunctionDef, ast.ClassDef)
LOOKS_INSIDE = {"locals", "vars", "eval", "exec", "globals", "dir", "inspect"}
"""What can see the names, docstrings and annotations of code."""
AROUND = ("defaults", "kw_defaults", "decorator_list")
"""Parts of a function that are computed outside of it."""
VALUE = "value "
"""In front of the text of a plain value."""


def digest(reader: Any, function: ReadFunction) -> str:
    """The md5 of a function's structure; `reader`: of its source."""
    if reader.structure is None:
        reader.structure = _Structure(reader)
    whole: str = reader.structure.digest(function.node, function.scope)
    return whole


class _Structure:
    """Nodes as text, with names replaced by what they stand for."""

    def __init__(self, reader: Any) -> None:
        self.reader: Any = reader
        self.budget: Budget = reader.budget
        self.inside: list[ast.AST] = []
        self.digests: dict[tuple[int, int], str] = {}
        self.read: list[tuple[ast.AST, Scope]] = []  # kept, so that no other takes their ids
        self.circles = 0

    def digest(self, node: ast.AST, scope: Scope) -> str:
        """The md5 of a function's structure, or of an expression's."""
        key, circles = (id(node), id(scope)), self.circles
        if node in self.inside:
            self.circles += 1
            return f"itself, {len(self.inside) - self.inside.index(node)} up"
        if key not in self.digests:
            self.inside.append(node)
            own = _Names(node) if isinstance(node, INNER) else None
            found = md5_bytes(self.form(node, scope, own).encode())
            self.inside.pop()
            if self.circles > circles:  # what it is depends on where it was come from
                return found
            self.digests[key] = found
            self.read.append((node, scope))
        return self.digests[key]

    def form(self, node: Any, scope: Scope, own: _Names | None) -> str:
        """A node as text."""
        self.budget.spend()
        if isinstance(node, list):
            return "[" + ", ".join(self.form(part, scope, own) for part in node) + "]"
        if not isinstance(node, ast.AST):
            return repr(node)
        if isinstance(node, ast.Constant):
            return _value(text(node.value, self.budget) or repr(node.value))
        if isinstance(node, ast.Name):
            return self._name(node, scope, own)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            return self._attribute(node, scope, own)
        if isinstance(node, ast.Tuple | ast.List | ast.Dict):
            return self._display(node, scope, own)
        if isinstance(node, ast.AnnAssign) and node.value and not (own and own.seen):
            node = ast.Assign([node.target], node.value)
        return _named(node, dict(self._fields(node, scope, own)))

    def _display(
        self, node: ast.Tuple | ast.List | ast.Dict, scope: Scope, own: _Names | None
    ) -> str:
        """A tuple, list or dictionary; of plain values as the value that it is."""
        kind = type(node).__name__
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            parts = [_whole([self.form(one, scope, own) for one in pair], "()") for pair in pairs]
            return _whole(parts, "{}") if all(map(_is_value, parts)) else f"{kind}({parts})"
        parts = [self.form(part, scope, own) for part in node.elts]
        if not all(map(_is_value, parts)) or not isinstance(node.ctx, ast.Load):
            return f"{kind}({parts})"
        return _whole(parts, "[]" if isinstance(node, ast.List) else "()")

    def _fields(self, node: ast.AST, scope: Scope, own: _Names | None) -> Iterator[tuple[str, str]]:
        keeps = own is not None and own.seen
        for name, value in ast.iter_fields(node):
            left_out = name in LEFT_OUT and not (keeps and name in ("annotation", "returns"))
            if name == "name" and own and own.node is not node:
                left_out = False  # a function within: its name is a local one
            if left_out or value is None or value == []:
                continue
            if name == "body" and isinstance(value, list) and not keeps:
                value = _without_docstring(node, value)
            around = own and own.node in (node, getattr(node, "_of", None)) and name in AROUND
            yield name, self.form(value, scope, None if around else own)

    def _name(self, node: ast.Name, scope: Scope, own: _Names | None) -> str:
        local = own.called(node.id) if own else None
        found = scope.find(node.id)
        if local is not None and own is not None:
            shadowed = own.kept and node.id not in own.outermost and found is not MISSING
            return f"{local}, {self._found(found, node.id)}" if shadowed else local
        return f"name {node.id}" if found is MISSING else self._found(found, node.id)

    def _found(self, found: Any, name: str) -> str:
        if isinstance(found, ReadFunction):
            return f"code {self.digest(found.node, found.scope)}"
        if isinstance(found, Computed):
            return f"code {self.digest(found.node, found.scope)}"
        if isinstance(found, Imported | OwnModule):
            return f"import {getattr(found, 'dotted', '') or found.path}"  # type: ignore[union-attr]
        value = text(found, self.budget)
        if value is None:
            raise UnreadableError(f"{name}: its value cannot be compared")
        return _value(value)

    def _attribute(self, node: ast.Attribute, scope: Scope, own: _Names | None) -> str:
        owner = self._module(node.value, scope, own)
        if isinstance(owner, OwnModule):
            return self._found(self.reader.exported(owner.path, node.attr), node.attr)
        base = self.form(node.value, scope, own)
        if base.startswith("import "):
            return f"{base}.{node.attr}"
        return f"Attribute({base}, {node.attr!r})"

    def _module(self, node: ast.expr, scope: Scope, own: _Names | None) -> Any:
        """The module of the project that `a` or `a.b` stands for, if it does."""
        if isinstance(node, ast.Name):
            return None if own and own.called(node.id) else scope.find(node.id)
        if isinstance(node, ast.Attribute):
            owner = self._module(node.value, scope, own)
            if isinstance(owner, OwnModule):
                return self.reader.exported(owner.path, node.attr)
        return None


class _Names:
    """The names that belong to a function: parameters by their own, others by when they come up."""

    def __init__(self, node: Any) -> None:
        self.node = node
        if hasattr(node, "args"):
            node.args._of = node  # whose defaults are computed outside
            self.outermost = {part.arg for part in ast.walk(node.args) if isinstance(part, ast.arg)}
        parts = list(ast.walk(node))
        names = [part for part in parts if isinstance(part, ast.Name)]
        self.seen = any(_looks_inside(part) for part in parts)
        self.parameters = {part.arg for part in parts if isinstance(part, ast.arg)}
        inner = {p.name for p in parts if p is not node and isinstance(p, ast.FunctionDef)}
        shared = {n for p in parts if isinstance(p, ast.Global | ast.Nonlocal) for n in p.names}
        looped = _looped(parts)
        stored = {n.id for n in names if not isinstance(n.ctx, ast.Load) and id(n) not in looped}
        stored |= {p.target.id for p in parts if isinstance(p, ast.NamedExpr)}
        self.bound = (stored | inner) - shared - self.parameters
        self.kept = self.seen or any(isinstance(p, INNER) for p in parts if p is not node)
        self.within = _closed(names, looped) - self.bound - shared - self.parameters
        self.known: dict[str, str] = {}

    def called(self, name: str) -> str | None:
        """How a local name is written; None for one that comes from outside."""
        if name in self.parameters or (self.kept and name in self.bound | self.within):
            return f"local {name}"
        if name in self.bound or name in self.within:
            return self.known.setdefault(name, f"local #{len(self.known)}")
        return None


def _looped(parts: list[ast.AST]) -> dict[int, set[str]]:
    """By each name in a comprehension, the names that its loops bind; the first iterable is outside."""
    found: dict[int, set[str]] = {}
    for part in parts:
        if not isinstance(part, COMPREHENSIONS):
            continue
        targets = [t for g in part.generators for t in ast.walk(g.target)]
        bound = {t.id for t in targets if isinstance(t, ast.Name)}
        outside = {id(one) for one in ast.walk(part.generators[0].iter)}
        for one in ast.walk(part):
            if isinstance(one, ast.Name) and id(one) not in outside:
                found[id(one)] = found.get(id(one), set()) | bound
    return found


def _closed(names: list[ast.Name], looped: dict[int, set[str]]) -> set[str]:
    """The names that a loop of a comprehension binds wherever they stand."""
    inside = {name for bound in looped.values() for name in bound}
    outside = {one.id for one in names if one.id not in looped.get(id(one), set())}
    return inside - outside


def _looks_inside(node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        return node.id in LOOKS_INSIDE
    return isinstance(node, ast.Attribute) and node.attr.startswith("__")


def _without_docstring(node: ast.AST, body: list[Any]) -> list[Any]:
    first = body[0]
    text_first = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    if isinstance(node, ast.FunctionDef) and text_first and isinstance(first.value.value, str):
        return body[1:] or [ast.Pass()]
    return body


def _value(whole: str) -> str:
    return VALUE + whole


def _is_value(form: str) -> bool:
    return form.startswith(VALUE)


def _whole(forms: list[str], brackets: str) -> str:
    """Forms in brackets: a value where all are values."""
    if not all(map(_is_value, forms)):
        return brackets[0] + ", ".join(forms) + brackets[1]
    return _value(brackets[0] + ", ".join(f.removeprefix(VALUE) for f in forms) + brackets[1])


def _named(node: ast.AST, parts: dict[str, str]) -> str:
    """A node by its kind and parts; the sign of a number as the number that it makes."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = parts["operand"].removeprefix(VALUE)
        if _is_value(parts["operand"]) and number.replace(".", "", 1).isdigit():
            return _value(f"-{number}")
    return f"{type(node).__name__}({', '.join(f'{n}={part}' for n, part in parts.items())})"
