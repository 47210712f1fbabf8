"""A use case's name stands in commands, paths and module names: few characters are allowed. Pure."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

from plumbline.core.errors import ParamsError

LONGEST = 100
TAKEN = {
    *("alerts", "gate", "item", "seed", "serve", "shared", "usecases"),
    *("false", "n", "no", "null", "off", "on", "true", "y", "yes"),
}
"""What params.yaml or YAML reads as something else."""
FORM = re.compile(rf"[a-z][a-z0-9_]{{0,{LONGEST - 1}}}")


def check(name: object, where: str = "use case") -> str:
    """The name; ParamsError where a shell, a path or Python could read it as something else.

    >>> check("my_table")
    'my_table'
    """
    if isinstance(name, str) and FORM.fullmatch(name):
        return _free(name, where)
    shown = repr(name) if len(repr(name)) <= LONGEST else f"{repr(name)[:LONGEST]}…"
    raise ParamsError(
        f"{where}: got {shown}, expected lower-case letters, digits and underscores, a letter "
        f"first, at most {LONGEST}; choose another name"
    )


def _free(name: str, where: str) -> str:
    if keyword.iskeyword(name) or name in TAKEN:
        raise ParamsError(
            f"{where}: got '{name}', a word of Python, of YAML or of params.yaml itself; choose another name, "
            f"such as {name}_table"
        )
    return name


def check_all(names: Iterable[object], where: str) -> None:
    """ParamsError for the first that is no name."""
    for name in names:
        check(name, where)
