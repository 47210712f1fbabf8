"""The definitions of a use case that is imported, from the same source as a review reads. An edge: reads its files."""

from __future__ import annotations

import ast
import importlib
import inspect
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plumbline.core.hashing import md5_bytes
from plumbline.core.usecase import FeatureSet
from plumbline.core.usecase_imports import SHARED
from plumbline.features import code_structure, definition_items, source_reader
from plumbline.features.definition_items import Definitions
from plumbline.features.source_reader import FOLDER
from plumbline.features.source_values import RowFunction, UnreadableError


def of(usecase: FeatureSet) -> Definitions:
    """Every item with its definition; where the source cannot be read as text, functions count by their own code."""
    read = _read(usecase.name)
    own = definition_items.of(usecase, _own_code)
    return read if read is not None and _same(read, own) else own


def by_text(name: str, texts: Mapping[str, str]) -> Definitions:
    """Every item of a use case that is read from the texts of its modules; UnreadableError as `source_reader.read`."""
    found, reader = source_reader.read(name, texts)

    def code(function: Any) -> str:
        if not isinstance(function, RowFunction):
            raise UnreadableError(f"{name}: a row feature that is no function of the use case")
        return code_structure.digest(reader, function.function)

    try:
        return definition_items.of(found, code)
    except source_reader.WRONG as error:
        raise UnreadableError(str(error)[:300]) from None


def _read(name: str) -> Definitions | None:
    try:
        return by_text(name, texts(name))
    except UnreadableError:
        return None


def texts(name: str) -> dict[str, str]:
    """The modules that the use case may import, by path."""
    texts: dict[str, str] = {}
    for folder in map(Path, importlib.import_module(FOLDER).__path__):
        parts = [path for top in (name, SHARED) for path in sorted((folder / top).rglob("*.py"))]
        own = [folder / f"{name}.py", *parts]
        for file in filter(Path.is_file, own):
            path = f"{FOLDER}/{file.relative_to(folder).as_posix()}"
            texts.setdefault(path, file.read_text(encoding="utf-8"))
    return texts


def _same(read: Definitions, own: Definitions) -> bool:
    """Whether the text declares what was imported, but for how code is hashed."""
    return {k: _without_code(i) for k, i in read.items()} == {
        k: _without_code(i) for k, i in own.items()
    }


def _without_code(item: definition_items.DefinitionItem) -> tuple[Any, ...]:
    parts = {name: part for name, part in item.parts.items() if name != "code"}
    return item.kind, item.name, item.version, parts, item.made_of, item.order


def _own_code(function: Any) -> str:
    """A function by its own code, without docstring and comments."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError, TypeError):
        code = getattr(function, "__code__", None)
        return md5_bytes(
            repr((getattr(code, "co_code", ""), getattr(code, "co_names", ""))).encode()
        )
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return md5_bytes(ast.unparse(tree).encode())
