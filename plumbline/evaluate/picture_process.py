"""A second process that draws some of an evaluation's pictures while this one draws the others.

It is started before there is anything to draw, so that its imports cost no time. What it does not draw, because
it was not started or has ended, this process draws: the bytes are the same either way.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import plumbline
from plumbline.core import machine
from plumbline.evaluate import evaluation_plots
from plumbline.evaluate.evaluation_plots import Drawn

OTHERS = frozenset({"quality", "dependence", "contributions", "importance"})
"""The pictures that the second process draws: half of the seconds."""
LEAST = 8_000_000
"""Bytes of the tables from which on a second process is worth its imports."""


class PictureProcess:
    """What draws the pictures of one evaluation, in one process or in two."""

    def __init__(self, process: subprocess.Popen[bytes] | None = None) -> None:
        self._process = process

    @property
    def started(self) -> bool:
        """Whether there is a second process."""
        return self._process is not None

    def kill(self) -> None:
        """End the second process; what it has not drawn, this one draws."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def draw(self, folder: Path, drawn: Drawn) -> None:
        """Write all pictures into the folder."""
        names = set(evaluation_plots.pictures(drawn))
        others = names & OTHERS if self._given(folder, drawn, sorted(names & OTHERS)) else set()
        drawing = True
        try:
            evaluation_plots.draw(folder, drawn, names - others)
            drawing = False
        finally:
            if drawing:
                self.kill()  # nobody writes into a folder that is taken away
        if others and not self._done():
            evaluation_plots.draw(folder, drawn, others)

    def _given(self, folder: Path, drawn: Drawn, names: Sequence[str]) -> bool:
        if self._process is None or self._process.stdin is None:
            return False
        try:
            with Connection(os.dup(self._process.stdin.fileno()), readable=False) as pipe:
                pipe.send((folder.resolve(), drawn, names))
        except OSError:
            return False
        return True

    def _done(self) -> bool:
        return self._process is not None and self._process.wait() == 0


@contextmanager
def beside(tables: Sequence[Path]) -> Iterator[PictureProcess]:
    """A second process where the tables are large and the machine has a processor for it; it ends with the block."""
    size = sum(path.stat().st_size for path in tables if path.is_file())
    if size < LEAST or min(machine.workers(), os.cpu_count() or 1) < 2:
        yield PictureProcess()
        return
    root = str(Path(plumbline.__file__).resolve().parent.parent)
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    with subprocess.Popen(
        [sys.executable, "-m", "plumbline.evaluate.picture_process"],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path},
    ) as process:
        both = PictureProcess(process)
        try:
            yield both
        finally:
            both.kill()


def main() -> None:
    """Draw what comes on the standard input; it is closed when the first process ends."""
    importlib.import_module("matplotlib.backends.backend_agg")  # before there is anything to draw
    try:
        folder, drawn, names = Connection(os.dup(sys.stdin.fileno()), writable=False).recv()
    except EOFError:
        return  # there is nothing to draw
    evaluation_plots.draw(folder, drawn, names)


if __name__ == "__main__":
    main()
