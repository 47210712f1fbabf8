"""Bins of a table on disk: the pages from which boosting reads what memory need not hold."""

from __future__ import annotations

import functools
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from plumbline.core.declarations import Array
from plumbline.model.boosting import Batch, Batches

PAGE = 50_000_000
"""Rows x features of a page on disk: 200 MB as float32 while it is made, half of it as bins."""
PREFIX = "plumbline-pages-"


def folder() -> str:
    """A new folder for the pages of a matrix, where the system keeps temporary files (TMPDIR)."""
    return tempfile.mkdtemp(prefix=PREFIX)


def remove_with(matrix: Any, pages: str) -> None:
    """Remove the folder `pages` when nothing uses the matrix any more, at the latest when the process ends."""
    weakref.finalize(matrix, shutil.rmtree, pages, ignore_errors=True)


def rows_of(features: int) -> int:
    """Rows of a page.

    >>> rows_of(25), rows_of(10**9)
    (2000000, 1)
    """
    return max(1, PAGE // max(1, features))


def kept(batches: Batches) -> Batches:
    """The same batches, read once and held in memory."""
    read = functools.cache(lambda: list(batches.read()))
    return replace(batches, read=lambda: iter(read()))


def grouped(batches: Iterator[Batch], rows: int) -> Iterator[Batch]:
    """The same rows in batches of `rows` each; the last may have fewer. Holds one of them."""
    waiting: list[Batch] = []
    held = 0
    for batch in batches:
        rest = batch
        while held + len(rest.y) >= rows:
            first, rest = _split(rest, rows - held)
            yield _one([*waiting, first])
            waiting, held = [], 0
        if len(rest.y):
            waiting.append(rest)
            held += len(rest.y)
    if held:
        yield _one(waiting)


def _split(batch: Batch, rows: int) -> tuple[Batch, Batch]:
    offset = (None, None) if batch.offset is None else (batch.offset[:rows], batch.offset[rows:])
    return (
        Batch(batch.x[:rows], batch.y[:rows], offset[0]),
        Batch(batch.x[rows:], batch.y[rows:], offset[1]),
    )


def _one(parts: list[Batch]) -> Batch:
    """The batches as one; the list is emptied, so that nothing is held twice."""
    offsets = [p.offset for p in parts if p.offset is not None]
    y = np.concatenate([p.y for p in parts])
    return Batch(_stacked(parts), y, np.concatenate(offsets) if offsets else None)


def _stacked(parts: list[Batch]) -> Array:
    out = np.empty((sum(len(p.y) for p in parts), parts[0].x.shape[1]), np.float32)
    start = 0
    while parts:
        part = parts.pop(0)
        out[start : start + len(part.y)] = part.x
        start += len(part.y)
    return out
