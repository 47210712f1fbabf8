"""What the modules of a use case may read: a part depends on the parts below it, and on no other file.

`dvc.yaml` names a use case's own parts as deps and nothing else that it could import or open. What
would change an out without DVC noticing (rule: a stage is a pure function of its deps and params) is
refused when the use case is loaded.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from plumbline.core.errors import SpecError

BELOW = {
    "__init__": (),
    "contract": (),
    "features": ("contract",),
    "model": ("contract", "features"),
}
"""The parts of a use case, and those that each may import."""
LIBRARY = "plumbline.core"
DECLARATIONS = "plumbline.usecase"
"""The names of `LIBRARY` that a use case declares, in one module."""
READS = {
    *("open", "read_text", "read_bytes", "read_csv", "read_parquet", "read_json", "read_feather"),
    *("loadtxt", "genfromtxt", "fromfile", "import_module", "__import__", "exec", "eval"),
    *("getenv", "environ", "urlopen"),
}
"""Names of what reads a file, a module or the environment without an import that can be followed."""


def check(name: str, part: str, file: Path, root: Path) -> None:
    """SpecError where the source `file` of `part` reads what is no dep of the stages that load it.

    `root` is the folder that holds `usecases/`: a module found below it is the project's own.
    """
    tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
    here = f"usecases/{name}.py" if file.stem == name else f"usecases/{name}/{part}.py"
    if part == "__init__" and any(not _is_docstring(node) for node in tree.body):
        raise SpecError(
            f"{here}: expected a docstring and nothing else: no stage depends on this file; "
            "declare in contract.py, features.py and model.py."
        )
    for line, module in _imports(tree, f"usecases.{name}"):
        if not _allowed(name, part, module, root):
            raise SpecError(
                f"{here}, line {line}: imports {module}, which no stage depends on: after a change "
                f"there `dvc repro` would find nothing to do. {_remedy(name, part)}"
            )
    for line, word in _reads(tree):
        raise SpecError(
            f"{here}, line {line}: uses `{word}`; what it reads is no dep of a stage. Declare values "
            f"in the module, or read the file as data from sources/{name}/."
        )


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _imports(tree: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    """The modules that are imported, by their full names, with the line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level > 1 else package
            module = ".".join(p for p in (base if node.level else "", node.module) if p)
            for alias in node.names:
                yield node.lineno, f"{module}.{alias.name}"


def _reads(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        word = node.id if isinstance(node, ast.Name) else getattr(node, "attr", None)
        if isinstance(node, ast.Name | ast.Attribute) and word in READS:
            yield node.lineno, str(word)


def _allowed(name: str, part: str, module: str, root: Path) -> bool:
    words = module.split(".")
    if words[0] == "plumbline":
        return f"{module}.".startswith((f"{LIBRARY}.", f"{DECLARATIONS}."))
    if words[:2] == ["usecases", name]:
        return len(words) > 2 and words[2] in BELOW[part]
    return not _own(words[0], root)


def _own(top: str, root: Path) -> bool:
    """Whether the top-level module lies in the project rather than among the installed packages."""
    if top in sys.stdlib_module_names:
        return False
    return (root / top).is_dir() or (root / f"{top}.py").is_file()


def _remedy(name: str, part: str) -> str:
    below = " and ".join(f"usecases/{name}/{one}.py" for one in BELOW[part])
    return f"Import {LIBRARY}{', ' + below if below else ''} or installed packages; copy the rest."
