"""Importing a large library without the parts that it loads for others and that nobody here uses."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any


@contextmanager
def without(*optional: str, unused: Sequence[str] = ()) -> Iterator[None]:
    """Import a library in this block as if the `optional` modules were not installed.

    `unused` are modules that it imports without need and would not go without: they stand empty
    meanwhile. Modules that are loaded already stay as they are. After the block a later import finds
    the real ones.
    """
    hidden: dict[str, Any] = dict.fromkeys(optional)  # None: the import system's sign for "no such"
    hidden |= {name: ModuleType(name) for name in unused}
    hidden = {name: module for name, module in hidden.items() if name not in sys.modules}
    sys.modules.update(hidden)
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)
