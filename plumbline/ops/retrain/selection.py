"""A retrain of several use cases, each at the day that its new data end at."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from plumbline import config
from plumbline.core import sealed_days
from plumbline.ops.retrain import as_of, retraining
from plumbline.ops.retrain.retrain_document import RetrainDocument
from plumbline.ops.retrain.retraining import RetrainTarget
from plumbline.repo import artifacts, revisions
from plumbline.repo.artifacts import Role


def retrain(
    root: Path, names: Sequence[str], *, day: date | None, days: int | None
) -> RetrainDocument:
    """Retrain the use cases of `names`, or all, one after another."""
    records = []
    for case in cases(root, names, day=day, days=days):
        with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
            records.append(retraining.retrain(case, Path(folder)))
    base = revisions.commit(root, "HEAD")
    return RetrainDocument(base=base, usecases=tuple(records))


def cases(
    root: Path, names: Sequence[str], *, day: date | None, days: int | None
) -> list[RetrainTarget]:
    """The use cases of `names`, or all, at `day`, or `days` after their present as-of date, or today."""
    today = datetime.now().astimezone().date()
    chosen = []
    for name in config.selected(names):
        data = config.load(name).data
        target = as_of.target(
            name, data, day=day, days=days, today=today, sealed=last_sealed(root, name)
        )
        chosen.append(RetrainTarget(root, name, data.as_of, target))
    return chosen


def last_sealed(root: Path, name: str) -> date | None:
    """The last sealed day of a use case's service; None where none is."""
    source = artifacts.declared(name, Role.SOURCE, root)
    sealed = sealed_days.listed(root / source / sealed_days.FOLDER) if source else []
    return sealed[-1].day if sealed else None
