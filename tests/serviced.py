"""A service of parcels without HTTP: real checks, scorer, state, log and routes, in the test's own thread."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from plumbline.ops.serving.feature_states import FeatureStates
from plumbline.serve import clock
from plumbline.serve.http.metrics import Metrics
from plumbline.serve.log.prediction_log import PredictionLog
from plumbline.serve.log.reader import LogReader
from plumbline.serve.online.checks import CompiledCheck
from plumbline.serve.params import Serve
from plumbline.serve.protocols import State
from plumbline.serve.requests.parts import Parts
from plumbline.serve.requests.writers import Writers
from plumbline.serve.routes import document, routes_file
from plumbline.serve.routes.arms import Arms
from plumbline.serve.routes.bundle_store import BundleStore
from plumbline.serve.routes.live import LiveRoutes
from plumbline.serve.routes.router import opened
from plumbline.serve.service import Service
from plumbline.serve.state import fold, older_rows, plan
from plumbline.serve.state.memory import MemoryState
from plumbline.serve.state.other_states import OtherStates
from tests.boosting import parcels
from tests.routed import store_of, three

FIRST = datetime(2025, 3, 1, 10)


def made(folder: Path) -> Path:
    """The folder of a service whose champion is the first of three bundles."""
    _, md5s = store_of(folder / "service", three(folder))
    first = document.first(md5s[0], "salt")
    routes_file.write(folder / "service", routes_file.entry(first, "first start"))
    return folder / "service"


@contextmanager
def serving(
    base: Path,
    folder: Path,
    *,
    by: clock.Kind = "events",
    shared: Callable[[], State] | None = None,
    writer: str = "",
    jobs: list[Callable[[], None]] | None = None,
    project: Path | None = None,
    **settings: Any,
) -> Iterator[Service]:
    """A service on a copy of what `made` made; started again on the same folder, it goes on. `by`: its clock.

    `shared`: opens the state of several processes; `writer`: the name of this one. `jobs`: where the shadows' work is
    put, which nobody does otherwise. `project`: its root, where bundles of other features may stand beside.
    """
    if not folder.exists():
        shutil.copytree(base, folder)
    usecase, own = parcels(), Serve(**settings)
    on_full = "unlogged" if own.unlogged else "refuse"
    log = PredictionLog(folder / "log", usecase, own.durable, on_full, writer)
    reader = LogReader(folder / "log")
    state = shared() if shared else _embedded(reader, own.late_days)
    later = [] if jobs is None else jobs
    live = LiveRoutes(opened(folder, Arms(usecase, BundleStore(folder))), later.append)
    others = OtherStates()
    if project is not None:
        assert isinstance(state, MemoryState)
        maker = FeatureStates(project, usecase.name, own, BundleStore(folder))
        others = maker.connect(state, live, log, {})
    one = Service(
        Parts(
            usecase=usecase,
            settings=own,
            checks=CompiledCheck(usecase, own.late_days),
            live=live,
            writers=Writers(usecase.key),
            state=state,
            claims=state if shared else log,
            log=log,
            reader=reader,
            clock=clock.of(by),
            observer=Metrics(),
            others=others,
        )
    )
    try:
        yield one
    finally:
        log.flush()
        others.close()
        log.close()


def _embedded(reader: LogReader, late_days: int) -> State:
    state = MemoryState(plan.compiled(parcels()), late_days)
    state.begin(20148, 20148)  # as a seed whose days end before FIRST
    fold.fold(state, older_rows.renewed(state, reader.rows()))
    return state


def parcel(number: int, days: float = 0.0, **changed: Any) -> dict[str, Any]:
    """A raw event as JSON has it."""
    at = (FIRST + timedelta(days=days)).isoformat() + "Z"
    event = {
        "number": number,
        "at": at,
        "sender": 1,
        "height": 80 + number,
        "kind": "box",
        "worth": 900,
    }
    return {**event, **changed}


def body(*events: Any) -> bytes:
    """A request's body."""
    return json.dumps({"events": list(events)}).encode()


def answers(service: Service, *events: Any) -> list[dict[str, Any]]:
    """The answers to events; they must be answered."""
    reply = service.score(body(*events), "request")
    assert reply.status == 200, reply.body
    found: list[dict[str, Any]] = json.loads(reply.body)["answers"]
    return found


def counts(service: Service) -> tuple[int, int]:
    """What a request that counts nothing leaves as it is."""
    return service.parts.log.last_sequence, service.parts.state.watermark
