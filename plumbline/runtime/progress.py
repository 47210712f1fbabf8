"""Progress of a search: one line, rewritten, on a terminal; milestones in a log."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable

from plumbline.tune.search import Trial

MILESTONES = 4

log = logging.getLogger("plumbline")


def progress_callback(planned: int) -> Callable[[Trial, Trial | None], None]:
    """Called after each trial of `planned` with it and the best so far: says how far it has come.

    A failed trial and its reason are always logged.
    """
    started = time.perf_counter()
    every = max(planned // MILESTONES, 1)

    def report(trial: Trial, best: Trial | None) -> None:
        best_text = f"{best.metric:.5g} (trial {best.number})" if best else "none yet"
        seconds = time.perf_counter() - started
        text = f"tune: trial {trial.number} of {planned}, best {best_text}, {seconds:.0f} s"
        if trial.metric is None:
            log.warning("tune: trial %d failed: %s", trial.number, trial.reason)
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{text}" + ("\n" if trial.number == planned else ""))
            sys.stderr.flush()
        elif trial.number % every == 0 or trial.number == planned:
            log.info(text)

    return report
