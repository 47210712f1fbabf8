"""A use case's name stands in commands, paths and module names: few characters are allowed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from plumbline.core.errors import ParamsError

LONGEST = 100
FORM = re.compile(rf"[a-z][a-z0-9_]{{0,{LONGEST - 1}}}")


def check(name: object, where: str = "use case") -> str:
    """The name; ParamsError where a shell, a path or Python could read it as something else.

    >>> check("my_table")
    'my_table'
    """
    if isinstance(name, str) and FORM.fullmatch(name):
        return name
    shown = repr(name) if len(repr(name)) <= LONGEST else f"{repr(name)[:LONGEST]}…"
    raise ParamsError(
        f"{where}: got {shown}, expected lower-case letters, digits and underscores, a letter "
        f"first, at most {LONGEST}; choose another name"
    )


def check_all(names: Iterable[object], where: str) -> None:
    """ParamsError for the first that is no name."""
    for name in names:
        check(name, where)
