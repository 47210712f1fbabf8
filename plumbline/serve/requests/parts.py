"""What the requests of one use case work with, put together when a service starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from plumbline.core.usecase import FeatureSet
from plumbline.serve.clock import Clock
from plumbline.serve.live_check.check import LiveCheck
from plumbline.serve.log.prediction_log import PredictionLog
from plumbline.serve.log.reader import LogReader
from plumbline.serve.online.actions import Actions
from plumbline.serve.online.checks import CompiledCheck
from plumbline.serve.params import Serve
from plumbline.serve.protocols import Claims, State
from plumbline.serve.requests.writers import Writers
from plumbline.serve.routes.live import LiveRoutes
from plumbline.serve.state.other_states import OtherStates


class Observer(Protocol):
    """Who counts what was answered: the metrics, or nobody."""

    def event(self, usecase: str, arm: str, score: float | None, alarm: bool | None) -> None:
        """An event was scored; None where the model does not score it, or of several classes."""

    def flag(self, usecase: str, flag: str) -> None:
        """An answer had a flag."""

    def outcome(self, usecase: str, matched: bool) -> None:
        """An outcome was received."""


@dataclass(frozen=True)
class Parts:
    """One use case, ready to serve. `claims`: the log, or the state that several processes share.

    `state`: of the process's own features; `others`: of the features of other bundles.
    """

    usecase: FeatureSet
    settings: Serve
    checks: CompiledCheck
    live: LiveRoutes
    writers: Writers
    state: State
    claims: Claims
    log: PredictionLog
    reader: LogReader
    clock: Clock
    observer: Observer
    live_check: LiveCheck | None = None
    others: OtherStates = field(default_factory=OtherStates)

    @cached_property
    def actions(self) -> Actions:
        """What is done about events, by the settings."""
        return Actions(self.settings.explore, self.settings.withhold)

    @cached_property
    def columns(self) -> frozenset[str]:
        """The contract's."""
        return frozenset(column.name for column in self.usecase.columns)

    @cached_property
    def id_columns(self) -> tuple[str, ...]:
        """The columns of the entities' ids."""
        return tuple(e.column for e in self.usecase.entities if e.column is not None)

    def state_of(self, features: str) -> State:
        """The state of a bundle's features (`LoadedBundle.features`)."""
        return self.others.ready[features].state if features else self.state

    @property
    def shared(self) -> bool:
        """Whether several processes share the state, which then gives rows their sequence."""
        return self.claims is not self.log
