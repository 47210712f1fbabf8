"""A use case by its name: its contract, its features, or all of it, from `usecases/<name>/`.

A use case in one file, `usecases/<name>.py` with a `USECASE`, is read too: stages can be run on it
by hand. The graph needs the three parts, as `dvc.yaml` names them as deps.
"""

from __future__ import annotations

import importlib
import traceback
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from plumbline.core import call_mistakes, usecase_imports, usecase_name
from plumbline.core.errors import SpecError
from plumbline.core.usecase import Contract, FeatureSet, UseCase

Part = TypeVar("Part", bound=Contract)
BROKEN = (
    *(ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, NameError),
    *(OSError, RuntimeError, SyntaxError, TypeError, ValueError),
)
"""What a module with a mistake raises when it is imported."""


def load_contract(name: str) -> Contract:
    """The `CONTRACT` of usecases/<name>/contract.py; SpecError as `load` raises it."""
    return _part(name, "contract", "CONTRACT", Contract)


def load_features(name: str) -> FeatureSet:
    """The `FEATURES` of usecases/<name>/features.py; SpecError as `load` raises it."""
    return _part(name, "features", "FEATURES", FeatureSet)


def load(name: str) -> UseCase:
    """The `USECASE` of usecases/<name>/model.py, which is all that the use case declares.

    Raises SpecError where there is no such module, Python cannot execute it, it declares no such
    constant, or it reads what no stage depends on.
    """
    return _part(name, "model", "USECASE", UseCase)


def _part(name: str, part: str, constant: str, kind: type[Part]) -> Part:
    module = _module(name, part)
    alone = module.__name__ == f"usecases.{name}"
    constant, place = ("USECASE", f"{name}.py") if alone else (constant, f"{name}/{part}.py")
    value = getattr(module, constant, None)
    if not isinstance(value, kind):
        raise SpecError(
            f"usecases/{place}: expected a constant {constant} of type {kind.__name__}, "
            f"found {type(value).__name__}. End the module with `{constant} = {kind.__name__}...`."
        )
    if value.name != name:
        raise SpecError(
            f"usecases/{place if alone else f'{name}/contract.py'}: name is '{value.name}', "
            f"expected '{name}', as the {'file' if alone else 'folder'}."
        )
    return value


def _module(name: str, part: str) -> ModuleType:
    """The module, imported, once the sources of what it imports of its own package are allowed."""
    full = f"usecases.{usecase_name.check(name)}.{part}"
    try:
        if file := _one_file(name):
            usecase_imports.check(name, "model", file, file.parent.parent)
            return importlib.import_module(f"usecases.{name}")
        _check_sources(name, part)
        return importlib.import_module(full)
    except SpecError as error:
        if str(error).startswith("usecases/"):
            raise
        raise SpecError(f"usecases/{_place(error, name, part)}: {error}") from None
    except BROKEN as error:
        if problem := call_mistakes.explain(error):
            raise SpecError(f"usecases/{_place(error, name, part)}: {problem}") from None
        if isinstance(error, ModuleNotFoundError) and full.startswith(f"{error.name}"):
            raise SpecError(
                f"params.yaml, usecases: '{name}' has no module. "
                f"Expected usecases/{name}/{part}.py; write it or correct the name."
            ) from None
        raise SpecError(
            f"usecases/{_place(error, name, part)}: Python cannot execute it "
            f"({type(error).__name__}: {error}); correct it."
        ) from error


def _one_file(name: str) -> Path | None:
    """`usecases/<name>.py`, where the use case is that and no folder of three parts."""
    folders = importlib.import_module("usecases").__path__
    files = [Path(folder) / f"{name}.py" for folder in folders]
    return next((f for f in files if f.is_file() and not f.with_suffix("").is_dir()), None)


def _check_sources(name: str, part: str) -> None:
    package = importlib.import_module(f"usecases.{name}")
    if not hasattr(package, "__path__"):
        return  # made in memory: it has no source
    if package.__file__ is None:
        raise SpecError(
            f"usecases/{name}: expected a package; write usecases/{name}/__init__.py with a docstring."
        )
    folder = Path(package.__file__).resolve().parent
    for one in ("__init__", *usecase_imports.BELOW[part], part):
        file = folder / f"{one}.py"
        if file.exists():
            usecase_imports.check(name, one, file, folder.parent.parent)
    usecase_imports.check_shared(folder.parent, folder.parent.parent)


def _place(error: Exception, name: str, part: str) -> str:
    """The file below `usecases/` and the line where it stopped, as far as the error says."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_below(Path(error.filename), name)}, line {error.lineno}"
    frames = [
        f"{_below(Path(f.filename), name)}, line {f.lineno}"
        for f in traceback.extract_tb(error.__traceback__)
        if Path(f.filename).parent.name == name or Path(f.filename).name == f"{name}.py"
    ]
    return frames[-1] if frames else f"{name}/{part}.py"


def _below(file: Path, name: str) -> str:
    return f"{name}/{file.name}" if file.parent.name == name else file.name
