"""The states of bundles whose features are other than the process's own: each row is folded into all of them.

A state is made beside the event loop. The rows that are served meanwhile wait for it, so that it lacks none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from plumbline.core.usecase import FeatureSet
from plumbline.serve.protocols import Draft, LoggedEvent, LoggedOutcome, State
from plumbline.serve.single_event import RawEvent
from plumbline.serve.state.older_rows import PlannedState, Renewal

Row = LoggedEvent | LoggedOutcome
HOME = ""
"""The features of the process itself, beside those of others by the md5 of their definitions."""


class FoldedState(State, PlannedState, Protocol):
    """A state that is made by a plan."""

    def values(self, event: RawEvent, draft: Draft | None = None) -> list[float]:
        """As `State.values`."""
        ...


def _nothing() -> object:
    return None


@dataclass
class OtherState:
    """The state of one set of features. `slice` writes a part of its checkpoint, `close` what is left of it."""

    state: FoldedState
    renewal: Renewal
    slice: Callable[[], object] = field(default=_nothing)
    close: Callable[[], object] = field(default=_nothing)

    @classmethod
    def of(cls, state: FoldedState, features: str) -> OtherState:
        """The state of the features with this md5."""
        return cls(state, Renewal(state, features))

    @property
    def usecase(self) -> FeatureSet:
        """The features."""
        return self.renewal.usecase

    def fold(self, rows: Iterable[Row]) -> None:
        """Fold rows, in the log's order."""
        for row in rows:
            one = self.renewal.of(row)
            if isinstance(one, LoggedEvent):
                self.state.add_event(one)
            else:
                self.state.add_outcome(one)


class OtherStates:
    """States by the md5 of their features. `home`: the process's own; all in the event loop's thread."""

    def __init__(self, home: PlannedState | None = None) -> None:
        self.ready: dict[str, OtherState] = {}
        self._coming: dict[str, list[Row]] = {}
        self._home = home
        self._renewal: Renewal | None = None

    @property
    def home(self) -> Renewal:
        """Rows of other features as the process's own features have them."""
        if self._renewal is None:
            assert self._home is not None
            self._renewal = Renewal(self._home)
        return self._renewal

    def begin(self, features: str) -> None:
        """From now on the rows that are served wait for this state."""
        self._coming[features] = []

    def taken(self, features: str) -> list[Row]:
        """The rows that waited until now."""
        rows, self._coming[features] = self._coming[features], []
        return rows

    def finish(self, features: str, other: OtherState) -> None:
        """The state is there: it folds what waited, and each row from now on."""
        other.fold(self._coming.pop(features, []))
        self.ready[features] = other

    def give_up(self, features: str) -> None:
        """The state could not be made."""
        self._coming.pop(features, None)

    def keep(self, features: Collection[str]) -> None:
        """Let go of the states of all other features."""
        for name in self.ready.keys() - set(features):
            self.ready.pop(name).close()

    def fold(self, rows: Iterable[Row]) -> None:
        """Fold rows that were logged."""
        if self.ready or self._coming:
            given = list(rows)
            for other in self.ready.values():
                other.fold(given)
            for waiting in self._coming.values():
                waiting += given

    def values(self, event: RawEvent, drafts: Mapping[str, Draft]) -> dict[str, tuple[float, ...]]:
        """The event's histories, by features."""
        return {
            name: tuple(other.state.values(event, drafts.get(name)))
            for name, other in self.ready.items()
        }

    def slice(self) -> None:
        """Write a part of each checkpoint."""
        for other in self.ready.values():
            other.slice()

    def close(self) -> None:
        """Write the checkpoints: at the service's end."""
        self.keep(())
