"""How far a log came, noted beside its files, so that one whose newest files are gone is not numbered anew.

An edge: files. The note is written when a day is over and at the end; a full disk does not matter.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from plumbline.serve.protocols import LogError


def note(folder: Path, writer: str, sequence: int) -> None:
    """Note the last sequence that was written."""
    place = _place(folder, writer)
    with suppress(OSError):
        beside = place.with_suffix(".tmp")
        beside.write_text(f"{sequence}\n")
        os.replace(beside, place)


def check(folder: Path, writer: str, found: int) -> None:
    """LogError where the files end before a sequence that was written."""
    try:
        noted = int(_place(folder, writer).read_text())
    except (OSError, ValueError):
        return
    if noted > found:
        raise gone(folder, noted, found)


def gone(folder: Path, noted: int, found: int) -> LogError:
    """What to do about a log that ends before a row that was written."""
    return LogError(
        f"{folder}: expected a log up to row {noted}, found {found}: its newest files are gone. Put them back; or "
        "begin anew: move the whole folder elsewhere, and the service's state with it"
    )


def _place(folder: Path, writer: str) -> Path:
    return folder / (f"{writer}.last" if writer else "last")
