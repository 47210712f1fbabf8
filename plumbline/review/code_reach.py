"""What the code of a use case or a source does beyond declaring, read from its text: imports, patches, files. Pure.

Such code runs in the stages, and where head's own answers are made. It can then do anything that Python can, so that
this is no fence: it is what a person who reads the change has to look at first.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from plumbline.core.usecase_imports import SHARED

PURE = (
    *("__future__", "collections", "dataclasses", "datetime", "decimal", "enum", "fractions"),
    *("functools", "itertools", "math", "numpy", "statistics", "typing", "typing_extensions"),
)
"""Modules to compute with."""
DECLARING = {
    "usecases": ("plumbline.core.declarations", "plumbline.core.usecase", "plumbline.core.errors"),
    "sources": ("plumbline.core.errors", "pandas", "pyarrow", "pydantic"),
}
"""By the first folder, what else its code is written with."""
BUILT_IN = {
    *("__builtins__", "__import__", "breakpoint", "compile", "delattr", "eval", "exec", "getattr"),
    *("globals", "input", "locals", "open", "setattr", "vars"),
}
OUTSIDE = {
    *("atexit", "builtins", "ctypeslib", "f2py", "fromfile", "gc", "genfromtxt", "importlib"),
    *("inspect", "io", "load", "loadtxt", "memmap", "os", "pathlib", "pickle", "save", "savetxt"),
    *("savez", "savez_compressed", "shutil", "socket", "subprocess", "sys", "tempfile", "tofile"),
}
"""Attributes through which a module to compute with leads to files and processes."""


def beyond(file: str, source: bytes) -> set[str]:
    """In words what a module does beyond declaring; `file`: its path in the project.

    >>> sorted(beyond("usecases/shop/model.py", b"import os\\nimport math as m\\nm.pi = 3\\nopen('x')"))
    ['imports os', 'sets m.pi', 'uses open']
    >>> beyond("usecases/shop/model.py", b"from .features import FEATURES\\nX = (1, 2)")
    set()
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {"is no Python"}
    return {word for node in ast.walk(tree) for word in _of_node(file, node)}


def _of_node(file: str, node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        modules = [alias.name for alias in node.names]
        yield from (f"imports {name}" for name in modules if not _pure(file, name))
    elif isinstance(node, ast.ImportFrom):
        yield from _imported(file, node)
    elif isinstance(node, ast.Name) and node.id in BUILT_IN:
        yield f"uses {node.id}"
    elif isinstance(node, ast.Attribute):
        yield from _attribute(node)


def _imported(file: str, node: ast.ImportFrom) -> Iterator[str]:
    """Names from modules: of a library's module the classes, of those to compute with all but modules."""
    module, names = node.module or "", [alias.name for alias in node.names]
    if node.level > 1 or not (node.level or _pure(file, module)):
        yield f"imports {'.' * node.level}{module}"
        return
    for name in names:
        lower = module.startswith("plumbline.") and not name[:1].isupper()
        if lower or name in OUTSIDE or _private(name):
            yield f"imports {module}.{name}"


def _attribute(node: ast.Attribute) -> Iterator[str]:
    if isinstance(node.ctx, ast.Store | ast.Del):
        yield f"sets {ast.unparse(node)[:80]}"
    elif node.attr in OUTSIDE or _private(node.attr):
        yield f"uses {ast.unparse(node)[:80]}"


def _private(name: str) -> bool:
    return name.startswith("_")


def _pure(file: str, module: str) -> bool:
    """Whether a module declares or computes; those of the file's own folder are read by themselves."""
    folder, name, *_ = file.split("/")
    allowed = (*PURE, *DECLARING.get(folder, ()), f"{folder}.{name}", f"usecases.{SHARED}")
    return any(module == one or module.startswith(f"{one}.") for one in allowed)
