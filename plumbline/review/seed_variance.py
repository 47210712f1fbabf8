"""Head's training run again with other seeds: what of a difference is luck. An edge: reads DVC's cache.

The seed is the one thing that a person does not mean when they change a model, and it moves every
figure. How far is measured for each change anew, with its own code, settings and tables.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from plumbline.core import tables
from plumbline.core.declarations import Columns
from plumbline.core.errors import PlumblineError
from plumbline.model import boosting, bundle, calibration, matrices, threshold
from plumbline.model.bundle import Bundle
from plumbline.repo import artifacts
from plumbline.repo.object_stores import Folder
from plumbline.review import scoring
from plumbline.review.scoring import Case
from plumbline.runtime.dvc_lock import Entries

APART = 7_919
"""Between two seeds; any number that does not lead back to head's own."""

log = logging.getLogger("plumbline")


@dataclass(frozen=True)
class Luck:
    """Bundles that differ from head's by their seed alone; `reason`: why there are none."""

    bundles: Sequence[Bundle] = ()
    reason: str | None = None

    def as_json(self) -> dict[str, Any]:
        """How many there are, and why none."""
        return {"retrains": len(self.bundles), "reason": self.reason}


def measured(
    cache: Folder, case: Case, head: tuple[str, Entries], others: Sequence[Entries]
) -> Luck:
    """Head's model trained `gate.retrains` times more; none where all others have the same model."""
    count, (name, mine) = case.params.gate.retrains, head
    usecase = case.usecase.name
    own_bundle = artifacts.bundle(mine, usecase)
    if not count or all(own_bundle == artifacts.bundle(other, usecase) for other in others):
        return Luck()
    try:
        own = scoring.run(cache, case, name, mine).scorer
        paths = [
            scoring.object_file(cache, name, *found) for found in artifacts.learned(mine, usecase)
        ]
        if len(paths) != len(artifacts.LEARNED):
            raise PlumblineError(f"{name}: dvc.lock does not say which tables its model learned")
        log.info("compare: %s: %d retrains with other seeds", case.usecase.name, count)
        return Luck(list(retrained(case, own, count, *paths)))
    except (PlumblineError, ValueError) as error:  # ValueError: XGBoost's own
        return Luck(reason=" ".join(str(error).split())[:500])


def retrained(case: Case, own: Bundle, count: int, train: Path, valid: Path) -> Iterator[Bundle]:
    """A bundle per seed: boosted, calibrated and its threshold chosen as `own`'s was."""
    how = case.params.train
    settings = {**own.manifest.params, "nthread": how.threads}
    learn, watch = matrices.binned(case.usecase, settings, train, valid)
    columns = tables.read(valid, needed(case))
    for number in range(1, count + 1):
        seed = (int(settings["seed"]) + number * APART) % 2**31
        boosted = boosting.boost(
            {**settings, "seed": seed},
            learn,
            watch,
            rounds=how.rounds,
            early_stopping=how.early_stopping,
        )
        yield _finished(case, replace(own, booster=boosted.booster), columns)


def needed(case: Case) -> list[str]:
    """The columns that boosting and the threshold read."""
    money = case.params.train.costs.columns if case.params.train.costs else []
    return list(dict.fromkeys([*matrices.needed(case.usecase), *money]))


def _finished(case: Case, one: Bundle, columns: Columns) -> Bundle:
    raw = bundle.raw_score(one.booster, one.features, one.offset, columns)
    label = columns[case.usecase.label].astype(float)
    fitted = calibration.Calibration()
    if case.usecase.problem == "classification":
        fitted = calibration.fit(case.params.train.calibration, raw, label)
    answer = calibration.apply(fitted, raw)
    chosen = threshold.choose(case.usecase, columns, answer, case.params.train.costs)
    said = one.manifest.model_copy(update={"threshold": chosen, "calibration": fitted.as_json()})
    return replace(one, manifest=said, calibration=fitted)
