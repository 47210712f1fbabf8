"""Feast beside the project's own joins: the same values, online and off, and clear refusals."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from plumbline.core import usecase_loader
from plumbline.core.declarations import Entity, Snapshot
from plumbline.core.errors import PlumblineError, SpecError
from plumbline.features import (
    assemble,
    batch,
    catalog,
    definition_items,
    definitions,
    ibis_session,
    live_definitions,
    store,
)
from stages import features as stage
from tests.code.test_batch import bytes_of, many
from tests.conftest import ROOT
from tests.small import AS_OF, SMALL, event, write

PARAMS = {
    "usecases": ["small"],
    "seed": 1,
    "small": {
        "data": {"source": "csv", "as_of": str(AS_OF)},
        "features": {"warmup_days": 2, "valid_days": 3, "test_days": 4, "current_days": 3},
        **{key: {} for key in ("validate", "tune", "train", "evaluate", "monitor")},
    },
}


def rows():
    """Events of many, on midnights, without a place, and of one who was away for long."""
    midnights = [
        event(9_000 + i, datetime(2025, 3, 1 + i), who_id=f"p{i}", place_id=None if i % 3 else i)
        for i in range(18)
    ]
    away = [event(9_100, datetime(2025, 2, 26, 9), who_id="away", place_id=2**53 + 1)]
    away += [
        event(
            9_101 + i, datetime(2025, 3, 1) + timedelta(days=i), who_id="away", place_id=2**53 + 1
        )
        for i in range(3, 8, 4)
    ]
    return many() + midnights + away


@pytest.fixture(scope="module")
def laid(tmp_path_factory) -> Path:
    """Valid events and outcomes, and their snapshots."""
    folder = tmp_path_factory.mktemp("laid")
    write(rows(), folder / "valid")
    (folder / "snapshots").mkdir()
    with ibis_session.connection() as backend:
        events, outcomes = ibis_session.read(backend, SMALL, folder / "valid")
        events, outcomes = assemble.visible(backend, SMALL, events, outcomes, AS_OF)
        assemble.write_snapshots(backend, SMALL, events, outcomes, AS_OF, folder / "snapshots")
    return folder


@pytest.fixture(scope="module")
def repository(laid, tmp_path_factory) -> Path:
    """An embedded feature store that knows the small use case."""
    folder = tmp_path_factory.mktemp("store")
    shutil.copy(ROOT / "feature_store" / "feature_store.yaml", folder)
    assert store.apply(SMALL, folder, laid / "snapshots") == [
        *("small_who", "small_place"),
        *("small_who", "small_place"),
        "small",
    ]
    return folder


@pytest.mark.capability("C9")
@pytest.mark.parametrize("few", [10**6, 1])
def test_feasts_join_equals_the_direct_one_on_every_row(laid, monkeypatch, few):
    monkeypatch.setattr(store, "JOINED_AT_ONCE", few)
    with ibis_session.connection() as backend:
        events, outcomes = ibis_session.read(backend, SMALL, laid / "valid")
        events, outcomes = assemble.visible(backend, SMALL, events, outcomes, AS_OF)
        built = {e.name: batch.snapshots(SMALL, e, events, outcomes, AS_OF) for e in SMALL.entities}
        direct = batch.join_snapshots(SMALL, events, built).order_by("number").to_pyarrow()
        feast = store.join_snapshots(SMALL, events, laid / "snapshots")
        assert feast.order_by("number").to_pyarrow().select(direct.column_names).equals(direct)
    assert direct.num_rows == len(rows())
    assert direct.column("who_count_1d").to_pylist().count(0.0) < direct.num_rows


def run(folder: Path, monkeypatch, **features) -> dict[str, bytes]:
    """The stage's outs, by name."""
    monkeypatch.setattr(usecase_loader, "load_features", lambda name: SMALL)
    params = {
        **PARAMS,
        "small": {**PARAMS["small"], "features": {**PARAMS["small"]["features"], **features}},
    }
    folder.mkdir(exist_ok=True)
    monkeypatch.chdir(folder)
    Path("params.yaml").write_text(yaml.safe_dump(params))
    if not Path("valid").exists():
        write(rows(), folder / "valid")
    stage.main(
        "small", *(Path(n) for n in ("valid", "snapshots", "tiles", "tables", "features.json"))
    )
    outs = {n: b for f in ("snapshots", "tiles", "tables") for n, b in bytes_of(Path(f)).items()}
    return {**outs, "features.json": Path("features.json").read_bytes()}


@pytest.mark.capability("C9")
def test_the_stage_writes_the_same_bytes_by_either_join(tmp_path, monkeypatch):
    direct = run(tmp_path / "direct", monkeypatch, join="direct")
    assert run(tmp_path / "feast", monkeypatch, join="feast") == direct
    assert run(tmp_path / "checked", monkeypatch, join="checked") == direct
    assert {"train.parquet", "valid.parquet", "test.parquet", "current.parquet"} < set(direct)


@pytest.mark.capability("C9")
def test_a_join_unlike_feasts_stops_the_stage_and_leaves_the_tables(tmp_path, monkeypatch):
    before = run(tmp_path, monkeypatch, join="direct")
    own = batch.join_snapshots

    def wrong(usecase, events, by_entity):
        joined = own(usecase, events, by_entity)
        if "who_count_1d" not in joined.columns:  # what derived features are computed from
            return joined
        off = (joined.number % 50 == 7).cast("float64")
        return joined.mutate(who_count_1d=joined.who_count_1d + off)

    monkeypatch.setattr(batch, "join_snapshots", wrong)
    with pytest.raises(PlumblineError, match=r"'who_count_1d' of number \d*7 is .* by Feast's, in"):
        run(tmp_path, monkeypatch, join="checked")
    outs = {n: b for f in ("snapshots", "tiles", "tables") for n, b in bytes_of(Path(f)).items()}
    assert outs.items() <= before.items()


@pytest.mark.capability("C7", "C8")
def test_definitions_carry_owner_description_and_tags(repository):
    feast = store.opened(repository)
    view = feast.get_feature_view("small_who")
    assert (view.owner, view.description, view.ttl) == (SMALL.owner, "a person", timedelta(days=1))
    items = live_definitions.of(SMALL)
    known = {"usecase": "small", "label_delay_days": "2", "version": "1.0"}
    assert view.tags == {**known, "definition": definition_items.view_digest(items, "who")}
    fields = {f.name: (f.description, f.tags) for f in view.features}
    version = {"version": "1", "definition": items["who_mean_3d"].digest}
    tags = {"aggregate": "mean", "days": "3", **version}
    assert fields["who_mean_3d"] == ("mean cents", tags)
    service = feast.get_feature_service("small")
    assert (service.owner, service.description) == (SMALL.owner, SMALL.title)
    assert [p.name for p in service.feature_view_projections] == ["small_who", "small_place"]
    assert feast.get_entity("small_who").join_key == "who_id"


def snapshot(laid: Path, entity: Entity, id_, day: date) -> dict[str, float] | None:
    """The entity's row for the day, from the files."""
    with ibis_session.connection() as backend:
        table = backend.read_parquet(f"{laid}/snapshots/{entity.name}-*.parquet")
        result = (
            table.filter(table.day == day, table[entity.column] == id_).to_pyarrow().to_pylist()
        )
    return result[0] if result else None


def test_online_values_are_the_days_and_age_to_defaults(laid, repository):
    who, place = SMALL.entities
    store.materialize(SMALL, date(2025, 3, 9), repository)
    ids = {"who_id": ["p7", "away", "nobody"], "place_id": [7, 2**53 + 1, 999]}
    result = store.online(SMALL, ids, repository)
    assert list(result) == [s.name for s in SMALL.snapshots]
    for i in range(2):
        day = date(2025, 3, 9)
        row = snapshot(laid, who, ids["who_id"][i], day) | snapshot(
            laid, place, ids["place_id"][i], day
        )
        assert {name: values[i] for name, values in result.items()} == {n: row[n] for n in result}
    defaults = {s.name: s.empty_value for s in SMALL.snapshots}
    assert {name: values[2] for name, values in result.items()} == defaults
    assert result["who_count_1d"][1] == 1.0
    store.materialize(SMALL, AS_OF, repository)
    later = store.online(SMALL, ids, repository)
    assert snapshot(laid, who, "away", AS_OF) is None
    assert {name: values[1] for name, values in later.items()} == defaults


def test_not_applied_says_how(repository):
    other = replace(SMALL, name="other")
    with pytest.raises(PlumblineError, match="does not know 'other'; run `plumbline feat"):
        store.online(other, {"who_id": ["ann"], "place_id": [1]}, repository)
    with pytest.raises(PlumblineError, match=r"no feature_store\.yaml"):
        store.apply(SMALL, repository / "nowhere", repository)


def test_ids_are_needed_for_every_entity(repository):
    with pytest.raises(PlumblineError, match="no ids for 'place_id'; did you mean 'place'"):
        store.online(SMALL, {"who_id": ["ann"], "place": [1]}, repository)


def test_views_carry_their_versions(tmp_path):
    """A raised feature gives its view another version; a description does not give it another hash."""
    raised = [replace(s, version=s.version + (s.name == "who_mean_3d")) for s in SMALL.snapshots]
    sides = [replace(SMALL, snapshots=tuple(s)) for s in (SMALL.snapshots, raised)]
    views = [definitions.build(side, tmp_path)[2] for side in sides]
    assert [view.tags["version"] for view in views] == ["1.0", "1.1"]
    assert views[0].tags["definition"] == views[1].tags["definition"] != ""
    assert {f.name: f.tags["version"] for f in views[1].schema}["who_mean_3d"] == "2"


def test_names_and_types_that_feast_cannot_hold(tmp_path):
    lost = Snapshot("count_y", "who", "count", 1, "events")
    with pytest.raises(SpecError, match="'count_y' ends with '_y'"):
        definitions.build(replace(SMALL, snapshots=(*SMALL.snapshots, lost)), tmp_path)
    clock = (Entity("who", "at", "a moment"), SMALL.entities[1])
    with pytest.raises(SpecError, match="column 'at' is of type timestamp; expected int, string"):
        replace(SMALL, entities=clock)


@pytest.mark.capability("C7")
@pytest.mark.parametrize(("name", "kind"), [("production", "redis"), ("postgresql", "postgres")])
def test_a_store_on_servers_differs_in_its_servers_only(name, kind):
    embedded, servers = (
        yaml.safe_load((ROOT / "feature_store" / p / "feature_store.yaml").read_text())
        for p in (".", name)
    )
    assert (servers["online_store"]["type"], servers["registry"]["registry_type"]) == (kind, "sql")
    same = ("project", "provider", "offline_store", "entity_key_serialization_version")
    assert {k: servers[k] for k in same} == {k: embedded[k] for k in same}
    assert embedded["offline_store"] == {"type": "duckdb"}


KEPT = replace(
    SMALL, name="other", entities=tuple(replace(e, kept_by="small") for e in SMALL.entities)
)


@pytest.mark.capability("C21")
def test_a_view_that_another_use_case_keeps_is_registered_once(laid, repository):
    """The second use case reads the first one's values, and registers its service alone."""
    store.materialize(SMALL, date(2025, 3, 9), repository)
    assert store.apply(KEPT, repository, laid / "snapshots") == ["other"]
    store.materialize(KEPT, date(2025, 3, 9), repository)
    ids = {"who_id": ["p7", "away"], "place_id": [7, 2**53 + 1]}
    assert store.online(KEPT, ids, repository) == store.online(SMALL, ids, repository)
    feast = store.opened(repository)
    assert {v.name: v.tags["usecase"] for v in feast.list_feature_views()} == {
        "small_who": "small",
        "small_place": "small",
    }
    store.apply(SMALL, repository, laid / "snapshots")
    assert [view.kept_by for view in catalog.views(KEPT)] == ["small", "small"]


def test_a_kept_view_is_refused_where_it_would_not_be_the_same(laid, repository, tmp_path):
    shorter = [replace(s, days=s.days + 1) for s in SMALL.snapshots]
    with pytest.raises(PlumblineError, match="'small_who', kept by 'small', is defined otherwise"):
        store.apply(replace(KEPT, snapshots=tuple(shorter)), repository, laid / "snapshots")
    moved = shutil.copytree(laid / "snapshots", tmp_path / "snapshots")
    file = next(moved.glob("who-*.parquet"))
    file.write_bytes(next(moved.glob("place-*.parquet")).read_bytes())
    with pytest.raises(PlumblineError, match=rf"has other values there \({file.name}\)"):
        store.apply(KEPT, repository, moved)
    away = replace(KEPT, entities=tuple(replace(e, kept_by="gone") for e in SMALL.entities))
    with pytest.raises(PlumblineError, match="run `plumbline features apply gone` first"):
        store.apply(away, repository, laid / "snapshots")
