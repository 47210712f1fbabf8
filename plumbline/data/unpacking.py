"""An edge that unpacks a compressed file without keeping it: refused where it holds far more than it should."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from plumbline.core.errors import SourceError

FREE = 100_000_000
"""Bytes that any file may unpack to."""
BLOCK = 1 << 20


def check(path: Path, name: str, most: int) -> None:
    """SourceError where a .gz file unpacks to more than `most` times its size, and to more than FREE.

    It stops at that size. A damaged file is left to its reader.
    """
    if path.suffix.lower() != ".gz":
        return
    packed = path.stat().st_size
    bound = max(FREE, most * packed)
    if _exceeds(path, bound):
        raise SourceError(
            f"{name}: {packed:,} bytes unpack to more than {bound:,}, expected at most {most} times its size. "
            "If the file is what it should be, set data.max_unpacking."
        )


def _exceeds(path: Path, bound: int) -> bool:
    size = 0
    try:
        with gzip.open(path) as stream:
            while block := stream.read(BLOCK):
                size += len(block)
                if size > bound:
                    return True
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return False
    return False
