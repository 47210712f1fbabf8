"""Keeps libraries out of a serving process that others import where they are installed, and that nothing here uses.

pyarrow looks for pandas when it first makes an array: 70 MB and a second of a start.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

REFUSED = frozenset({"matplotlib", "pandas", "sklearn"})


class _Refusing(MetaPathFinder):
    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] in REFUSED:
            raise ModuleNotFoundError(f"{fullname} is kept out of a serving process", name=fullname)
        return None


def refuse() -> None:
    """From now on they are as if not installed; what is loaded already stays."""
    if not any(isinstance(one, _Refusing) for one in sys.meta_path):
        sys.meta_path.insert(0, _Refusing())
