"""Histories added up once more, from the tiles and every row since, and held against what was logged. An edge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.ops import scoring_model
from plumbline.ops.replay import history_rows, verdicts
from plumbline.ops.replay.replay_document import RefoldedHistories
from plumbline.ops.replay.row_sources import RowSources
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.runtime import dvc_yaml
from plumbline.serve import seed as seeds
from plumbline.serve.log.reader import LAST, LoggedRow
from plumbline.serve.protocols import LoggedEvent
from plumbline.serve.seed import Seed
from plumbline.serve.state import embedded, older_rows
from plumbline.serve.state.memory import MemoryState

MICROS = 86_400_000_000
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class NamedSeed:
    """Tiles, and where they are from."""

    seed: Seed
    name: str


def own_seed(root: Path, usecase: FeatureSet) -> NamedSeed:
    """The tiles of the checkout; PlumblineError where there are none, or they are of other features."""
    if not (root / dvc_yaml.FILE).is_file():
        raise PlumblineError(f"no {dvc_yaml.FILE} in {root.absolute()}; run in a project's root")
    folder = artifacts.path(usecase.name, Role.TILES, root)
    seed = seeds.read(folder)
    seed.check(usecase)
    return NamedSeed(seed, folder.relative_to(root).as_posix())


def seeds_of(root: Path, usecase: FeatureSet, bundle: str) -> Iterator[NamedSeed]:
    """The tiles that a service may have started from: the checkout's, and those of the bundle's commit."""
    with suppress(PlumblineError):
        yield own_seed(root, usecase)
    with suppress(PlumblineError), scoring_model.chosen(root, bundle, usecase.name) as model:
        if model.tiles:
            seed = seeds.read(model.tiles)
            seed.check(usecase)
            yield NamedSeed(seed, f"tiles beside {model.name}")


def refolded(
    usecase: FeatureSet, named: NamedSeed, sources: RowSources, late_days: int
) -> RefoldedHistories:
    """All answers of the days, each with the histories of the rows before it. One pass; memory holds the state."""
    names = [a.name for a in usecase.aggregates]
    own, wanted = older_rows.definitions(usecase), {str(day) for day in sources.days}
    state = embedded.open_memory(usecase, named.seed, (), late_days)
    since = seed_start(named.seed)
    compared = equal = before = others = 0
    by_feature: Counter[str] = Counter()
    for row in older_rows.renewed(state, history_rows.rows(sources, usecase)):
        if isinstance(row, LoggedEvent):
            day = str(date.fromordinal(EPOCH.toordinal() + row.received // MICROS))
            if day in wanted and row.received < since:
                before += 1
            elif day in wanted and row.definitions != own:
                others += 1
            elif day in wanted:
                differing = differences(names, state.values(row.event), row)
                compared, equal = compared + 1, equal + (not differing)
                by_feature.update(differing)
        fold_row(state, row)
    return RefoldedHistories(
        seed=named.name,
        as_of=None if named.seed.as_of is None else str(named.seed.as_of),
        compared=compared,
        equal=equal,
        before_seed=before,
        other_definitions=others,
        by_feature=dict(by_feature.most_common()),
    )


def seed_start(seed: Seed) -> int:
    """Microseconds since 1970 from which on rows are not in the seed."""
    return 0 if seed.as_of is None else (seed.as_of - EPOCH).days * MICROS


def differences(names: list[str], values: list[float], row: LoggedEvent) -> list[str]:
    """The histories that are others than the logged ones."""
    if len(values) != len(row.aggregates):
        return names
    equal = verdicts.same(np.array(values), np.array(row.aggregates))
    return [name for name, one in zip(names, equal, strict=True) if not one]


def fold_row(state: MemoryState, row: LoggedRow) -> None:
    """Count a row."""
    if isinstance(row, LoggedEvent):
        state.add_event(row)
    else:
        state.add_outcome(row)


def traced_state(
    usecase: FeatureSet, seed: Seed, sources: RowSources, row: LoggedEvent, late_days: int
) -> MemoryState:
    """The state as it was for one event: the tiles, and the rows of its entities that had been folded."""
    ids = {c: row.event[c] for c in usecase.entity_columns if row.event.get(c) is not None}
    state = embedded.open_memory(usecase, seed, (), late_days)
    until = min(row.watermark, row.sequence - 1, LAST)
    if any(entity.column is None for entity in usecase.entities):
        ids = {}  # one of the entities is every event
    for one in older_rows.renewed(state, history_rows.rows(sources, usecase, until, ids or None)):
        fold_row(state, one)
    return state
