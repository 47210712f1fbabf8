"""The routes of a running service: what answers now, and how that changes. All in the event loop's thread.

`current` is one immutable object, replaced whole: whoever takes it once per request answers with the bundle
that the answer names. The disk comes after: a red button works from memory, and what could not be written is
tried again until it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plumbline.core.errors import BundleError, PlumblineError
from plumbline.serve.routes import document, routes_file
from plumbline.serve.routes.arms import Arms, LoadedBundle
from plumbline.serve.routes.choice import slot
from plumbline.serve.routes.document import Routes
from plumbline.serve.routes.writer import RoutesWriter

log = logging.getLogger("plumbline")


@dataclass(frozen=True, slots=True)
class LoadedArm:
    """An arm with its bundle, as a request uses it."""

    name: str
    loaded: LoadedBundle
    version: int

    @property
    def bundle(self) -> str:
        """The md5 of the bundle."""
        return self.loaded.md5


@dataclass(frozen=True)
class Routing:
    """The routes and their loaded bundles. `alone`: the arm that answers all, if one does."""

    routes: Routes
    loaded: Mapping[str, LoadedBundle]
    slots: tuple[LoadedArm, ...]
    shadows: tuple[LoadedArm, ...]
    alone: LoadedArm | None

    @staticmethod
    def of(routes: Routes, loaded: Mapping[str, LoadedBundle]) -> Routing:
        """Ready for requests; KeyError where a bundle that answers is not loaded."""
        arms = {
            a.name: LoadedArm(a.name, loaded[a.bundle], routes.version)
            for a in routes.live
            if a.weight
        }
        shadows = tuple(
            LoadedArm(a.name, loaded[a.bundle], routes.version)
            for a in routes.shadows
            if a.bundle in loaded
        )
        slots = tuple(arms[name] for name in routes.owners)
        kept = {md5: one for md5, one in loaded.items() if md5 in routes.bundles}
        return Routing(routes, kept, slots, shadows, slots[0] if len(arms) == 1 else None)

    def choose(self, value: Any) -> LoadedArm:
        """The arm that answers the entity with this id (`choice.routed_by`)."""
        return self.alone or self.slots[slot(self.routes.salt, value)]


class Router:
    """The live routes of one use case. `on_change` is called after each switch, in the same thread."""

    def __init__(
        self, routing: Routing, arms: Arms, writer: RoutesWriter, repaired: str = ""
    ) -> None:
        self.current, self.arms, self.writer = routing, arms, writer
        self._repaired = repaired
        self.on_change: list[Callable[[Routing], None]] = []

    @property
    def routes(self) -> Routes:
        """The routes that answer now."""
        return self.current.routes

    def settle(self) -> None:
        """Write down what was repaired at the start, once no other process serves any more."""
        if self._repaired:
            self.writer.put(routes_file.entry(self.routes, self._repaired))
            self._repaired = ""

    def load(self, md5: str) -> LoadedBundle:
        """A bundle, from memory or the store. Slow: call it beside the event loop."""
        known = self.current.loaded
        return known[md5] if md5 in known else self.arms.admit(md5)

    def switch(
        self, routes: Routes, what: str, loaded: Mapping[str, LoadedBundle] | None = None
    ) -> None:
        """Answer by these routes from now on, and write them down. `loaded`: bundles that are new.

        Raises PlumblineError where the routes are not of the version after the current, or a bundle is missing.
        """
        if routes.version != self.routes.version + 1:
            raise PlumblineError(
                f"the routes changed meanwhile (version {self.routes.version}); look at them and try again"
            )
        whole = {**self.current.loaded, **(loaded or {})}
        missing = {a.bundle for a in routes.arms} - whole.keys()
        if missing:
            raise BundleError(f"bundle {min(missing)}: not loaded; add it first")
        self._set(routes, what, whole)

    def red_button(self, what: str = "red-button") -> Routes:
        """Back to the champion before; nothing but memory is needed. Returns the routes from now on."""
        routes = document.red_button(self.routes, self.current.loaded)
        self._set(routes, what, self.current.loaded)
        return routes

    def unwritten(self) -> str:
        """What could not be written to the disk yet, and why; "" where all is."""
        return self.writer.problem

    def _set(self, routes: Routes, what: str, loaded: Mapping[str, LoadedBundle]) -> None:
        self.current = Routing.of(routes, loaded)  # the one assignment
        self.writer.put(routes_file.entry(routes, what))
        for call in self.on_change:
            call(self.current)


def opened(folder: Path, arms: Arms) -> Router:
    """The router of a service that starts, from the routes on disk.

    A challenger or shadow that cannot be loaded is left out, with a warning: the champion answers for it. So
    does it for a canary that nobody watched. Nothing is written before `settle`: another process may serve
    still. Raises PlumblineError where there are no routes, or the
    champion cannot be loaded.
    """
    known = routes_file.read(folder)
    for note in known.notes:
        log.warning("%s", note)
    if known.routes is None:
        raise PlumblineError(
            f"{folder / routes_file.FILE}: no routes yet; `plumbline serve` makes them at its first start"
        )
    loaded, problems = arms.all(known.routes.bundles, {})
    if known.routes.champion in problems:
        raise BundleError(
            f"{problems[known.routes.champion]}. It is the champion; `plumbline red-button "
            f"{arms.usecase.name}` returns to the one before"
        )
    for md5 in problems.keys() & set(known.routes.champions):
        log.warning("the champion before, which the red button cannot return to: %s", problems[md5])
    routes, what = _repaired(known.routes, problems)
    if what:
        log.warning("%s: %s", arms.usecase.name, "; ".join(what))
    return Router(Routing.of(routes, loaded), arms, RoutesWriter(folder), "; ".join(what))


def _repaired(routes: Routes, problems: Mapping[str, str]) -> tuple[Routes, list[str]]:
    """The routes without what cannot be loaded or was not watched, and why."""
    what = [
        f"bundle {md5} is left out: {problem}"
        for md5, problem in problems.items()
        if any(a.bundle == md5 for a in routes.arms)
    ]
    if routes.canary:
        what.append(
            f"the canary of {routes.canary.challenger} was not watched to its end; the champion answers"
        )
    if routes.canary or any(a.weight and a.bundle in problems for a in routes.live):
        routes = document.to_bundle(routes, routes.champion)
    arms = [a for a in routes.arms if a.bundle not in problems]
    return (document.changed(routes, arms) if len(arms) < len(routes.arms) else routes), what
