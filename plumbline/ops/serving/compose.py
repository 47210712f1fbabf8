"""A use case put together for serving: everything slow first, then what only one process may hold. An edge."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from plumbline.core import usecase_loader
from plumbline.core.errors import BundleError
from plumbline.core.usecase import FeatureSet
from plumbline.ops.serving import bundles, first_routes, places
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.serve import clock as clocks
from plumbline.serve import seed
from plumbline.serve.log.prediction_log import PredictionLog
from plumbline.serve.log.reader import LoggedRow, LogReader
from plumbline.serve.online import times
from plumbline.serve.online.checks import CompiledCheck
from plumbline.serve.params import Serve
from plumbline.serve.protocols import LoggedEvent
from plumbline.serve.requests.parts import Observer, Parts
from plumbline.serve.requests.writers import Writers
from plumbline.serve.routes import document, routes_file
from plumbline.serve.routes import router as routers
from plumbline.serve.routes.arms import Arms
from plumbline.serve.routes.bundle_store import BundleStore
from plumbline.serve.routes.live import LiveRoutes
from plumbline.serve.routes.router import Router
from plumbline.serve.service import Service
from plumbline.serve.state import embedded, fold
from plumbline.serve.state.memory import MemoryState

log = logging.getLogger("plumbline")


@dataclass
class Prepared:
    """A use case that is loaded, and holds nothing yet that another process may hold."""

    project: Path
    usecase: FeatureSet
    settings: Serve
    clock: clocks.Kind
    state: MemoryState
    newest: int
    store: BundleStore
    router: Router | None

    def open(self, held: ExitStack, observer: Observer) -> Service:
        """Take the log and the routes, and fold what was logged since; `held` lets go of them."""
        name, settings = self.usecase.name, self.settings
        folder = places.folder(self.project, name)
        held.enter_context(routes_file.serving(folder))
        on_full: Literal["unlogged", "refuse"] = "unlogged" if settings.unlogged else "refuse"
        place = places.log(self.project, name)
        written = PredictionLog(place, self.usecase, settings.durable, on_full)
        held.callback(written.close)
        reader = LogReader(place)
        rows = NewestTime(self.usecase, self.newest)
        fold.fold(self.state, rows.passed(reader.rows(after=self.state.watermark)))
        return Service(
            Parts(
                usecase=self.usecase,
                settings=settings,
                checks=CompiledCheck(self.usecase, settings.late_days),
                live=LiveRoutes(self._routes_now(folder), _later, settings.route_by),
                writers=Writers(self.usecase.key),
                state=self.state,
                log=written,
                reader=reader,
                clock=clocks.of(self.clock, rows.newest),
                observer=observer,
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
            log.warning("%s: the checkout's bundle %s answers now", self.usecase.name, md5)
        elif known.version == self.router.routes.version:
            return self.router
        return routers.opened(folder, arms)


def prepare(project: Path, name: str, settings: Serve, clock: clocks.Kind) -> Prepared:
    """Load a use case: its bundles, its seed, and what was logged so far."""
    usecase = usecase_loader.load_features(name)
    first_routes.ensure(project, usecase)
    folder = places.folder(project, name)
    store = BundleStore(folder)
    tiles = seed.read(artifacts.path(name, Role.TILES, project))
    tiles.check(usecase)
    rows = NewestTime(usecase)
    logged = rows.passed(LogReader(places.log(project, name)).rows())
    state = embedded.open_memory(usecase, tiles, logged, settings.late_days)
    router = _router(project, usecase, store)
    return Prepared(project, usecase, settings, clock, state, rows.newest, store, router)


def _router(project: Path, usecase: FeatureSet, store: BundleStore) -> Router | None:
    """The routes on disk, loaded; None where they are of other features than the checkout's bundle, which is brought."""
    try:
        return routers.opened(store.folder, Arms(usecase, store))
    except BundleError:
        known = routes_file.read(store.folder).routes
        if known is None or bundles.bring(project, usecase, store, None) in known.bundles:
            raise
        return None


class NewestTime:
    """The newest event time among rows that pass, microseconds since 1970; for a clock that follows events."""

    def __init__(self, usecase: FeatureSet, newest: int = 0) -> None:
        self.newest, self._time = newest, usecase.time

    def passed(self, rows: Iterable[LoggedRow]) -> Iterator[LoggedRow]:
        """The rows as they are."""
        for row in rows:
            if self._time is not None and isinstance(row, LoggedEvent):
                self.newest = max(self.newest, times.micros(row.event[self._time]))
            yield row


def _later(work: Callable[[], None]) -> object:
    """Once the loop has nothing older to do."""
    return asyncio.get_running_loop().call_soon(work)
