"""A what-if while rows stream by: how each live event was decided, how it would be, what either costs. Pure."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import numpy as np

from plumbline.core.declarations import Array
from plumbline.core.usecase import FeatureSet
from plumbline.evaluate import decision_costs
from plumbline.model.bundle import Bundle
from plumbline.model.decisions import APPROVE, BLOCK, REVIEW
from plumbline.ops.replay.alternatives import Alternative, OtherAnswers
from plumbline.ops.replay.bundles import NoBundle, ReplayBundle
from plumbline.ops.replay.labels import Labels
from plumbline.ops.replay.pricing import Pricing
from plumbline.ops.replay.served_rows import ServedRows
from plumbline.ops.replay.verdicts import RowVerdicts

GROUPS = 2_000
"""Groups of entities, by a hash of their id, that intervals draw together: it bounds the memory."""
SECOND = 1_000_000
NAMES = {APPROVE: "no alarm", BLOCK: "alarm"}
"""Of a model that declares no decisions."""


@dataclass(frozen=True)
class DecidedEvents:
    """n live events that both ways answer.

    `day` int (n,): of the event, since 1970; `time` int64 (n,) in microseconds; `group` int (n,): of its entity.
    `logged`, `other` int (n,): places of the decisions. `costs_logged`, `costs_other`, `costs_declared` float64
    (n, k): what they cost by how the event comes out; of no columns without prices. `label`: object (n,), None where
    not known. `hidden` bool (n,): the decision withheld the label, `propensity` (n,) of what was done.
    """

    day: Array
    time: Array
    group: Array
    logged: Array
    other: Array
    costs_logged: Array
    costs_other: Array
    costs_declared: Array
    costs_passed: Array
    outcome: Array
    hidden: Array
    propensity: Array

    def __len__(self) -> int:
        return len(self.day)

    def where(self, chosen: Array) -> DecidedEvents:
        """The events of a mask (n,)."""
        return DecidedEvents(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


@dataclass
class WhatIfCounts:
    """The live events so far. `pricing`: None where nothing has a price; `withhold`: decisions that hide the label."""

    usecase: FeatureSet
    alternative: Alternative
    labels: Labels
    pricing: Pricing | None = None
    before: Pricing | None = None
    withhold: frozenset[str] = frozenset({"block"})
    events: int = 0
    unanswered: int = 0
    notes: Counter[str] = field(default_factory=Counter)
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    moved: float = 0.0
    parts: list[DecidedEvents] = field(default_factory=list)

    def add(self, found: ReplayBundle | NoBundle, rows: ServedRows, verdicts: RowVerdicts) -> None:
        """Count rows of one bundle; only live ones that were scored."""
        live = (rows.facts["mode"] == "live") & (rows.width > 0)
        self.events += int(live.sum())
        if isinstance(found, NoBundle) or verdicts.rescored is None:
            self._leave(
                int(live.sum()),
                found.problem if isinstance(found, NoBundle) else "their events are not there",
            )
            return
        answers = self.alternative.places(found, rows, verdicts.rescored)
        if answers.places is None:
            self._leave(int(live.sum()), answers.note)
            return
        self._count(found.bundle, rows, verdicts, answers, np.flatnonzero(live))

    def decided(self) -> DecidedEvents | None:
        """All events that both ways answer; None where there is none."""
        if not self.parts:
            return None
        names = DecidedEvents.__dataclass_fields__
        return DecidedEvents(*(np.concatenate([getattr(p, n) for p in self.parts]) for n in names))

    def _leave(self, count: int, note: str) -> None:
        if count:
            self.unanswered += count
            self.notes[note] += count

    def _count(
        self,
        model: Bundle,
        rows: ServedRows,
        verdicts: RowVerdicts,
        answers: OtherAnswers,
        live: Array,
    ) -> None:
        assert verdicts.rescored is not None
        assert answers.places is not None
        other_model = self.alternative.bundle.bundle if self.alternative.bundle else model
        logged = as_logged(model, rows)[live]
        other = answers.places[live]
        words = _words(model, logged), _words(other_model, other)
        self.pairs.update(zip(*words, strict=True))
        self.moved += float(np.abs(answers.score[live] - rows.score[live, 0]).sum())
        columns = {n: v[live] for n, v in verdicts.rescored.columns.items()}
        self.parts.append(self._part(rows.take(live), columns, logged, other))

    def _part(
        self, rows: ServedRows, columns: dict[str, Array], logged: Array, other: Array
    ) -> DecidedEvents:
        time = _times(self.usecase, rows, columns)
        label = self.labels.of(rows.facts["key"])
        propensity = rows.facts["propensity"].astype(np.float64)
        nothing = np.zeros((len(rows), 0))
        before = self.before or self.pricing
        return DecidedEvents(
            day=time // (86_400 * SECOND),
            time=time,
            group=_groups(self.usecase, rows, columns),
            logged=logged,
            other=other,
            costs_logged=self.pricing.of(columns, logged) if self.pricing else nothing,
            costs_other=self.pricing.of(columns, other) if self.pricing else nothing,
            costs_declared=before.of(columns, logged) if before else nothing,
            costs_passed=self.pricing.of(columns, np.full(len(rows), APPROVE))
            if self.pricing
            else nothing,
            outcome=self.pricing.outcome(self.usecase, label)
            if self.pricing
            else np.full(len(rows), np.nan),
            hidden=self._hidden(rows, label, propensity),
            propensity=propensity,
        )

    def _hidden(self, rows: ServedRows, label: Array, propensity: Array) -> Array:
        """Whether what was done withholds the label: by design where some are let through, else where none came."""
        action = rows.facts["action"]
        policy = zip(action, rows.facts["decision"], rows.facts["alarm"], strict=True)
        as_decided = np.array([a == _action(d, alarm) for a, d, alarm in policy], bool)
        held = np.array([a in self.withhold for a in action], bool)
        lost = np.array([one is None for one in label], bool)
        return np.where(propensity < 1, as_decided & held, held & lost)


def _action(decision: str | None, alarm: bool | None) -> str:
    """What the policy says is to be done: the decision, else whether there is an alarm."""
    if decision is not None:
        return decision
    return "alarm" if alarm else "none"


def as_logged(model: Bundle, rows: ServedRows) -> Array:
    """The places of the decisions that were logged, int (n,)."""
    decisions, policy = rows.facts["decision"], model.manifest.decisions
    if model.classes:
        places = {str(name): i for i, name in enumerate(model.classes)}
        return np.array([places.get(str(d), 0) for d in decisions], np.int64)
    if policy:
        places = {name: i for i, name in enumerate(policy.names)}
        return np.array([places.get(str(d), APPROVE) for d in decisions], np.int64)
    return np.where(rows.facts["alarm"].astype(bool), BLOCK, APPROVE)


def _words(model: Bundle, places: Array) -> Sequence[str]:
    """The decisions' names."""
    if model.classes:
        return [str(model.classes[i]) for i in places]
    policy = model.manifest.decisions
    names = dict(enumerate(policy.names)) if policy else {**NAMES, REVIEW: "review"}
    return [names[i] for i in places.tolist()]


def _times(usecase: FeatureSet, rows: ServedRows, columns: dict[str, Array]) -> Array:
    """Microseconds since 1970 of the events; of a plain table, of their receipt."""
    if usecase.time is None:
        return rows.facts["received"].astype(np.int64)
    return columns[usecase.time].astype("datetime64[us]").astype(np.int64)


def _groups(usecase: FeatureSet, rows: ServedRows, columns: dict[str, Array]) -> Array:
    """A group of entities for each event, by the first entity that is declared; else of events by their key."""
    column = next(iter(usecase.entity_columns), None)
    values: Iterable[Any] = rows.facts["key"] if column is None else columns[column].tolist()
    return np.array([zlib.crc32(str(v).encode()) % GROUPS for v in values], np.int64)


def within(events: DecidedEvents, capacity: int | None) -> DecidedEvents:
    """The events with reviews beyond a day's capacity priced as let through, in either way to answer."""
    if capacity is None:
        return events
    days = events.day.astype("datetime64[D]")
    costs = {}
    for name in ("logged", "other"):
        places = getattr(events, name)
        over = decision_costs.within(days, events.time, places, capacity) != places
        costs[f"costs_{name}"] = np.where(
            over[:, None], events.costs_passed, getattr(events, f"costs_{name}")
        )
    return replace(events, **costs)


def due(usecase: FeatureSet, events: DecidedEvents, until: int) -> Array:
    """The events whose label has had its delay before `until`, microseconds since 1970; bool (n,)."""
    delay = usecase.delay // timedelta(microseconds=1) if usecase.time else 0
    return events.time + delay < until
