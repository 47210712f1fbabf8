"""A use case's features read from its source as text, where nothing of it may run.

Constants, loops and a use case's own small functions are followed, so that the declarations come out as they
do from an import; what only running would tell is refused with file and line. Pure.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.features import source_calls, source_statements
from plumbline.features.source_expressions import EXPRESSIONS
from plumbline.features.source_values import (
    MISSING,
    Budget,
    Imported,
    OwnModule,
    Scope,
    UnreadableError,
)

FOLDER = "usecases"
LARGEST = 1_000_000
"""Characters of a use case's source."""
LOOSE = ("Array", "Columns")
"""Types that the library's declarations export beside the classes."""
WRONG = (
    *(ArithmeticError, AttributeError, LookupError, MemoryError, PlumblineError, RecursionError),
    *(SyntaxError, TypeError, ValueError),
)
"""What source with a mistake, or made to hurt, raises while it is read."""


def read(name: str, texts: Mapping[str, str]) -> tuple[FeatureSet, SourceReader]:
    """The features of the use case from the text of each module ("usecases/shop/features.py").

    UnreadableError with file, line and reason where only running would tell.
    """
    try:
        reader = SourceReader(texts)
        alone = f"{FOLDER}/{name}.py" in texts
        path = f"{FOLDER}/{name}.py" if alone else f"{FOLDER}/{name}/features.py"
        found = reader.exported(path, "USECASE" if alone else "FEATURES")
    except WRONG as error:
        kind = "" if isinstance(error, PlumblineError) else f"{type(error).__name__}: "
        raise UnreadableError(f"{kind}{error}"[:300]) from None
    if not isinstance(found, FeatureSet) or found.name != name:
        raise UnreadableError(f"{path}: declares no features of {name}")
    return found, reader


class SourceReader:
    """Parsed modules, and what their names stand for."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        if sum(map(len, texts.values())) > LARGEST:
            raise UnreadableError(f"larger than {LARGEST:,} characters")
        self.texts, self.budget = texts, Budget()
        self.modules: dict[str, Scope] = {}
        self.unfinished: set[str] = set()
        self.line = 0
        self.structure: Any = None  # of `code_structure`, which remembers what it has read

    def evaluate(self, node: ast.expr, scope: Scope) -> Any:
        """The value of an expression."""
        self.budget.spend()
        self.line = node.lineno if hasattr(node, "lineno") else self.line
        if isinstance(node, ast.Call):
            return source_calls.call(self, node, scope)
        if type(node) not in EXPRESSIONS:
            raise UnreadableError(f"`{ast.unparse(node)[:80]}`")
        return EXPRESSIONS[type(node)](self, node, scope)

    def module(self, path: str) -> Scope:
        """The names of a module, executed once as text."""
        if path in self.unfinished:
            raise UnreadableError(f"{path} is imported in a circle")
        if path not in self.modules:
            self._packages(path)
            self.unfinished.add(path)
            self.modules[path] = self._executed(path)
            self.unfinished.discard(path)
        return self.modules[path]

    def _packages(self, path: str) -> None:
        """Execute the packages that a module lies in, as its import does."""
        parts = path.split("/")
        for depth in range(1, len(parts)):
            package = "/".join([*parts[:depth], "__init__.py"])
            if package in self.texts and package != path and package not in self.unfinished:
                self.module(package)

    def _executed(self, path: str) -> Scope:
        if path not in self.texts:
            raise UnreadableError(f"{path} is not there")
        scope, before = Scope(path), self.line
        try:
            source_statements.run(self, ast.parse(self.texts[path]).body, scope)
        except WRONG as error:
            if str(error).startswith(f"{FOLDER}/"):
                raise
            line = getattr(error, "lineno", None) or self.line
            raise UnreadableError(f"{path}, line {line}: {error}"[:300]) from None
        self.line = before
        return scope

    def exported(self, path: str, name: str) -> Any:
        """A module's name, or a module below a package."""
        names = {} if path.endswith("/") else self.module(path).names
        if name in names:
            return names[name]
        below = path.removesuffix("__init__.py").removesuffix("/") + f"/{name}"
        if value := self._own(below):
            return value
        raise UnreadableError(f"{path} has no {name}")

    def imported(self, dotted: str, _path: str) -> Any:
        """What an import gives: of the project a module or a name, of a library its full name."""
        if dotted.split(".")[0] != FOLDER:
            return Imported(dotted)
        if whole := self._own(dotted.replace(".", "/")):
            return whole
        module, _, name = dotted.rpartition(".")
        owner = self._own(module.replace(".", "/")) if module else None
        if owner is None:
            raise UnreadableError(f"imports {dotted}, which is not there")
        return self.exported(owner.path, name)

    def all_of(self, module: str) -> dict[str, Any]:
        """What `from module import *` gives."""
        if module in source_calls.LIBRARY:
            return {n: Imported(f"{module}.{n}") for n in (*source_calls.CLASSES, *LOOSE)}
        owner = self._own(module.replace(".", "/"))
        if owner is None:
            raise UnreadableError(f"`from {module} import *`")
        names = self.module(owner.path).names
        listed = names.get("__all__", MISSING)
        wanted = [n for n in names if not n.startswith("_")] if listed is MISSING else listed
        return {n: names[n] for n in wanted}

    def resolved(self, node: ast.ImportFrom, path: str) -> str:
        """The full name of a module that is imported from, relative or not."""
        if not node.level:
            return node.module or ""
        folder = path.split("/")[: -node.level]
        return ".".join([*folder, *([node.module] if node.module else [])])

    def _own(self, path: str) -> OwnModule | None:
        """A module or a package of the project."""
        choices = [f"{path}.py", f"{path}/__init__.py"]
        found = [one for one in choices if one in self.texts]
        if found or not any(one.startswith(f"{path}/") for one in self.texts):
            return OwnModule(found[0]) if found else None
        return OwnModule(f"{path}/")
