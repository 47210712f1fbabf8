"""usecase.json: what the use case of a bundle declares, its row functions as text, the libraries that made it.

A bundle's third file, so that libraries from before it read the other two as ever. Reading it executes
nothing: a row function is a `Unadmitted`, which has a name and parameters and cannot be called, until
`plumbline.model.admission` builds it.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np

from plumbline.core.declarations import Row
from plumbline.core.documents import Document, parse
from plumbline.core.errors import BundleError, PlumblineError, SpecError
from plumbline.core.usecase import FeatureSet
from plumbline.model import carried_functions, library_versions, manifest
from plumbline.model.carried_functions import CarriedFunction
from plumbline.model.manifest import Manifest

FILE = "usecase.json"
ROWS, FUNCTION = "rows", "function"
INFINITE = {"inf": float("inf"), "-inf": float("-inf")}
LONGEST = 200_000
"""Characters of a function's source."""
REMEDY = "restore the bundle with `dvc checkout`, or read it with the version that wrote it"


class UsecaseFile(Document):
    """The file's contents.

    `bundle`: sha256 of the bundle.json beside it. `declared`: the fields of `FeatureSet` that are not at
    their defaults, a row's function by its place in `functions`. `libraries`: versions, by module.
    """

    format: Literal[1] = 1
    bundle: str
    declared: dict[str, Any]
    functions: dict[str, CarriedFunction]
    libraries: dict[str, str]

    @property
    def missing(self) -> list[str]:
        """What the row functions read that could not travel."""
        return [f"{place} reads {m}" for place, one in self.functions.items() for m in one.missing]


class Unadmitted:
    """A row function that may be read and not called."""

    def __init__(self, one: CarriedFunction) -> None:
        self.__name__ = one.name
        self.source_text = one.source
        self.__doc__, self.__signature__ = _outline(one)

    def __call__(self, **_: Any) -> Any:
        raise BundleError(f"row function '{self.__name__}' of a bundle was not admitted")


def describe(usecase: FeatureSet, manifest_text: str) -> UsecaseFile:
    """The file of a use case, beside a bundle.json with this text."""
    places, table = carried_functions.describe(row.function for row in usecase.rows)
    declared = {f.name: _plain(getattr(usecase, f.name)) for f in _given(usecase, FeatureSet)}
    rows = [{FUNCTION: p, **_plain(r)} for p, r in zip(places, usecase.rows, strict=True)]
    return UsecaseFile(
        bundle=_sha256(manifest_text.encode()),
        declared={**declared, **({ROWS: rows} if rows else {})},
        functions=table,
        libraries=library_versions.used(table),
    )


def text(content: UsecaseFile) -> str:
    """As it is written: keys in order, every number whole."""
    plain = content.model_dump(mode="json")
    return json.dumps(plain, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def read(folder: Path, described: Manifest) -> UsecaseFile | None:
    """The file of a bundle, checked against the rest of it; None where it is from before there was one.

    Raises BundleError where it is damaged, of another bundle, or declares other features than the model's.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        content = parse(UsecaseFile, json.loads(path.read_bytes()), str(path), REMEDY)
        expected = _sha256((folder / "bundle.json").read_bytes())
        if content.bundle != expected:
            raise BundleError(f"of another bundle.json (sha256 {content.bundle[:12]}…); {REMEDY}")
        carried_functions.check(content.functions)
        _check(stub(content), described)
    except (ValueError, RecursionError, PlumblineError) as error:
        where = "" if str(error).startswith(str(path)) else f"{path}: "
        raise BundleError(f"{where}{error}") from None
    return content


def _check(usecase: FeatureSet, described: Manifest) -> None:
    """BundleError where what is declared is not what the model learned."""
    taken = tuple(name for name in usecase.features if name not in described.dropped)
    own = (usecase.name, usecase.problem, usecase.label, taken)
    learned = (described.usecase, described.problem, described.label, described.order)
    columns = [[(c.name, c.type) for c in one] for one in (usecase.columns, described.contract)]
    differs = own != learned or columns[0] != columns[1]
    if differs or manifest.definitions(usecase) != described.definitions:
        raise BundleError(f"it declares other features than bundle.json; {REMEDY}")


def stub(content: UsecaseFile) -> FeatureSet:
    """The use case with row functions that cannot be called: nothing is executed."""
    return _declared(content, {p: Unadmitted(one) for p, one in content.functions.items()})


def built(content: UsecaseFile) -> FeatureSet:
    """The use case with its row functions. This executes their sources: admit them first."""
    if content.missing:
        raise BundleError(
            f"the row functions do not travel: {'; '.join(content.missing[:3])}. Score where the use "
            "case is checked out, or write it as a constant and train again"
        )
    name = str(content.declared.get("name"))
    return _declared(content, carried_functions.build(content.functions, name))


def _declared(content: UsecaseFile, functions: Mapping[str, Callable[..., Any]]) -> FeatureSet:
    try:
        rows = tuple(
            Row(**{**given, FUNCTION: functions[given[FUNCTION]]})
            for given in content.declared.get(ROWS, [])
        )
        given = {n: v for n, v in content.declared.items() if n != ROWS}
        whole: FeatureSet = _object(given, FeatureSet, rows=rows)
    except (KeyError, TypeError, AttributeError) as error:
        raise BundleError(
            f"declared: not what this version of the library reads ({error}); {REMEDY}"
        ) from None
    except SpecError as error:
        raise BundleError(f"declared: {error}") from None
    return whole


def _given(value: Any, kind: type[Any]) -> list[Field[Any]]:
    """The fields that are not at their defaults, without functions."""
    named = [f for f in fields(kind) if f.name not in (ROWS, FUNCTION)]
    return [f for f in named if getattr(value, f.name) != _default(f)]


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default


def _plain(value: Any) -> Any:
    """A declared value as JSON: exact, where `files.dumps` rounds."""
    if is_dataclass(value):
        kind = type(value)
        return {f.name: _plain(getattr(value, f.name)) for f in _given(value, kind)}
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, float) and value in INFINITE.values():
        return repr(value)
    return value.item() if isinstance(value, np.generic) else value


def _object(given: Mapping[str, Any], kind: Any, **more: Any) -> Any:
    kinds = _hints(kind)
    return kind(**{name: _value(v, kinds[name]) for name, v in given.items()}, **more)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _value(value: Any, kind: Any) -> Any:
    """A value out of JSON as the declaration's type has it."""
    if (kind is float or float in get_args(kind)) and value in ("inf", "-inf"):
        return INFINITE[value]
    if get_origin(kind) is tuple and isinstance(value, list):
        return tuple(_value(v, get_args(kind)[0]) for v in value)
    declared = next((k for k in (kind, *get_args(kind)) if is_dataclass(k)), None)
    if declared is not None and isinstance(value, dict):
        return _object(value, declared)
    return value


def _outline(one: CarriedFunction) -> tuple[str | None, inspect.Signature]:
    """A function's docstring and parameters, from its text."""
    if len(one.source) > LONGEST:
        raise BundleError(
            f"function '{one.name}': {len(one.source):,} characters; at most {LONGEST:,}"
        )
    try:
        tree = ast.parse(carried_functions.program(one.source))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BundleError(f"function '{one.name}': its source is no Python ({error})") from None
    defined = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == one.name]
    if not defined:
        return None, inspect.Signature()
    arguments = [*defined[0].args.posonlyargs, *defined[0].args.args, *defined[0].args.kwonlyargs]
    named = [inspect.Parameter(a.arg, inspect.Parameter.KEYWORD_ONLY) for a in arguments]
    return ast.get_docstring(defined[0]), inspect.Signature(named)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
