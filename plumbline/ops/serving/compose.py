"""A use case put together for serving: everything slow first, then what only one process may hold. An edge."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from plumbline.core import dvc_hash, usecase_loader
from plumbline.core.errors import BundleError, PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.model import admission, bundle
from plumbline.ops.serving import (
    bundles,
    feature_states,
    first_routes,
    live_checks,
    places,
    states,
)
from plumbline.ops.serving.feature_states import FeatureStates
from plumbline.ops.serving.states import EmbeddedState, OnlineState
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.serve import clock as clocks
from plumbline.serve.log.prediction_log import PredictionLog
from plumbline.serve.log.reader import LogReader
from plumbline.serve.online.actions import Actions
from plumbline.serve.online.checks import CompiledCheck
from plumbline.serve.params import Serve
from plumbline.serve.protocols import State
from plumbline.serve.requests.parts import Observer, Parts
from plumbline.serve.requests.writers import Writers
from plumbline.serve.routes import document, routes_file
from plumbline.serve.routes import router as routers
from plumbline.serve.routes.arms import Arms
from plumbline.serve.routes.bundle_store import BundleStore
from plumbline.serve.routes.live import LiveRoutes
from plumbline.serve.routes.router import Router
from plumbline.serve.service import Service
from plumbline.serve.state.memory import MemoryState
from plumbline.serve.state.other_states import OtherStates
from plumbline.serve.state.redis_state import RedisState

messages = logging.getLogger("plumbline")
PATIENCE, PAUSE = 20, 0.1
"""How often, and after how many seconds each, the routes are tried to be held."""


@dataclass(frozen=True)
class Setting:
    """What a use case must know of its process. `running`: another one serves, and is to be replaced; `writer`:
    the name of this one's log where several share the state.
    """

    clock: clocks.Kind = "system"
    running: bool = False
    writer: str = ""


@dataclass
class Prepared:
    """A use case that is loaded, and holds nothing yet that another process may hold."""

    project: Path
    usecase: FeatureSet
    settings: Serve
    clock: clocks.Kind
    state: OnlineState
    store: BundleStore
    router: Router | None
    made: dict[str, EmbeddedState] = field(default_factory=dict)
    others: OtherStates = field(default_factory=OtherStates)

    def slice(self) -> None:
        """Write a part of the states' checkpoints."""
        self.state.slice()
        self.others.slice()

    def open(self, held: ExitStack, observer: Observer) -> Service:
        """Take the log and the routes, and fold what was logged since; `held` lets go of them."""
        name, settings = self.usecase.name, self.settings
        folder = places.folder(self.project, name)
        _take_routes(held, folder)
        on_full: Literal["unlogged", "refuse"] = "unlogged" if settings.unlogged else "refuse"
        place = places.log(self.project, name)
        log = PredictionLog(place, self.usecase, settings.durable, on_full, self.state.writer)
        held.callback(log.close)
        reader = LogReader(place)
        state = self.state.open(log, held)
        router = self._routes_now(folder)
        live = LiveRoutes(router, _later, settings.route_by)
        self._open_others(state, live, log, held)
        return Service(
            Parts(
                usecase=self.usecase,
                settings=settings,
                checks=CompiledCheck(self.usecase, settings.late_days),
                live=live,
                writers=Writers(self.usecase.key),
                state=state,
                claims=state if isinstance(state, RedisState) else log,
                log=log,
                reader=reader,
                clock=clocks.of(self.clock, state.newest_time),
                observer=observer,
                live_check=live_checks.of(self.project, self.usecase, router, self.state.writer),
                others=self.others,
            )
        )

    def _open_others(
        self, state: State, live: LiveRoutes, log: PredictionLog, held: ExitStack
    ) -> None:
        """The states of bundles of other features, now and as they are routed."""
        if isinstance(state, RedisState):
            return
        assert isinstance(state, MemoryState)
        self.others = self._maker().connect(state, live, log, self.made)
        held.callback(self.others.close)
        held.callback(log.flush)

    def _maker(self) -> FeatureStates:
        return FeatureStates(self.project, self.usecase.name, self.settings, self.store)

    def load_others(self, running: bool) -> None:
        """Load what takes time of the states of other features: also of the champions that the checkout's bundle follows."""
        if self.router is not None:
            loaded = self.router.current.loaded
        else:
            known = routes_file.read(self.store.folder).routes
            assert known is not None
            arms = _arms(self.usecase, self.store, self.settings)
            loaded, _ = arms.all(known.bundles, {})
        maker, wanted = self._maker(), feature_states.wanted(loaded.values())
        self.made = {one.features: maker.made(one, running) for one in wanted}

    def _routes_now(self, folder: Path) -> Router:
        """The router; loaded again where the routes were changed since `prepare`.

        Where the checkout has other features than the champion, its own bundle answers from now on.
        """
        arms, known = (
            _arms(self.usecase, self.store, self.settings),
            routes_file.read(folder).routes,
        )
        assert known is not None
        if self.router is None:
            md5 = bundles.bring(self.project, self.usecase, self.store, None)
            new = routes_file.entry(
                document.to_bundle(known, md5), "other features: the checkout's"
            )
            routes_file.write(folder, new)
            messages.warning("%s: the checkout's bundle %s answers now", self.usecase.name, md5)
        elif known.version == self.router.routes.version:
            return self.router
        return routers.opened(folder, arms)


def prepare(project: Path, name: str, settings: Serve, process: Setting) -> Prepared:
    """Load a use case: its bundles, its seed, and what was logged so far."""
    usecase = usecase_loader.load_features(name)
    first_routes.ensure(project, usecase)
    store = BundleStore(places.folder(project, name))
    router = _router(project, usecase, store, settings)
    if router is not None:
        champion = router.current.loaded[router.routes.champion]
        Actions(settings.explore, settings.withhold).check(champion.scorer.bundle)
    state = states.load(project, usecase, settings, process.running, process.writer)
    prepared = Prepared(project, usecase, settings, process.clock, state, store, router)
    prepared.load_others(process.running)
    return prepared


def _arms(usecase: FeatureSet, store: BundleStore, settings: Serve) -> Arms:
    """Bundles of other features stand beside where the state is this process's alone."""
    return Arms(usecase, store, beside=settings.state is None)


def _router(
    project: Path, usecase: FeatureSet, store: BundleStore, settings: Serve
) -> Router | None:
    """The routes on disk, loaded; None where they are of other features than the checkout's bundle, which is brought.

    Routes that had the checkout's bundle before stay: whoever took it out of them meant it.
    """
    if _is_new(project, usecase, store):
        bundles.bring(project, usecase, store, None)
        return None
    try:
        return routers.opened(store.folder, _arms(usecase, store, settings))
    except BundleError:
        known = routes_file.read(store.folder).routes
        if known is None or _scores(store, known.champion, usecase):
            raise
        if bundles.bring(project, usecase, store, None) == known.champion:
            raise
        return None


def _is_new(project: Path, usecase: FeatureSet, store: BundleStore) -> bool:
    """Whether the champion has other features than the checkout, whose bundle was never routed."""
    known = routes_file.read(store.folder).routes
    assert known is not None
    try:
        if _scores(store, known.champion, usecase):
            return False
    except PlumblineError:
        return False
    own = artifacts.path(usecase.name, Role.BUNDLE, project)
    if not own.is_dir():
        return False
    md5 = dvc_hash.md5(own)
    return not any(md5 in entry.routes.bundles for entry in routes_file.history(store.folder))


def _scores(store: BundleStore, md5: str, usecase: FeatureSet) -> bool:
    """Whether a bundle has this use case's features; BundleError where it is damaged."""
    return admission.same_code(bundle.load(store.model(md5), usecase.name, threads=1), usecase)


def _take_routes(held: ExitStack, folder: Path) -> None:
    """Hold the routes; a command that changes them on disk at this moment is waited for."""
    for _ in range(PATIENCE):
        with suppress(PlumblineError):
            held.enter_context(routes_file.serving(folder))
            return
        time.sleep(PAUSE)
    held.enter_context(routes_file.serving(folder))


def _later(work: Callable[[], None]) -> object:
    """Once the loop has nothing older to do."""
    return asyncio.get_running_loop().call_soon(work)
