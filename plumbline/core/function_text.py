"""The source of a function: of its file, or as it came with a bundle."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

CARRIED = "source_text"
"""The attribute of a function whose source is in no file."""


def of(function: Callable[..., Any]) -> str:
    """The source; OSError or TypeError where Python has none.

    >>> def area(width, height):
    ...     "Area, square metres"
    >>> area.source_text = "def area(width, height): ..."
    >>> of(area)
    'def area(width, height): ...'
    """
    carried = getattr(function, CARRIED, None)
    return carried if isinstance(carried, str) else inspect.getsource(function)
