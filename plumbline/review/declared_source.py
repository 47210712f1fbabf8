"""A use case's declarations read from its source as text, where nothing of it may run. Pure.

Names are followed within the use case: a constant counts by its value, a function by its code. What only
running would tell is compared as code, so that any change of it shows.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Mapping
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.core.hashing import md5_bytes
from plumbline.review.declared_rules import LISTS, PLAIN

MAKERS = ("Contract", "FeatureSet", "UseCase", "of", "replace")
"""What makes a use case or a part of one, or another one of it."""
ELEMENTS = {"Column": 3, "Slice": 2, "Behaviour": 1}
"""What the lists hold, and which argument explains it and decides nothing."""
IN_WORDS = ("name", "description", "deprecated")
AT_IMPORT = "code at import"
HARMLESS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.AnnAssign)
LARGEST = 500_000
"""Characters of a use case's source."""
MOST_NODES = 50_000
SHOWN = 200


def of(
    source: Mapping[str, str], beside: Mapping[str, str] | None = None
) -> dict[str, dict[str, str]]:
    """What is declared, by name and part, from the text of each module ("usecases/shop/model.py").

    `beside`: modules that declare nothing, and from which names may come.
    PlumblineError where a text is no Python, or too large or nested to be read.
    """
    texts = {**(beside or {}), **source}
    if sum(map(len, texts.values())) > LARGEST:
        raise PlumblineError(f"larger than {LARGEST:,} characters")
    try:
        trees = {name: ast.parse(text) for name, text in texts.items()}
        return _declared(_Modules(trees, frozenset(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise PlumblineError(f"{type(error).__name__}: {error}"[:SHOWN]) from None


def _declared(modules: _Modules) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {name: {"": ""} for name in PLAIN}
    lists: dict[str, str] = {}
    for module, call in modules.calls():
        for keyword in call.keywords:
            name = keyword.arg
            if name in PLAIN:
                before = found[name][""]
                found[name] = {"": before + modules.text(module, keyword.value)}
            elif name == "derive":
                found |= _derived(modules, module, keyword.value)
            elif name in LISTS:
                lists[name] = lists.get(name, "") + modules.shape(module, keyword.value)
                for key, text in modules.elements(module, keyword.value):
                    found[f"{name}.{key}"] = {"": text}
    found |= {f"{name}, how listed": {"": shape} for name, shape in lists.items()}
    return {**found, AT_IMPORT: {"": modules.at_import() or "none"}}


def _derived(modules: _Modules, module: str, value: ast.expr) -> dict[str, dict[str, str]]:
    whole = modules.inlined(module, value)
    if not isinstance(whole, ast.Dict):
        return {"derive": {"": modules.text(module, value)}}
    pairs = zip(whole.keys, whole.values, strict=True)
    return {f"derive.{_plain(key)}": {"": _plain(text)} for key, text in pairs}


def _plain(node: ast.expr | None) -> str:
    value = node.value if isinstance(node, ast.Constant) else node and ast.unparse(node)
    return cut(str(value))


def cut(text: str) -> str:
    """Text no longer than is shown, of which no change is lost."""
    short = text[: SHOWN - 20]
    return text if len(text) <= SHOWN else f"{short}… ({md5_bytes(text.encode())[:8]})"


class _Modules:
    """The parsed modules of a use case, and what their names stand for."""

    def __init__(self, trees: Mapping[str, ast.Module], own: frozenset[str]) -> None:
        self.trees, self.own = trees, own
        self.left = MOST_NODES
        self.names = {name: dict(_definitions(tree)) for name, tree in trees.items()}

    def calls(self) -> Iterator[tuple[str, ast.Call]]:
        """Every call that makes a use case or a part of one, with its module."""
        for module in sorted(self.own):
            for node in ast.walk(self.trees[module]):
                if isinstance(node, ast.Call) and _called(node) in MAKERS:
                    yield module, node

    def elements(self, module: str, value: ast.expr) -> Iterator[tuple[str, str]]:
        """Name and text of each element of a list, in whatever way it is put together."""
        whole = self.inlined(module, value)
        calls = [n for n in ast.walk(whole) if isinstance(n, ast.Call) and _called(n) in ELEMENTS]
        for call in calls:
            yield _name(call), self.text(module, _deciding(call))

    def shape(self, module: str, value: ast.expr) -> str:
        """Whether a list is written down, element by element; one that is computed as text."""
        whole = self.inlined(module, value)
        return "written down; " if _plain_list(whole) else self.text(module, whole) + "; "

    def text(self, module: str, node: ast.AST) -> str:
        """A value as text: constants by their values, functions with a hash of their code."""
        whole = self.inlined(module, node)
        functions = sorted(set(self._functions(module, whole)))
        return cut(" ".join([ast.unparse(whole), *functions]))

    def inlined(self, module: str, node: ast.AST) -> Any:
        """The node with names of constants replaced by their values."""
        return _Inlining(self, module, frozenset()).visit(_copied(node))

    def find(self, module: str, name: str) -> tuple[str, ast.AST] | None:
        """Where a name is defined within the use case, and as what."""
        node = self.names[module].get(name)
        if not isinstance(node, _Imported):
            return (module, node) if node is not None else None
        there = [m for m in self.trees if m.removesuffix(".py").endswith(node.module)]
        found = [self.find(m, node.name) for m in there if m != module]
        return next(filter(None, found), None)

    def at_import(self) -> str:
        """What modules do beside definitions when they are imported."""
        loose = [
            ast.unparse(node)
            for name in sorted(self.own)
            for node in self.trees[name].body
            if not isinstance(node, HARMLESS) and not _plain_assignment(node) and not _text(node)
        ]
        return cut("; ".join(loose))

    def _functions(self, module: str, node: ast.AST) -> Iterator[str]:
        for name in sorted({n.id for n in ast.walk(node) if isinstance(n, ast.Name)}):
            for owner in (module, *sorted(self.trees)):
                found = self.find(owner, name)
                if found and isinstance(found[1], ast.FunctionDef):
                    yield f"{name} ({self._code(found[0], found[1])})"
                    break

    def _code(self, module: str, function: ast.FunctionDef) -> str:
        """A hash of a function's code and of all in the use case that it calls."""
        seen: dict[str, str] = {}
        todo = [(module, function)]
        while todo:
            owner, node = todo.pop()
            self.step(len(todo) + 1)
            if node.name in seen:
                continue
            whole = _without_docstring(self.inlined(owner, node))
            seen[node.name] = ast.dump(whole)
            for name in {n.id for n in ast.walk(whole) if isinstance(n, ast.Name)}:
                found = self.find(owner, name)
                if found and isinstance(found[1], ast.FunctionDef):
                    todo.append((found[0], found[1]))
        return md5_bytes(repr(sorted(seen.items())).encode())[:8]

    def step(self, count: int = 1) -> None:
        """Count what is read, so that no source grows without bound."""
        self.left -= count
        if self.left < 0:
            raise ValueError("too much to be read")


class _Imported(ast.AST):
    """A name that another module defines."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class _Inlining(ast.NodeTransformer):
    """Replaces the names of constants by their values."""

    def __init__(self, modules: _Modules, module: str, inside: frozenset[str]) -> None:
        self.modules, self.module, self.inside = modules, module, inside

    def generic_visit(self, node: ast.AST) -> ast.AST:
        self.modules.step()
        return super().generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        self.modules.step()
        found = self.modules.find(self.module, node.id) if node.id not in self.inside else None
        if not isinstance(node.ctx, ast.Load) or not found or not isinstance(found[1], ast.expr):
            return node
        inner = _Inlining(self.modules, found[0], self.inside | {node.id})
        whole: ast.AST = inner.visit(_copied(found[1]))
        return whole


def _copied(node: ast.AST) -> ast.AST:
    return copy.deepcopy(node)


def _definitions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    for node in tree.body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            yield node.target.id, node.value
        elif isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ImportFrom):
            module = (node.module or "").replace(".", "/")
            yield from ((a.asname or a.name, _Imported(module, a.name)) for a in node.names)


def _plain_list(node: ast.expr) -> bool:
    """Elements in brackets, and such lists put together."""
    if isinstance(node, ast.Tuple | ast.List):
        return all(map(_plain_list, node.elts))
    if isinstance(node, ast.Starred):
        return _plain_list(node.value)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _plain_list(node.left) and _plain_list(node.right)
    return isinstance(node, ast.Call) and _called(node) in ELEMENTS


def _plain_assignment(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and all(isinstance(t, ast.Name) for t in node.targets)


def _text(node: ast.stmt) -> bool:
    """A docstring, or a text in the place of one."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _name(call: ast.Call) -> str:
    named = [*call.args, *(k.value for k in call.keywords if k.arg == "name")]
    return _plain(named[0] if named else None)


def _deciding(call: ast.Call) -> ast.Call:
    """The call without what explains it."""
    at = ELEMENTS[_called(call)]
    args = [arg for i, arg in enumerate(call.args) if i != at]
    keywords = [k for k in call.keywords if k.arg not in IN_WORDS]
    return ast.Call(call.func, args, keywords)


def _without_docstring(node: Any) -> Any:
    for inner in ast.walk(node):
        if isinstance(inner, ast.FunctionDef) and ast.get_docstring(inner) is not None:
            inner.body = inner.body[1:] or [ast.Pass()]
    return node
