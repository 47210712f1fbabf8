"""Bundles of older and newer features in one service: each has its own histories, from shadow to champion and back."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xgboost

from plumbline.core import documents
from plumbline.core.declarations import Array, Column, Row, Snapshot
from plumbline.core.errors import BundleError
from plumbline.core.usecase import UseCase
from plumbline.features.tile_documents import INDEX, RECENT, TilesDocument
from plumbline.model import bundle, logged_definitions, manifest
from plumbline.ops.serving import live_checks, places
from plumbline.serve import scoring
from plumbline.serve.log import export
from plumbline.serve.online.openapi import Served
from plumbline.serve.protocols import LoggedEvent
from plumbline.serve.routes import arms, document, other_features, routes_file
from plumbline.serve.routes.arms import Arms
from plumbline.serve.routes.bundle_store import COMMIT, BundleStore, Golden
from plumbline.serve.routes.route_commands import RouteCommands
from plumbline.serve.service import Service
from plumbline.serve.state import fold, older_rows, plan
from plumbline.serve.state.memory import MemoryState
from tests import serviced
from tests.boosting import events, height_over_mean, parcels
from tests.bundles import carrying
from tests.routed import golden
from tests.serviced import answers, parcel

NAME = "parcels"
SPAN = (80, 140)
"""Constants of a row function travel with it."""


def in_span(height: Array, sender_count_3d: Array) -> Array:
    """Whether the height is usual, times the sender's parcels, count."""
    return ((height >= SPAN[0]) & (height < SPAN[1])) * sender_count_3d


NEWER = ("height", "kind_code", "sender_count_3d", "in_span", "height_over_mean", "sender_max_5d")


def newer(**changed: Any) -> UseCase:
    """The use case with other features: two more histories, one of them of a derived feature, and one more function."""
    snapshots = (
        Snapshot("sender_count_3d", "sender", "count", 3, "parcels"),
        Snapshot("sender_mean_7d", "sender", "mean", 7, "mean height", "height", default=50.0),
        Snapshot("sender_max_5d", "sender", "sum", 5, "sum of spans", "in_span"),
    )
    given: dict[str, Any] = {
        "snapshots": snapshots,
        "rows": (Row(in_span), Row(height_over_mean)),
        "derived": ("in_span",),
        "features": NEWER,
    }
    return parcels(**{**given, **changed})


def table_of(usecase: UseCase, rows: int) -> dict[str, Any]:
    """Raw events with the histories that a use case has."""
    columns = events(9, rows)
    chance = np.random.default_rng(4)
    columns |= {
        f.name: chance.integers(0, 9, rows).astype(float)
        for f in usecase.aggregates
        if f.name not in columns
    }
    names = [*(c.name for c in usecase.known), *(f.name for f in usecase.aggregates)]
    return {n: columns[n] for n in names}


def trained(source: Path, target: Path, usecase: UseCase) -> Path:
    """A bundle of these features, else described as another one."""
    loaded = bundle.load(source)
    entries = {k: getattr(loaded.manifest, k) for k in type(loaded.manifest).model_fields}
    entries.pop("model_md5")
    x = np.random.default_rng(1).integers(0, 200, (400, len(usecase.features))).astype(np.float32)
    data = xgboost.DMatrix(
        x, (x[:, 0] + x[:, 2] > 150).astype(int), feature_names=list(usecase.features)
    )
    trees = xgboost.train(
        {"objective": "binary:logistic", "max_depth": 3, "seed": 1, "nthread": 1}, data, 10
    )
    bundle.save(target, trees, {**entries, **manifest.describe(usecase)}, usecase)
    return target


def tiles(folder: Path, usecase: UseCase) -> Path:
    """Tiles that hold nothing before the service's first day."""
    folder.mkdir(parents=True)
    first = date(2025, 3, 1)
    about = TilesDocument(
        as_of=first,
        first_day=first,
        recent_from=first,
        definitions=manifest.definitions(usecase),
        files=(),
    )
    documents.write(folder / INDEX, about)
    pq.write_table(pa.table({}), folder / RECENT)
    return folder


def put(store: BundleStore, model: Path, usecase: UseCase, recorded_by: str = COMMIT) -> str:
    """A bundle in the store with golden events and tiles of its features, as a commit records it."""
    table = pa.table(table_of(usecase, 30))
    found = scoring.answers(arms.load(model, usecase), table)
    held = Golden(table, pa.table({"score": found["score"]}))
    return store.put(
        model, held, "a commit", recorded_by, tiles(model.parent / f"tiles-{model.name}", usecase)
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A project whose service has an older bundle, and a newer one in its store; their md5s."""
    root = tmp_path_factory.mktemp("project")
    place = places.folder(root, NAME)
    source = carrying(root)
    store = BundleStore(place)
    old = store.put(
        source, golden(source, parcels()), "a commit", COMMIT, tiles(root / "tiles", parcels())
    )
    new = put(store, trained(source, root / "newer", newer()), newer())
    routes_file.write(place, routes_file.entry(document.first(old, "salt"), "first start"))
    return root, old, new


class Ran:
    """A copy of the project with its service, asked as by the control socket."""

    def __init__(self, service: Service, old: str, new: str) -> None:
        self.service, self.old, self.new = service, old, new
        self.live = service.parts.live

    def do(self, do: str, **request: Any) -> dict[str, Any]:
        async def ask() -> dict[str, Any]:
            handlers: dict[str, Callable[[Any], Any]] = {}
            RouteCommands({NAME: self.live}).register(handlers.__setitem__)
            given: dict[str, Any] = await handlers[do]({"do": do, "usecase": NAME, **request})
            return given

        return asyncio.run(ask())

    def rows(self) -> list[LoggedEvent]:
        self.service.parts.log.flush()
        return [r for r in self.service.parts.reader.rows() if isinstance(r, LoggedEvent)]


def copied(made: tuple[Path, str, str], folder: Path) -> Path:
    shutil.copytree(made[0] / ".plumbline", folder / ".plumbline")
    return folder


def stream(start: int, count: int) -> list[dict[str, Any]]:
    """Events of a few senders over some days."""
    return [
        parcel(n, days=n / 7, sender=n % 3, height=60 + 7 * n % 120)
        for n in range(start, start + count)
    ]


def expected(usecase: UseCase, rows: list[LoggedEvent]) -> list[tuple[float, ...]]:
    """Each live row's histories by a process that has these features and served all."""
    state, given = MemoryState(plan.compiled(usecase), 8), []
    state.begin(20148, 20148)
    for row in [r for r in rows if r.mode == "live"]:
        given.append(tuple(state.values(row.event)))
        fold.fold(state, older_rows.renewed(state, [row]))
    return given


@pytest.mark.capability("J4", "J6")
def test_newer_features_go_from_shadow_to_champion_and_back_at_once(made, tmp_path: Path):
    root, (_, old, new) = copied(made, tmp_path), made
    place, jobs = places.folder(root, NAME), []
    with serviced.serving(place, place, project=root, jobs=jobs) as service:
        ran = Ran(service, old, new)
        answers(service, *stream(0, 10))
        ran.do("routes", action="add", name="newer", bundle=new, mode="shadow")
        answers(service, *stream(10, 10))
        while jobs:
            jobs.pop(0)()
        ran.do("routes", action="remove", name="newer")
        ran.do("routes", action="add", name="newer", bundle=new)
        ran.do("routes", action="set", weights={"newer": 50})
        half = answers(service, *stream(20, 30))
        ran.do("routes", action="set", weights={"newer": 100})
        assert {a["bundle"] for a in half} == {old, new}
        assert {a["bundle"] for a in answers(service, *stream(50, 5))} == {new}
        given = json.loads(service.features(serviced.body(stream(60, 1)[0])).body)
        assert set(given["features"][0]["features"]) >= {"sender_count_3d", "in_span"}
        ran.do("red-button")
        assert {a["bundle"] for a in answers(service, *stream(55, 5))} == {old}
        rows = ran.rows()
    live = [r for r in rows if r.mode == "live"]
    own = {old: expected(parcels(), rows), new: expected(newer(), rows)}
    assert [r.aggregates for r in live] == [own[r.bundle][i] for i, r in enumerate(live)]
    shadows = {r.key: r for r in rows if r.mode == "shadow"}
    assert len(shadows) == 10
    for place_, row in enumerate(live):
        if row.key in shadows:
            assert shadows[row.key].aggregates == own[new][place_]
    assert {r.definitions for r in live if r.bundle == new} == {logged_definitions.of(newer())}


def test_what_looks_at_the_champion_takes_its_own_features(made, tmp_path: Path):
    """The live check's baseline, an explanation, the description of the service."""
    root, (_, old, new) = copied(made, tmp_path), made
    place = places.folder(root, NAME)
    with serviced.serving(place, place, project=root) as service:
        ran = Ran(service, old, new)
        ran.do("routes", action="add", name="newer", bundle=new)
        ran.do("routes", action="set", weights={"newer": 100})
        answers(service, *stream(0, 3))
        router = ran.live.router
        check = live_checks.of(root, parcels(), router, "")
        assert check._baseline(new).watched == check._baseline(old).watched
        reply = service.explain(json.dumps({"explain": [{"number": 2}]}).encode())
        assert "sender_count_3d" in reply.body.decode()
        loaded = router.current.loaded[new]
        served = Served(loaded.compiled, new, 8, contract=parcels())
        assert served.example(serviced.FIRST)[1] is not None
        assert service.stats()["champion"] == new


def test_a_bundle_of_fewer_columns_answers_beside_a_contract_that_grew(made, tmp_path: Path):
    grown = (*parcels().columns[:6], Column("depth", "int", "mm", "depth"), *parcels().columns[6:])
    store = BundleStore(places.folder(copied(made, tmp_path), NAME))
    one = Arms(parcels(columns=grown), store).admit(made[1])
    assert one.features == one.definitions
    event = {c.name: 1 for c in parcels(columns=grown).known} | {
        "kind": "box",
        "at": serviced.FIRST,
    }
    assert one.compiled.score([event], [[50.0]])[0].score


def test_a_start_again_has_both_and_goes_on(made, tmp_path: Path):
    root, (_, old, new) = copied(made, tmp_path), made
    place = places.folder(root, NAME)
    with serviced.serving(place, place, project=root) as service:
        ran = Ran(service, old, new)
        answers(service, *stream(0, 20))
        ran.do("routes", action="add", name="newer", bundle=new)
        ran.do("routes", action="set", weights={"newer": 100})
        answers(service, *stream(20, 10))
        ran.live.close()
    with serviced.serving(place, place, project=root) as service:
        ran = Ran(service, old, new)
        assert {a["bundle"] for a in answers(service, *stream(30, 10))} == {new}
        ran.do("red-button")
        assert {a["bundle"] for a in answers(service, *stream(40, 10))} == {old}
        rows = ran.rows()
        names = {
            d.aggregates for d in service.parts.reader.descriptions(service.parts.reader.days())
        }
        assert names == {tuple(f.name for f in u.aggregates) for u in (parcels(), newer())}
        assert export.write(service.parts.reader, None, "events", tmp_path / "events.parquet") == 50
    own = {old: expected(parcels(), rows), new: expected(newer(), rows)}
    assert [r.aggregates for r in rows] == [own[r.bundle][i] for i, r in enumerate(rows)]


def test_one_request_is_answered_as_its_events_one_by_one(made, tmp_path: Path):
    scores = []
    for name, each in (("one", 1), ("many", 30)):
        root = copied(made, tmp_path / name)
        place = places.folder(root, NAME)
        with serviced.serving(place, place, project=root) as service:
            ran = Ran(service, *made[1:])
            ran.do("routes", action="add", name="newer", bundle=made[2])
            ran.do("routes", action="set", weights={"newer": 50})
            events = stream(0, 30)
            given = [answers(service, *events[i : i + each]) for i in range(0, 30, each)]
            scores.append([one["score"] for part in given for one in part])
    assert scores[0] == scores[1]


def test_events_that_come_while_a_state_is_made_are_in_it(made, tmp_path: Path):
    root, (_, old, new) = copied(made, tmp_path), made
    place = places.folder(root, NAME)
    with serviced.serving(place, place, project=root) as service:
        ran, others = Ran(service, old, new), service.parts.others
        answers(service, *stream(0, 10))
        begin = others.begin

        def served_meanwhile(features: str) -> None:
            begin(features)
            answers(service, *stream(10, 80))

        others.begin = served_meanwhile  # type: ignore[method-assign]
        ran.do("routes", action="add", name="newer", bundle=new)
        ran.do("routes", action="set", weights={"newer": 100})
        answers(service, *stream(90, 5))
        rows = ran.rows()
    assert [r.aggregates for r in rows[90:]] == expected(newer(), rows)[90:]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"key": "worth"}, "its key is another"),
        (
            {"columns": tuple(c for c in parcels().columns if c.name != "weight")},
            "columns of outcomes",
        ),
        ({"label_delay": 3}, "its delay_parts is another"),
    ],
)
def test_another_contract_needs_a_new_process(changed: dict[str, Any], words: str):
    assert words in next(other_features.differences(newer(**changed), parcels()))


def test_what_no_commit_recorded_does_not_run(made, tmp_path: Path):
    root = copied(made, tmp_path)
    store = BundleStore(places.folder(root, NAME))
    again = trained(store.model(made[1]), tmp_path / "by-hand", newer())
    md5 = put(store, again, newer(), "the bundle itself")
    with pytest.raises(BundleError, match="no commit recorded it"):
        Arms(parcels(), store).admit(md5)


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_without_its_tiles_it_is_refused(made, tmp_path: Path, damage: str):
    root = copied(made, tmp_path)
    store = BundleStore(places.folder(root, NAME))
    path = store.tiles(made[2]) / INDEX
    if damage == "gone":
        path.unlink()
    else:
        path.write_text(json.dumps({"format": 1}))
    with pytest.raises(BundleError, match="damaged"):
        Arms(parcels(), store).admit(made[2])


def test_a_state_that_several_processes_share_has_one_set_of_features(made, tmp_path: Path):
    store = BundleStore(places.folder(copied(made, tmp_path), NAME))
    with pytest.raises(BundleError, match=r"keeps one state for several: it needs a new process"):
        Arms(parcels(), store, beside=False).admit(made[2])
