"""Open the embedded state: the seed, then the rows of the log."""

from __future__ import annotations

from collections.abc import Iterable

from plumbline.core.usecase import FeatureSet
from plumbline.serve.protocols import LoggedEvent, LoggedOutcome
from plumbline.serve.seed import Seed
from plumbline.serve.state import fold, plan, seeding
from plumbline.serve.state.memory import MemoryState


def open_memory(
    usecase: FeatureSet,
    seed: Seed,
    rows: Iterable[LoggedEvent | LoggedOutcome] = (),
    late_days: int = 8,
) -> MemoryState:
    """The state of a use case: the seed with all rows of the log folded over it.

    Rows that the seed holds already count once. `late_days`: how late an event may be, for which moments and
    tiles are kept. Raises PlumblineError where the seed is of other features.
    """
    state = MemoryState(plan.compiled(usecase), late_days)
    seeding.sow(state, seed)
    fold.fold(state, rows)
    return state
