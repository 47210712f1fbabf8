"""What commands of a run parse again and again, kept by the text: what DVC reads as YAML, what Python files import.

Both are pure functions of the text, and take half of a short command. Only what is made of plain Python
values is kept: a copy of it is equal in type and order.
"""

from __future__ import annotations

import hashlib
import marshal
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any


def keep_yaml(folder: Path) -> None:
    """Let ruamel's safe loader look in `folder` for what another command of this run parsed."""
    from ruamel.yaml import YAML

    load = YAML.load
    folder.mkdir()

    def kept(self: YAML, stream: Any) -> Any:
        if not isinstance(stream, str) or self.typ != ["safe"]:
            return load(self, stream)
        return _kept(folder, stream, lambda: load(self, stream))

    YAML.load = kept


def keep_imports(folder: Path) -> None:
    """The same for the names that a Python file imports, which each check of dvc.lock reads."""
    from plumbline.repo import python_imports

    imported = python_imports._imported
    folder.mkdir()
    python_imports._imported = lambda text, file: _kept(folder, text, lambda: imported(text, file))


def _kept(folder: Path, text: str, parse: Callable[[], Any]) -> Any:
    file = folder / hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    with suppress(OSError):
        return marshal.loads(file.read_bytes())
    result = parse()
    with suppress(OSError, ValueError):  # a full disk; a date, which marshal does not write
        beside = file.with_suffix(f".{os.getpid()}")
        beside.write_bytes(marshal.dumps(result))
        beside.rename(file)
    return result
