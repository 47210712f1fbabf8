"""Secrets stay in the environment: ${NAME} in an address stands for a variable's value."""

from __future__ import annotations

import os
import re

from plumbline.core.errors import SourceError

NAME = re.compile(r"\$\{(\w+)\}")


def expand(address: str, key: str) -> str:
    """`address` with the variables' values; SourceError, naming the key, where one is not set."""
    missing = [name for name in NAME.findall(address) if name not in os.environ]
    if missing:
        raise SourceError(
            f"{key}: the environment has no variable {missing[0]}; export it, or correct the name"
        )
    return NAME.sub(lambda match: os.environ[match.group(1)], address)
