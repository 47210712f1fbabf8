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
SHARED = "shared"
"""The folder of usecases/ that all may import: `dvc.yaml` names it as a dep of every stage."""
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
    _refuse_imports(tree, here, f"usecases.{name}", (name, part), root)
    _refuse_reads(tree, here, name)


def check_shared(folder: Path, root: Path) -> None:
    """SpecError where a module in usecases/shared/ reads what is no dep of every stage."""
    for file in sorted((folder / SHARED).rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
        below = file.relative_to(folder)
        package = ".".join(["usecases", *below.parent.parts])
        _refuse_imports(tree, f"usecases/{below.as_posix()}", package, None, root)
        _refuse_reads(tree, f"usecases/{below.as_posix()}", "NAME")


def _refuse_imports(
    tree: ast.AST, here: str, package: str, own: tuple[str, str] | None, root: Path
) -> None:
    """`own`: the use case and its part; None for a shared module."""
    for line, module in _imports(tree, package):
        if not _allowed(own, module, root):
            raise SpecError(
                f"{here}, line {line}: imports {module}, which no stage depends on: after a change "
                f"there `dvc repro` would find nothing to do. {_remedy(own)}"
            )


def _refuse_reads(tree: ast.AST, here: str, name: str) -> None:
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


def _allowed(own: tuple[str, str] | None, module: str, root: Path) -> bool:
    words = module.split(".")
    if words[0] == "plumbline":
        return f"{module}.".startswith((f"{LIBRARY}.", f"{DECLARATIONS}."))
    if words[:2] == ["usecases", SHARED]:
        return True
    if own is not None and words[:2] == ["usecases", own[0]]:
        return len(words) > 2 and words[2] in BELOW[own[1]]
    return not _own(words[0], root)


def _own(top: str, root: Path) -> bool:
    """Whether the top-level module lies in the project rather than among the installed packages."""
    if top in sys.stdlib_module_names:
        return False
    return (root / top).is_dir() or (root / f"{top}.py").is_file()


def _remedy(own: tuple[str, str] | None) -> str:
    parts = [] if own is None else [f"usecases/{own[0]}/{one}.py" for one in BELOW[own[1]]]
    below = f", {' and '.join(parts)}" if parts else ""
    return (
        f"Import {LIBRARY}{below} or installed packages; move what several use cases need into "
        f"usecases/{SHARED}/, and copy the rest."
    )
