"""The states of bundles whose features are other than the checkout's, made of their commits' tiles and the log. An edge.

At a start they are made with the process's own; in a running service beside the event loop, while it answers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.ops.serving import places, states
from plumbline.ops.serving.states import EmbeddedState
from plumbline.serve.log.prediction_log import PredictionLog
from plumbline.serve.params import Serve
from plumbline.serve.routes.arms import LoadedBundle
from plumbline.serve.routes.bundle_store import BundleStore
from plumbline.serve.routes.live import LiveRoutes
from plumbline.serve.routes.router import Routing
from plumbline.serve.state.older_rows import PlannedState
from plumbline.serve.state.other_states import OtherState, OtherStates

messages = logging.getLogger("plumbline")
FEW = 50
"""Rows that the event loop folds at once while requests wait."""
FLUSH = 5.0
"""Seconds that the rows of the log may take to the files."""


@dataclass(frozen=True)
class FeatureStates:
    """Makes the states of one use case's bundles."""

    project: Path
    name: str
    settings: Serve
    store: BundleStore

    def made(self, one: LoadedBundle, running: bool = True) -> EmbeddedState:
        """The state of a bundle's features with the log as it is. Slow. `running`: a process writes it."""
        seed = states.seed_in(self.store.tiles(one.md5), one.scorer.usecase)
        folder = places.features_state(self.project, self.name, one.features)
        usecase = one.scorer.usecase
        return EmbeddedState(self.project, usecase, self.settings, running, seed, folder)

    def connect(
        self,
        home: PlannedState,
        live: LiveRoutes,
        log: PredictionLog,
        made: Mapping[str, EmbeddedState],
    ) -> OtherStates:
        """The states of the features that the routes have now, and of those that they will have. `made`: some of them."""
        others, router = OtherStates(home), live.router
        for one in wanted(router.current.loaded.values()):
            state = made.get(one.features) or self.made(one)
            state.go_on()
            others.finish(one.features, self.opened(one, state, log))
        live.join = partial(self.join, others=others, log=log)
        router.on_change.append(partial(keep, others))
        return others

    def opened(self, one: LoadedBundle, made: EmbeddedState, log: PredictionLog) -> OtherState:
        """As what `OtherStates` holds; rows of these features are logged as theirs."""
        log.describe(one.features, one.scorer.usecase)
        other = OtherState.of(made.state, one.features)
        checkpoint = made.checkpoints(log)
        other.slice, other.close = checkpoint.slice, checkpoint.close
        return other

    async def join(self, one: LoadedBundle, others: OtherStates, log: PredictionLog) -> None:
        """Keep the histories of a bundle's features from now on, those before taken from tiles and log.

        PlumblineError where that cannot be; requests are answered meanwhile.
        """
        if not one.features or one.features in others.ready:
            return
        loop = asyncio.get_running_loop()
        others.begin(one.features)
        with ExitStack() as undo:
            undo.callback(others.give_up, one.features)
            made = await loop.run_in_executor(None, self._made, one, log)
            other = OtherState.of(made.state, one.features)
            while len(rows := others.taken(one.features)) > FEW:
                await loop.run_in_executor(None, other.fold, rows)
            other.fold(rows)
            others.finish(one.features, self.opened(one, made, log))
            undo.pop_all()
        messages.info("%s: the histories of bundle %s are kept beside", self.name, one.md5)

    def _made(self, one: LoadedBundle, log: PredictionLog) -> EmbeddedState:
        if not log.flush(FLUSH):
            raise PlumblineError(
                f"{self.name}: the prediction log is not written, from which the histories of bundle {one.md5} are made; "
                "mend the disk, and try again"
            )
        return self.made(one)


def wanted(loaded: Iterable[LoadedBundle]) -> Iterator[LoadedBundle]:
    """A bundle for each set of features that is not the process's own."""
    yield from {one.features: one for one in loaded if one.features}.values()


def keep(others: OtherStates, routing: Routing) -> None:
    """Let go of the histories that no bundle reads any more."""
    others.keep({one.features for one in routing.loaded.values()})
