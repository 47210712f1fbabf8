"""A service of parcels under traffic behind a control socket, and bundles that are worse than its champion in one way.

Git, DVC's remotes and params are the caller's business: `lend` puts plain values in their place.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xgboost

from plumbline.model import bundle
from plumbline.ops.promotion import golden_step, promoting, promotion_checks
from plumbline.ops.promotion.promotion_document import Promotion
from plumbline.ops.promotion.promotion_run import PromotionOptions
from plumbline.ops.serving import places, routing
from plumbline.serve.http.control import Control
from plumbline.serve.params import Serve
from plumbline.serve.promote_params import Promote
from plumbline.serve.routes import canary_watch, document, routes_file
from plumbline.serve.routes.bundle_store import BundleStore
from plumbline.serve.routes.live import LiveRoutes
from plumbline.serve.routes.route_commands import RouteCommands
from plumbline.serve.service import Service
from tests import serviced
from tests.boosting import FEATURES, events, parcels
from tests.bundles import carrying
from tests.routed import golden

NAME = "parcels"
EACH = 20
"""Events of a request."""
RULES = Promote(
    shadow_events=300,
    shadow_seconds=0.1,
    step_seconds=0.15,
    step_events=5,
    few_events=0,
    silence=3.0,
    spare=200_000.0,
)


def matrix(n: int) -> Any:
    """Features and labels."""
    columns = events(1, n)
    return np.stack([columns[f] for f in FEATURES], axis=1).astype(np.float32), columns["broken"]


def trees(
    y: Any, x: Any, seed: int = 1, rounds: int = 20, before: Any = None, **params: Any
) -> Any:
    """Trees of these labels."""
    data = xgboost.DMatrix(x, y, feature_names=list(FEATURES))
    given = {"objective": "binary:logistic", "max_depth": 4, "seed": seed, "nthread": 1, **params}
    return xgboost.train(given, data, rounds, xgb_model=before)


def booster(kind: str, known: Any) -> Any:
    """Of a challenger of this kind."""
    x, y = matrix(1500)
    if kind == "constant":
        return trees(np.zeros(len(y)), x, rounds=1)
    if kind == "inverted":
        return trees(1 - y, x)
    if kind == "slower":
        few = np.arange(300)
        slow = {"eta": 1e-12, "lambda": 1e-9, "min_child_weight": 0, "max_depth": 6}
        return trees(few % 2, x[few], rounds=1000, before=known, **slow)
    return known


def challenger(kind: str, source: Path, target: Path) -> Path:
    """A bundle made from another one: "equal", "constant", "inverted", "slower" or "alarms"."""
    loaded = bundle.load(source)
    described = {k: getattr(loaded.manifest, k) for k in type(loaded.manifest).model_fields}
    described.pop("model_md5")
    changed: dict[str, Any] = {"provenance": {"kind": kind}}
    if kind == "alarms":
        changed["threshold"] = replace(described["threshold"], value=0.0)
    bundle.save(target, booster(kind, loaded.booster), {**described, **changed}, parcels())
    return target


@dataclass
class ServedParcels:
    """A service that answers while the block runs. `bundles`: md5 by kind, in its store; `shares`: largest share that each bundle had."""

    root: Path
    service: Service
    bundles: Mapping[str, str]
    paused: threading.Event = field(default_factory=threading.Event)
    shares: dict[str, int] = field(default_factory=dict)

    @property
    def champion(self) -> str:
        """The bundle in use."""
        return self.service.parts.live.router.routes.champion

    def history(self) -> list[str]:
        """What was done to the routes."""
        folder = places.folder(self.root, NAME)
        return [entry.what for entry in routes_file.history(folder)]

    def routed(self, routing: Any) -> None:
        """Keep the largest share of each bundle."""
        for arm in routing.routes.live:
            self.shares[arm.bundle] = max(self.shares.get(arm.bundle, 0), arm.weight)


def base(folder: Path, kinds: tuple[str, ...]) -> dict[str, str]:
    """Routes to a champion below `folder`, and challengers in its store; their md5s."""
    place = places.folder(folder, NAME)
    source = carrying(folder)
    models = {"champion": source} | {k: challenger(k, source, folder / f"m-{k}") for k in kinds}
    store = BundleStore(place)
    md5s = {
        k: store.put(m, golden(m, parcels(), rows=100), str(m), "the bundle itself")
        for k, m in models.items()
    }
    routes_file.write(
        place, routes_file.entry(document.first(md5s["champion"], "salt"), "first start")
    )
    return md5s


@contextmanager
def serving(root: Path, bundles: Mapping[str, str]) -> Iterator[ServedParcels]:
    """Answer `EACH` events every few milliseconds, in a thread."""
    started, ended = threading.Event(), threading.Event()
    holder: list[ServedParcels] = []
    place = places.folder(root, NAME)

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        with serviced.serving(place, place, jobs=Soon(loop)) as service:
            one = ServedParcels(root, service, bundles)
            live = service.parts.live
            live.router.on_change.append(one.routed)
            control = Control(places.control(root))
            RouteCommands({NAME: live}).register(control.register)
            control.register("stats", lambda _: {})
            await control.open()
            watching = loop.create_task(live.watch.run())
            holder.append(one)
            started.set()
            await _traffic(one, ended)
            watching.cancel()
            await control.close()
            live.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    with routes_file.serving(place):
        thread.start()
        assert started.wait(60)
        try:
            yield holder[0]
        finally:
            ended.set()
            thread.join(60)


@contextmanager
def answering(root: Path, name: str, live: LiveRoutes) -> Iterator[None]:
    """A control socket in a thread, which changes these routes of a use case, whatever it is called."""
    loop, started = asyncio.new_event_loop(), threading.Event()
    control = Control(places.control(root))
    RouteCommands({name: live}).register(control.register)

    def run() -> None:
        loop.run_until_complete(control.open())
        loop.call_soon(started.set)
        loop.run_forever()
        loop.run_until_complete(_ended())
        loop.run_until_complete(control.close())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(60)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()


async def _ended() -> None:
    """Once the answers that are under way are out."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others, timeout=10)


class Soon(list[Callable[[], None]]):
    """The shadows' work: the loop does what is appended."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop

    def append(self, work: Callable[[], None]) -> None:
        """Once the loop has nothing older to do."""
        self._loop.call_soon(work)


KEYS = count(1)


async def _traffic(one: ServedParcels, ended: threading.Event) -> None:
    r = np.random.default_rng(3)
    while not ended.is_set():
        if not one.paused.is_set():
            rows = [
                serviced.parcel(
                    next(KEYS), sender=int(r.integers(0, 400)), height=int(r.integers(1, 200)),
                    kind=str(r.choice(["box", "tube"])), worth=int(r.integers(0, 5000)),
                )
                for _ in range(EACH)
            ]  # fmt: skip
            reply = one.service.score(serviced.body(*rows), f"r{next(KEYS)}")
            assert reply.status == 200, reply.body
        await asyncio.sleep(0.01)


def lend(patch: pytest.MonkeyPatch, bundles: Mapping[str, str], rules: Promote = RULES) -> None:
    """Revisions are kinds of bundles; all are merged, accepted and in the store."""
    section = SimpleNamespace(serve=Serve(promote=rules))
    patch.setattr(promoting, "config", SimpleNamespace(load=lambda _: section))
    commits = {kind: f"{i:040x}" for i, kind in enumerate(bundles)}
    kinds = {commit: bundles[kind] for kind, commit in commits.items()} | dict(bundles)
    patch.setattr(promoting, "revisions", SimpleNamespace(commit=lambda _, rev: commits[rev]))
    patch.setattr(promotion_checks, "recorded", lambda _root, _name, commit, _rev: kinds[commit])
    patch.setattr(promotion_checks, "refusal", lambda *_: None)
    patch.setattr(golden_step, "definitions", lambda _: golden_step.SAME)
    patch.setattr(routing, "bring", lambda _root, _name, commit: kinds[commit])
    from plumbline.core import usecase_loader

    patch.setattr(usecase_loader, "load_features", lambda _: parcels())
    patch.setattr(canary_watch, "PERIOD", 0.03)
    patch.setenv("MLFLOW_TRACKING_URI", "off")


def promote(
    served: ServedParcels, kind: str | None, progress: Callable[[str], None] = lambda _: None
) -> Promotion:
    """By the library, looking often."""
    return promoting.promote(served.root, NAME, kind, PromotionOptions(pause=0.03), progress)
