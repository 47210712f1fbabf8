"""A use case put together for serving: everything slow first, then what only one process may hold. An edge."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from plumbline.core import usecase_loader
from plumbline.core.errors import BundleError, PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.model import admission, bundle
from plumbline.ops.serving import bundles, first_routes, live_checks, places, states
from plumbline.ops.serving.states import OnlineState
from plumbline.serve import clock as clocks
from plumbline.serve.log.prediction_log import PredictionLog
from plumbline.serve.log.reader import LogReader
from plumbline.serve.online.actions import Actions
from plumbline.serve.online.checks import CompiledCheck
from plumbline.serve.params import Serve
from plumbline.serve.requests.parts import Observer, Parts
from plumbline.serve.requests.writers import Writers
from plumbline.serve.routes import document, routes_file
from plumbline.serve.routes import router as routers
from plumbline.serve.routes.arms import Arms
from plumbline.serve.routes.bundle_store import BundleStore
from plumbline.serve.routes.live import LiveRoutes
from plumbline.serve.routes.router import Router
from plumbline.serve.service import Service
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
        return Service(
            Parts(
                usecase=self.usecase,
                settings=settings,
                checks=CompiledCheck(self.usecase, settings.late_days),
                live=LiveRoutes(router, _later, settings.route_by),
                writers=Writers(self.usecase.key),
                state=state,
                claims=state if isinstance(state, RedisState) else log,
                log=log,
                reader=reader,
                clock=clocks.of(self.clock, state.newest_time),
                observer=observer,
                live_check=live_checks.of(self.project, self.usecase, router, self.state.writer),
            )
        )

    def _routes_now(self, folder: Path) -> Router:
        """The router; loaded again where the routes were changed since `prepare`.

        Where the checkout has other features than the champion, its own bundle answers from now on.
        """
        arms, known = Arms(self.usecase, self.store), routes_file.read(folder).routes
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
    router = _router(project, usecase, store)
    if router is not None:
        champion = router.current.loaded[router.routes.champion]
        Actions(settings.explore, settings.withhold).check(champion.scorer.bundle)
    state = states.load(project, usecase, settings, process.running, process.writer)
    return Prepared(project, usecase, settings, process.clock, state, store, router)


def _router(project: Path, usecase: FeatureSet, store: BundleStore) -> Router | None:
    """The routes on disk, loaded; None where they are of other features than the checkout's bundle, which is brought."""
    try:
        return routers.opened(store.folder, Arms(usecase, store))
    except BundleError:
        known = routes_file.read(store.folder).routes
        if known is None or _scores(store, known.champion, usecase):
            raise
        if bundles.bring(project, usecase, store, None) == known.champion:
            raise
        return None


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
