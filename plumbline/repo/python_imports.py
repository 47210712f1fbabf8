"""What Python files import, direct or not, of what is installed. Reads sources and runs nothing."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from plumbline.runtime import library

OWN = frozenset({"plumbline", "stages", "usecases", "sources"})
"""The project's packages."""
FOLLOWED = frozenset({"plumbline", "stages"})
"""Those whose files are read where they are imported; a stage names the files of the others as deps."""
NOT_FOLLOWED = frozenset({"config", "runtime", "tracking", "repo"})
"""Packages of the library that cannot change an out: no dep of a stage either."""

BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
"""The fields in which Python's syntax tree has statements, or parts that have some."""


def installed(starts: Iterable[Path], root: Path) -> dict[str, Path]:
    """Top-level modules of other libraries that files, or what they import of the project, import.

    By name, with one file that imports it.
    """
    seen: dict[str, Path] = {}
    for path in reached(starts, root):
        for name in _names(path):
            top = name.partition(".")[0]
            if top not in OWN and top not in sys.stdlib_module_names:
                seen.setdefault(top, path)
    return dict(sorted(seen.items()))


def reached(starts: Iterable[Path], root: Path) -> list[Path]:
    """The files, and those of the project that they import, packages' `__init__` included."""
    todo = sorted(starts)
    seen = dict.fromkeys(todo)
    names: set[str] = set()
    while todo:
        found = dict.fromkeys(name for name in _names(todo.pop()) if name not in names)
        names |= found.keys()
        new = [file for name in found for file in _files(name, root) if file not in seen]
        seen |= dict.fromkeys(new)
        todo += dict.fromkeys(new)
    return list(seen)


def _names(path: Path) -> tuple[str, ...]:
    """Dotted names that a file imports, anywhere in it; relative imports stay in their folder."""
    return _imported(path.read_text(encoding="utf-8"), str(path))


@cache
def _imported(text: str, file: str) -> tuple[str, ...]:
    """Those of a file's text, which several stages reach; SyntaxError names the file."""
    names: list[str] = []
    for node in _statements(ast.parse(text, file)):
        if isinstance(node, ast.Import):
            names += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
            names += (f"{node.module}.{alias.name}" for alias in node.names)
    return tuple(names)


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """All statements, at any depth: an expression holds none, and most nodes are expressions."""
    for name in BLOCKS:
        for node in getattr(tree, name, ()):
            yield node
            yield from _statements(node)


def home(top: str, root: Path) -> Path:
    """The folder that a package of the project is imported from: the project, or where the library is installed."""
    if top == library.PACKAGE.name and not (root / top).is_dir():
        return library.PACKAGE.parent
    return root


def _files(name: str, root: Path) -> Iterator[Path]:
    """The project's files that stand for an imported name."""
    top, _, rest = name.partition(".")
    if top in FOLLOWED and rest.partition(".")[0] not in NOT_FOLLOWED:
        base = home(top, root).joinpath(*name.split("."))
        yield from (f for f in (base.with_suffix(".py"), base / "__init__.py") if f.is_file())
