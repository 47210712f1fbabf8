"""Open the embedded state: the seed, then the rows of the log, or a checkpoint and the rows after it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from plumbline.core.usecase import FeatureSet
from plumbline.serve.protocols import LoggedEvent, LoggedOutcome
from plumbline.serve.seed import Seed
from plumbline.serve.state import checkpoint, checkpoint_file, fold, plan, seeding
from plumbline.serve.state.checkpoint_file import CheckpointError, Saved
from plumbline.serve.state.memory import MemoryState

log = logging.getLogger("plumbline")

FILE = "checkpoint.sqlite"
Rows = Iterable[LoggedEvent | LoggedOutcome]


def open_memory(
    usecase: FeatureSet, seed: Seed, rows: Rows = (), late_days: int = 8
) -> MemoryState:
    """The state of a use case: the seed with all rows of the log folded over it.

    Rows that the seed holds already count once. `late_days`: how late an event may be, for which moments and
    tiles are kept. Raises PlumblineError where the seed is of other features.
    """
    state = _sown(usecase, seed, late_days)
    fold.fold(state, rows)
    return state


def reopen_memory(
    usecase: FeatureSet,
    seed: Seed,
    rows: Callable[[int], Rows],
    last: int,
    folder: Path,
    late_days: int = 8,
    *,
    looking: bool = False,
    renew: Callable[[MemoryState, Rows], Rows] = lambda _, rows: rows,
) -> MemoryState:
    """The same state, from the checkpoint in `folder` where it can be used.

    `rows`: the log's rows after a sequence, in order; `last`: the last of them. A checkpoint that is damaged, of
    other features or tiles, or ahead of the log is removed with one warning, and the whole log is folded.
    `looking`: another process may own it; it is left as it is. `renew`: what is done to rows before they are folded.
    """
    state = _sown(usecase, seed, late_days)
    saved = _saved(folder / FILE, state.identity, last, looking)
    if saved is not None:
        checkpoint.restore(state, saved)
    fold.fold(state, renew(state, rows(state.watermark)))
    state.restored()
    return state


def checkpoints(
    state: MemoryState, committed: Callable[[], int], folder: Path
) -> checkpoint.Checkpoint:
    """What writes the state's checkpoints to `folder`. `committed`: the last row of the log on disk."""
    return checkpoint.Checkpoint(folder / FILE, state, committed)


def _sown(usecase: FeatureSet, seed: Seed, late_days: int) -> MemoryState:
    waits = seed.waits(usecase, late_days)
    state = MemoryState(plan.compiled(usecase), late_days, waits)
    seeding.sow(state, seed)
    state.identity = checkpoint.identity(state.plan, seed, late_days)
    return state


def _saved(path: Path, identity: str, last: int, looking: bool) -> Saved | None:
    try:
        return checkpoint_file.read(path, identity, last)
    except CheckpointError as error:
        if looking:
            return None
        log.warning(
            "state: %s is not used: %s; the state is made again from the tiles and the whole log",
            path,
            error,
        )
        checkpoint_file.remove(path)
        return None
