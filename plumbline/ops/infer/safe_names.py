"""Column names that Python, DuckDB and XGBoost all take. Pure."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable

from plumbline.core.declarations import KNOWN_AT

LONGEST = 40
"""Characters of a name that is changed anyway."""
RESERVED = frozenset({KNOWN_AT, "np", "array"})


def renamed(names: Iterable[str]) -> dict[str, str]:
    """By the source's name the contract's: the same where it is a Python identifier.

    >>> renamed(["size", "Unit Price", "class", "2nd", "unit_price"])
    {'size': 'size', 'Unit Price': 'unit_price_2', 'class': 'class_value', '2nd': 'c_2nd', 'unit_price': 'unit_price'}
    """
    names = list(names)
    kept = {n: n for n in names if is_safe(n)}
    taken = {n.casefold() for n in kept}
    for place, name in enumerate(names):
        if name not in kept:
            kept[name] = free(_slug(name) or f"column_{place + 1}", taken)
            taken.add(kept[name].casefold())
    return {name: kept[name] for name in names}


def is_safe(name: str) -> bool:
    """Whether a name can stand in Python code as it is, and in every format."""
    normal = unicodedata.normalize("NFKC", name) == name
    word = name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("__")
    return normal and word and name.casefold() not in RESERVED


def free(name: str, taken: Iterable[str]) -> str:
    """The name, with a number where it is taken.

    >>> free("size", ["size", "size_2"])
    'size_3'
    """
    taken = {t.casefold() for t in taken}
    choices = [name, *(f"{name}_{n}" for n in range(2, len(taken) + 3))]
    return next(c for c in choices if c.casefold() not in taken)


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKC", name)
    word = re.sub(r"\W+", "_", plain).strip("_").lower()[:LONGEST]
    if word[:1].isdigit():
        word = f"c_{word}"
    return word if not word or is_safe(word) else f"{word}_value"
