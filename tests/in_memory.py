"""A use case that stands in no file: the modules that a loader would import."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from types import ModuleType

from plumbline.core.usecase import Contract, FeatureSet, UseCase


def install(usecase: UseCase, put: Callable[[str, ModuleType], object], name: str = "") -> None:
    """Call `put` with the name and the module of each part, `sys.modules.__setitem__` say.

    `name`: the folder under which it is loaded; the use case's own where it is empty.
    """
    usecase = replace(usecase, name=name or usecase.name)
    package = f"usecases.{usecase.name}"
    parts = {
        "contract": ("CONTRACT", _part(Contract, usecase)),
        "features": ("FEATURES", _part(FeatureSet, usecase)),
        "model": ("USECASE", usecase),
    }
    put(package, ModuleType(package))
    for part, (constant, value) in parts.items():
        module = ModuleType(f"{package}.{part}")
        setattr(module, constant, value)
        put(module.__name__, module)


def _part(kind: type[Contract], usecase: UseCase) -> Contract:
    return kind(**{f.name: getattr(usecase, f.name) for f in fields(kind)})
