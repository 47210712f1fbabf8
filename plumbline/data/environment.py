"""Secrets stay in the environment: ${PLUMBLINE_DATA_NAME} in an address stands for a variable's value.

Only variables with this prefix can be named. The prefix is fixed in the library: a pull request changes
params.yaml, and must not choose which keys of the machine are sent to the address that it writes there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from plumbline.core.errors import SourceError

NAME = re.compile(r"\$\{(\w+)\}")
PREFIX = "PLUMBLINE_DATA_"
"""What the name of a variable begins with that params.yaml may name."""


def expand(address: str, key: str) -> str:
    """`address` with the variables' values.

    Raises SourceError, naming key and variable, for one without the prefix or that is not set.
    """
    names = NAME.findall(address)
    refuse_foreign(names, key)
    missing = [name for name in names if name not in os.environ]
    if missing:
        raise SourceError(
            f"{key}: the environment has no variable {missing[0]}; export it, or correct the name"
        )
    return NAME.sub(lambda match: os.environ[match.group(1)], address)


def refuse_foreign(names: Iterable[str], key: str) -> None:
    """SourceError for a variable without the prefix."""
    for name in names:
        if not name.startswith(PREFIX):
            raise SourceError(
                f"{key}: variable {name} is not allowed, expected a name that begins with {PREFIX}: "
                f"others may hold keys that a source must not get; export {PREFIX}..., and name it here"
            )
