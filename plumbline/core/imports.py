"""Importing a large library without the parts that it loads for others and that nobody here uses."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

FRAMES = "pandas"


class Deferred(ModuleType):
    """Stands for a module, which is loaded when something in it is used, or read after the block of `without`."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is not self:
            return getattr(import_module(self.__name__), name)
        return DeferredValue(self.__name__, name)


class DeferredValue:
    """Stands for a function, class or object of a deferred module: the real one is loaded and does the work."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def __call__(self, *words: Any, **named: Any) -> Any:
        return getattr(import_module(self.module), self.name)(*words, **named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(getattr(import_module(self.module), self.name), name)


@contextmanager
def without(
    *optional: str, unused: Sequence[str] = (), deferred: Sequence[str] = ()
) -> Iterator[None]:
    """Import a library in this block as if the `optional` modules were not installed.

    `unused` are modules that it imports without need and would not go without: they stand empty
    meanwhile. `deferred` are modules that it may use: they are loaded when it does. Modules that
    are loaded already stay as they are. After the block a later import finds the real ones.
    """
    hidden: dict[str, Any] = dict.fromkeys(optional)  # None: the import system's sign for "no such"
    hidden |= {name: ModuleType(name) for name in unused}
    hidden |= {name: Deferred(name) for name in deferred}
    hidden = {name: module for name, module in hidden.items() if name not in sys.modules}
    sys.modules.update(hidden)
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


class _NoFrames:
    """Finds no pandas, whoever looks for it."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name == FRAMES:
            raise ModuleNotFoundError(f"no module {FRAMES} for now", name=FRAMES)


def arrow_alone() -> None:
    """Let Arrow look for pandas only when a frame is asked of it; else it imports it with the first array."""
    if FRAMES in sys.modules:
        return
    sys.meta_path.insert(0, _NoFrames)
    try:
        import pyarrow as pa

        pa.array([0])
    finally:
        sys.meta_path.remove(_NoFrames)
