"""Bundles of a store admitted by their golden events, and switches of a router."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.core.errors import BundleError, PlumblineError
from plumbline.ops.serving import first_routes
from plumbline.serve.online.scorer import CompiledScorer
from plumbline.serve.routes import arms as arm_loading
from plumbline.serve.routes import document, routes_file
from plumbline.serve.routes.arms import Arms
from plumbline.serve.routes.document import Arm, CanaryMark
from plumbline.serve.routes.router import opened
from tests.boosting import parcels
from tests.routed import events_table, retrained, router_of, store_of, three
from tests.waiting import until


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return three(tmp_path_factory.mktemp("models"))


def test_a_copy_of_the_store_needs_nothing_else(tmp_path: Path, models: list[Path]):
    gone = tmp_path / "gone"
    shutil.copytree(models[0], gone)
    store, (md5,) = store_of(tmp_path, [gone])
    shutil.rmtree(gone)
    loaded = Arms(parcels(), store).admit(md5)
    assert loaded.md5 == md5
    assert loaded.scores.shape == (12, 1)
    assert store.find(md5[:8]) == md5
    assert store.about(md5).golden == 12


def test_the_store_s_md5_is_dvc_s(tmp_path: Path, models: list[Path]):
    from plumbline.core import dvc_hash

    assert store_of(tmp_path, models[:1])[1] == [dvc_hash.md5(models[0])]


@pytest.mark.capability("H5")
@pytest.mark.capability("F4", "H5")
def test_one_bit_in_a_recorded_score_refuses_the_bundle(tmp_path: Path, models: list[Path]):
    store, (md5,) = store_of(tmp_path, models[:1])
    place = store.model(md5).parent / "recorded.parquet"
    scores = pq.read_table(place).column("score").to_pylist()
    scores[7] = scores[7] + 2**-52
    pq.write_table(pa.table({"score": scores}), place)
    with pytest.raises(BundleError, match="1 of 12 golden events differ: event 7, score: recorded"):
        Arms(parcels(), store).admit(md5)


@pytest.mark.parametrize("file", ["bundle.json", "model.ubj", "usecase.json"])
def test_a_damaged_copy_is_refused(tmp_path: Path, models: list[Path], file: str):
    store, (md5,) = store_of(tmp_path, models[:1])
    place = store.model(md5) / file
    place.write_bytes(place.read_bytes() + b" ")
    with pytest.raises(BundleError, match=f"damaged: expected md5 {md5}, found"):
        Arms(parcels(), store).admit(md5)
    place.unlink()
    with pytest.raises(BundleError, match="damaged"):
        Arms(parcels(), store).admit(md5)


def test_golden_events_that_are_missing_refuse_the_bundle(tmp_path: Path, models: list[Path]):
    store, (md5,) = store_of(tmp_path, models[:1])
    (store.model(md5).parent / "events.parquet").write_bytes(b"PAR1")
    with pytest.raises(BundleError, match=r"no golden events .*add it again"):
        Arms(parcels(), store).admit(md5)


def test_other_definitions_need_a_new_process_where_one_state_serves_several(
    tmp_path: Path, models: list[Path]
):
    store, (md5,) = store_of(tmp_path, models[:1])
    other = parcels(features=("height", "kind_code", "sender_mean_7d"))
    with pytest.raises(BundleError, match="it needs a new process"):
        Arms(other, store, beside=False).admit(md5)


def test_what_scores_another_answer_alone_is_refused(
    tmp_path: Path, models: list[Path], monkeypatch: pytest.MonkeyPatch
):
    right = CompiledScorer.score
    monkeypatch.setattr(
        CompiledScorer, "score", lambda self, e, a: right(self, [{**e[0], "height": 3}], a)
    )
    store, (md5,) = store_of(tmp_path, models[:1])
    with pytest.raises(BundleError, match=r"alone .* in a table"):
        Arms(parcels(), store).admit(md5)


@pytest.mark.capability("J6")
def test_a_switch_is_one_object_and_each_request_keeps_its_own(tmp_path: Path, models: list[Path]):
    router, md5s = router_of(tmp_path, models)
    taken = router.current.choose("someone")
    new = document.to_bundle(router.routes, md5s[1])
    router.switch(new, "switch", {md5s[1]: router.load(md5s[1])})
    assert (taken.bundle, taken.version) == (md5s[0], 1)
    now = router.current.choose("someone")
    assert (now.bundle, now.version) == (md5s[1], 2)
    assert router.writer.flush(60) == ""
    assert routes_file.read(tmp_path).routes == new
    with pytest.raises(PlumblineError, match="changed meanwhile"):
        router.switch(new, "again")


def test_the_last_champions_stay_loaded_and_the_rest_does_not(tmp_path: Path, models: list[Path]):
    fourth = retrained(models[0], tmp_path / "fourth", provenance={"seed": 4})
    router, md5s = router_of(tmp_path / "s", [*models, fourth])
    for md5 in md5s[1:]:
        router.switch(document.to_bundle(router.routes, md5), "switch", {md5: router.load(md5)})
    assert set(router.current.loaded) == set(md5s[1:])


@pytest.mark.capability("J5")
def test_the_red_button_needs_neither_disk_nor_files(
    tmp_path: Path, models: list[Path], monkeypatch: pytest.MonkeyPatch
):
    router, md5s = router_of(tmp_path / "s", models)
    router.switch(
        document.to_bundle(router.routes, md5s[1]), "switch", {md5s[1]: router.load(md5s[1])}
    )
    assert router.writer.flush(60) == ""
    router.writer.pause = 0.02
    shutil.rmtree(tmp_path / "s")
    (tmp_path / "s").write_text("no folder")  # stands for a disk that takes nothing
    pressed, write = threading.Event(), routes_file.write
    monkeypatch.setattr(routes_file, "write", lambda *one: pressed.wait(60) and write(*one))
    router.red_button()
    assert not pressed.is_set(), "it did not wait for the disk"
    assert router.current.choose(1).bundle == md5s[0]
    pressed.set()
    assert "not a directory" in router.writer.flush(60).lower() or router.unwritten()
    (tmp_path / "s").unlink()
    until(lambda: router.writer.flush(0.1) == "")
    assert routes_file.read(tmp_path / "s").routes == router.routes


def test_a_damaged_challenger_is_left_out_at_the_start(
    tmp_path: Path, models: list[Path], caplog: pytest.LogCaptureFixture
):
    router, md5s = router_of(tmp_path, models)
    with_b = document.with_arm(router.routes, Arm(name="b", bundle=md5s[1]))
    router.switch(
        document.with_weights(with_b, {"b": 5}).model_copy(update={"version": 2}),
        "b",
        {md5s[1]: router.load(md5s[1])},
    )
    router.writer.flush(60)
    (router.arms.store.model(md5s[1]) / "model.ubj").write_bytes(b"")
    again = opened(tmp_path, router.arms)
    assert {a.bundle for a in again.routes.arms} == {md5s[0]}
    assert "left out" in caplog.text
    assert routes_file.read(tmp_path).routes != again.routes  # another process may serve still
    again.settle()
    assert again.writer.flush(60) == ""
    assert routes_file.read(tmp_path).routes == again.routes


def test_a_canary_that_nobody_watched_ends_at_the_start(tmp_path: Path, models: list[Path]):
    router, md5s = router_of(tmp_path, models)
    arms = [
        Arm(name="champion", bundle=md5s[0], weight=75),
        Arm(name="canary", bundle=md5s[1], weight=25),
    ]
    mark = CanaryMark(challenger=md5s[1], started="2026-11-30T00:00:00+00:00")
    router.switch(
        document.changed(router.routes, arms, canary=mark),
        "canary",
        {md5s[1]: router.load(md5s[1])},
    )
    router.writer.flush(60)
    again = opened(tmp_path, router.arms)
    assert again.routes.canary is None
    assert again.current.alone is not None
    assert again.current.alone.bundle == md5s[0]


def test_a_damaged_champion_is_one_message_with_the_way_out(tmp_path: Path, models: list[Path]):
    router, md5s = router_of(tmp_path, models)
    (router.arms.store.model(md5s[0]) / "model.ubj").write_bytes(b"")
    with pytest.raises(BundleError, match=r"It is the champion; `plumbline red-button parcels`"):
        opened(tmp_path, router.arms)


def test_golden_events_as_a_service_has_them():
    table = events_table(3)
    plain, aggregates = arm_loading.plain_events(parcels(), table)
    assert plain[0].keys() == {c.name for c in parcels().known}
    assert type(plain[0]["height"]) is int
    assert aggregates[0] == [table["sender_mean_7d"][0].as_py()]
    odd = table.set_column(
        table.column_names.index("height"), "height", pa.array([1.0, float("nan"), 3.0])
    )
    assert [e["height"] for e in arm_loading.plain_events(parcels(), odd)[0]] == [1, None, 3]


def test_the_red_button_passes_over_what_is_not_loaded(tmp_path: Path, models: list[Path], caplog):
    router, md5s = router_of(tmp_path, models)
    for md5 in md5s[1:]:
        router.switch(document.to_bundle(router.routes, md5), "switch", {md5: router.load(md5)})
    assert router.writer.flush(60) == ""
    (router.arms.store.model(md5s[1]) / "model.ubj").write_bytes(b"")
    again = opened(tmp_path, router.arms)
    assert "which the red button cannot return to" in caplog.text
    (router.arms.store.model(md5s[0]) / "model.ubj").write_bytes(b"")
    alone = opened(tmp_path, router.arms)
    before = alone.current
    with pytest.raises(
        PlumblineError, match=r"nothing to return to: the champions before .* cannot be loaded"
    ):
        alone.red_button()
    assert alone.current is before
    assert again.red_button().champions == (md5s[0],), "that one is in memory"
    assert again.current.choose(1).bundle == md5s[0]
    assert again.writer.flush(60) == ""


def test_a_checkout_s_bundle_that_answers_nobody_is_named(
    tmp_path: Path, models: list[Path], monkeypatch: pytest.MonkeyPatch, caplog
):
    router, md5s = router_of(tmp_path / ".plumbline" / "serve" / "parcels", models[:2])
    for model, named in ((models[0], False), (models[2], True)):
        monkeypatch.setattr(first_routes.artifacts, "path", lambda *_, model=model: model)
        assert not first_routes.ensure(tmp_path, parcels())
        assert (f"bundle {md5s[0]} answers, the checkout has" in caplog.text) == named
    assert router.routes.version == 1
