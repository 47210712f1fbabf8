"""Run a rollback that is killed at a step: `-m tests.faults.killer STEP start|end|undo REV`, or `... recover`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from plumbline.__main__ import main
from plumbline.ops.rollback import journal as journals
from plumbline.ops.rollback import steps, transaction
from plumbline.ops.rollback.journal import Journal


def die() -> None:
    """As by kill -9."""
    os.kill(os.getpid(), signal.SIGKILL)


def step_killed(step: str, when: str) -> None:
    """Make a step the last thing that this process does."""
    done = steps.STEPS[step]

    def killed(root: Path, journal: Journal) -> str:
        if when == "end":
            done(root, journal)
        die()
        return ""

    steps.STEPS[step] = killed


def undo_killed(step: str) -> None:
    """Make a step fail, and the second part of its undoing the last thing."""
    done, undo = steps.STEPS[step], steps.undo

    def failing(root: Path, journal: Journal) -> str:
        done(root, journal)
        raise OSError("and then it broke")

    def killed(root: Path, journal: Journal) -> Iterator[Callable[[], None]]:
        first, *_ = undo(root, journal)
        yield first
        yield die

    steps.STEPS[step], steps.undo = failing, killed


if __name__ == "__main__":
    if sys.argv[1] == "recover":
        with journals.alone(Path(".")):
            transaction.recover(Path("."), print)
    else:
        name, moment, rev = sys.argv[1:]
        undo_killed(name) if moment == "undo" else step_killed(name, moment)
        sys.exit(main(["rollback", rev]))
