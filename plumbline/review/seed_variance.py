"""Seed replicates: train a revision's model again under other seeds. An edge: reads DVC's cache.

The seed moves every figure, and nobody means it when they change a model. How far it moves them is
measured anew for each change, on both sides, each with its own code, settings and tables.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from plumbline.core import tables
from plumbline.core.errors import PlumblineError
from plumbline.model import matrices, tune_result
from plumbline.model.bundle import Bundle
from plumbline.repo import artifacts
from plumbline.repo.object_stores import FolderStore
from plumbline.review import scoring
from plumbline.review.scoring import Criteria
from plumbline.runtime.dvc_lock import Entries
from plumbline.train import fitting

SEED_STEP = 7_919
"""Between two seeds; any number that does not lead back to head's own."""

log = logging.getLogger("plumbline")


@dataclass(frozen=True)
class SeedReplicates:
    """Bundles that differ from a revision's by their seed alone; `reason`: why there are none."""

    bundles: Sequence[Bundle] = ()
    reason: str | None = None


def measure(cache: FolderStore, criteria: Criteria, side: tuple[str, Entries]) -> SeedReplicates:
    """Train the model of a side (name and entries) `gate.seed_replicates` times more."""
    count, (name, entries) = criteria.params.gate.seed_replicates, side
    usecase = criteria.usecase.name
    try:
        own = scoring.run(cache, usecase, name, entries).scorer
        learned = artifacts.learned(entries, usecase)
        paths = [scoring.object_file(cache, name, *table) for table in learned]
        if len(paths) != len(artifacts.LEARNED):
            raise PlumblineError(f"{name}: dvc.lock does not say which tables its model learned")
        log.info("compare: %s: %d seed replicates of %s", usecase, count, name)
        return SeedReplicates(list(replicates(criteria, own, count, *paths)))
    except (PlumblineError, ValueError) as error:  # ValueError: XGBoost's own
        return SeedReplicates(reason=" ".join(str(error).split())[:500])


def replicates(
    criteria: Criteria, own: Bundle, count: int, train: Path, valid: Path
) -> Iterator[Bundle]:
    """A bundle per seed, fitted as the bundle `own` was, from the tables `train` and `valid`."""
    usecase = tune_result.without(criteria.usecase, own.manifest.dropped)
    params = criteria.params.train
    settings = {**own.manifest.params, "nthread": params.threads}
    pair = matrices.binned(usecase, settings, train, valid, params.limits)
    columns = tables.read(valid, fitting.needed_columns(usecase, params.costs))
    refit = "refit" in own.provenance
    both = matrices.both(usecase, settings, train, valid, params.limits) if refit else None
    matrices.weigh(usecase, params.reweigh, pair[0], train)
    matrices.weigh(usecase, params.reweigh, both, train, valid)
    for number in range(1, count + 1):
        seed = (int(settings["seed"]) + number * SEED_STEP) % 2**31
        fitted = fitting.fit(usecase, params, {**settings, "seed": seed}, pair, columns, both)
        entries = {"threshold": fitted.chosen, "calibration": fitted.calibration.as_json()}
        yield replace(
            own,
            booster=fitted.booster,
            calibration=fitted.calibration,
            manifest=own.manifest.model_copy(update=entries),
        )
