"""Write and read files: atomically, and with the same bytes for the same content.

Outs are written beside their place and renamed, so that a killed stage leaves the last good one.
"""

from __future__ import annotations

import glob
import json
import math
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to, file or folder; renamed over it when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.parent / f".{path.name}.{os.getpid()}.part"
    _remove(beside)
    try:
        yield beside
        _swap(beside, path)
    finally:
        _remove(beside)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Like `replacing`, for a folder: it exists and is empty when the block starts."""
    with replacing(path) as beside:
        beside.mkdir()
        yield beside


def write_json(path: Path, value: Any) -> None:
    """`value` as JSON: sorted keys, floats rounded to 10 significant digits, no NaN or infinity."""
    with replacing(path) as beside:
        beside.write_text(dumps(value), encoding="utf-8")


def dumps(value: Any) -> str:
    """The text that `write_json` writes.

    >>> dumps({"b": 0.1 + 0.2, "a": float("nan")})
    '{\\n  "a": null,\\n  "b": 0.3\\n}\\n'
    """
    return (
        json.dumps(json_value(value), indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
        + "\n"
    )


def read_json(path: Path) -> Any:
    """The JSON in `path`; PlumblineError naming the file where it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PlumblineError(f"{path}: no such file; run `dvc checkout`, or `dvc repro`") from None
    except ValueError as error:
        raise PlumblineError(
            f"{path}: not valid JSON ({error}); restore it with `dvc checkout`"
        ) from None


def sweep(path: Path) -> None:
    """Remove what killed processes left beside `path` on their way to it, or away from it."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*"):
        match = re.fullmatch(r"\.([0-9]+)\.(part|old)", left.name[len(path.name) + 1 :])
        if match and not _alive(int(match[1])):
            _remove(left)


def _alive(process: int) -> bool:
    import psutil

    try:
        return bool(psutil.Process(process).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def json_value(value: Any) -> Any:
    """`value` as JSON holds it: floats in 10 significant digits, null for one that is not finite."""
    if isinstance(value, dict):
        return {str(k): json_value(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_value(v) for v in value]
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return json_value(value.tolist())
    if isinstance(value, float):
        return _rounded(value) if math.isfinite(value) else None
    return value


def _rounded(value: float) -> float:
    """To 10 significant digits; the largest numbers stay as they are, where rounding up would overflow."""
    shorter = float(f"{value:.10g}")
    return shorter if math.isfinite(shorter) else value


def _swap(beside: Path, path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        old = path.parent / f".{path.name}.{os.getpid()}.old"
        path.rename(old)
        beside.rename(path)
        shutil.rmtree(old)
    else:
        os.replace(beside, path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
