"""Several classes over the whole window: shares of the known labels, probabilities, how far these moved."""

from __future__ import annotations

import numpy as np

from plumbline.core.documents import finite
from plumbline.metrics import bootstrap
from plumbline.metrics.interval import Interval
from plumbline.monitor import distributions
from plumbline.monitor.observe import Observation
from plumbline.monitor.params import Monitor
from plumbline.monitor.result import ClassReport, FigurePair
from plumbline.monitor.window import ScoredWindow, labelled_weeks

SEED = 0


def of(seen: Observation, limits: Monitor) -> tuple[ClassReport, ...]:
    """Each class, in the declared order; () of other problems, or without rows."""
    if seen.past.answers is None or seen.now.answers is None:
        return ()
    if not seen.past.rows or not seen.now.rows:
        return ()
    known = labelled_weeks(seen.past), labelled_weeks(seen.now)
    return tuple(_of_class(seen, known, limits, code) for code in range(len(seen.binning.classes)))


def _of_class(
    seen: Observation, known: tuple[ScoredWindow, ScoredWindow], limits: Monitor, code: int
) -> ClassReport:
    past, now = (float(np.mean(one.answer[:, code])) for one in (seen.past, seen.now))
    psi, shift = distributions.moved(seen, seen.binning.class_scores[code])
    share = None
    if all(one.rows for one in known):
        before, after = (_share(one, limits, code) for one in known)
        share = FigurePair(reference=before, current=after)
    return ClassReport(
        name=seen.binning.classes[code],
        share=share,
        probability_reference=past,
        probability_current=now,
        psi=psi,
        shift=shift,
    )


def _share(known: ScoredWindow, limits: Monitor, code: int) -> Interval:
    unit = bootstrap.units(known.rows, known.day)
    sample = bootstrap.resample(unit, limits.bootstrap, SEED)
    own = (known.label == code).astype(np.float64)
    figure = bootstrap.estimate(sample.mean(own), sample, limits.level)
    return Interval(value=finite(figure.value), low=finite(figure.low), high=finite(figure.high))
