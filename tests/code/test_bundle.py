"""The bundle: whole or refused, never unpickled, and the same answer after a round trip."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plumbline.core import dvc_hash, tables
from plumbline.core.declarations import Category, Row, Snapshot
from plumbline.core.errors import BundleError, SpecError
from plumbline.model import bundle, manifest
from plumbline.model.version import VERSION
from plumbline.train import fitting
from plumbline.train.params import Train
from tests.boosting import COSTS, KINDS, events, parcels
from tests.code.test_training import fit

HOW = Train(costs=COSTS)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A saved bundle per problem."""
    out = {}
    for problem in ("classification", "regression"):
        path = tmp_path_factory.mktemp(problem)
        boosted = fit(path, problem, rounds=20)
        columns = tables.read(path / "valid.parquet")
        model = fitting.finish(parcels(problem), HOW, boosted, columns)
        entries = fitting.manifest_entries(model, {"eta": 0.3}, {"train": "0" * 32, "seed": 5})
        bundle.save(path / "model", boosted.booster, entries)
        out[problem] = path / "model"
    return out


@pytest.fixture
def folder(folders: dict[str, Path], tmp_path: Path) -> Path:
    """A copy to damage."""
    path = tmp_path / "model"
    path.mkdir()
    for file in folders["classification"].iterdir():
        (path / file.name).write_bytes(file.read_bytes())
    return path


def edit(folder: Path, **changed: Any) -> None:
    """Change or, with None, drop keys of bundle.json."""
    path = folder / "bundle.json"
    whole = {**json.loads(path.read_text()), **changed}
    path.write_text(json.dumps({k: v for k, v in whole.items() if v != "drop"}))


def test_a_bundle_says_what_it_is(folders: dict[str, Path]):
    result = bundle.load(folders["classification"], "parcels")
    assert (result.usecase, result.problem, result.offset) == ("parcels", "classification", None)
    assert result.features == parcels().features
    assert 0 < result.threshold < 1
    assert result.manifest.threshold.chosen == "cost"
    assert result.manifest.vocabularies["kind_code"].values == KINDS
    assert result.manifest.contract == parcels().columns
    assert result.manifest.metrics["average_precision"] > 0.5
    assert result.provenance == {"train": "0" * 32, "seed": 5}
    assert result.calibration.kind == "platt"
    other = bundle.load(folders["regression"])
    assert (other.threshold, other.offset, other.calibration.kind) == (None, "height", "none")


def test_the_version_that_wrote_it_is_named(folder: Path):
    assert bundle.load(folder, "parcels").manifest.plumbline == VERSION
    edit(folder, plumbline="drop")
    assert bundle.load(folder, "parcels").manifest.plumbline is None


def test_kinds_of_features():
    assert manifest.kinds(parcels()) == {
        "height": "column",
        "kind_code": "category",
        "sender_mean_7d": "snapshot",
        "height_over_mean": "row",
    }


def test_a_batch_is_its_rows_to_the_bit(folders: dict[str, Path]):
    columns = events(3, 300)
    for folder in folders.values():
        whole = bundle.load(folder).predict(columns)
        model = bundle.load(folder, threads=1)
        single = [
            model.predict({k: v[i : i + 1] for k, v in columns.items()})[0] for i in range(300)
        ]
        assert whole.dtype == np.float64
        assert whole.tolist() == single


def test_the_answer_is_calibrated_and_starts_from_the_offset(folders: dict[str, Path]):
    columns = events(3, 2_000)
    chance = bundle.load(folders["classification"]).predict(columns)
    assert np.mean(chance) == pytest.approx(np.mean(columns["broken"]), abs=0.03)
    model = bundle.load(folders["regression"])
    higher = model.predict({**columns, "height": columns["height"] + 100})
    error = np.abs(model.predict(columns) - columns["weight"])
    assert np.mean(error) < 18
    assert np.mean(higher) > np.mean(model.predict(columns)) + 80


def test_raw_events_are_completed(folders: dict[str, Path]):
    columns = events(4, 50)
    model = bundle.load(folders["classification"])
    raw = {n: columns[n] for n in ("number", "at", "sender", "height", "kind", "worth")}
    with_history = {**raw, "sender_mean_7d": columns["sender_mean_7d"]}
    assert model.score(parcels(), with_history).tolist() == model.predict(columns).tolist()
    complete = bundle.complete(parcels(), raw)
    assert set(complete["sender_mean_7d"]) == {50.0}
    assert complete["height_over_mean"].tolist() == (raw["height"] / 51.0).tolist()


def test_no_events_no_answers(folders: dict[str, Path]):
    empty = {k: v[:0] for k, v in events(4, 1).items()}
    assert bundle.load(folders["regression"]).predict(empty).shape == (0,)


def test_a_missing_feature_is_named(folders: dict[str, Path]):
    columns = {k if k != "height" else "hieght": v for k, v in events(4, 5).items()}
    with pytest.raises(SpecError, match=r"needs feature 'height'.*did you mean .*'hieght'"):
        bundle.load(folders["classification"]).predict(columns)


def doubled(height, sender_mean_7d):
    """Another meaning under another name."""
    return 2 * height / sender_mean_7d


@pytest.mark.capability("D21")
@pytest.mark.parametrize(
    "changed",
    [
        {"rows": (Row(doubled),), "features": ("height", "kind_code", "sender_mean_7d", "doubled")},
        {"categories": (Category("kind_code", "kind", KINDS[::-1], "shape"),)},
        {
            "snapshots": (
                Snapshot("sender_mean_7d", "sender", "mean", 8, "mean", "height", default=50.0),
            )
        },
        {"features": ("kind_code", "height", "sender_mean_7d", "height_over_mean")},
        {"label_delay": 1},
        {"derived": ("height_over_mean",)},
    ],
)
def test_other_definitions_are_refused(folders: dict[str, Path], changed: dict[str, Any]):
    other = parcels(**changed)
    with pytest.raises(
        BundleError, match=r"usecases/parcels/features\.py: the features are not those"
    ):
        bundle.load(folders["classification"]).score(other, events(4, 5))


def test_words_alone_do_not_change_definitions():
    same = (Category("kind_code", "kind", KINDS, "said otherwise"),)
    assert manifest.definitions(parcels(categories=same)) == manifest.definitions(parcels())


def test_the_same_bytes_twice(folders: dict[str, Path], tmp_path: Path):
    again = bundle.load(folders["regression"])
    described = dict(again.manifest)
    del described["model_md5"]
    bundle.save(tmp_path / "again", again.booster, described)
    assert dvc_hash.md5(tmp_path / "again") == dvc_hash.md5(folders["regression"])


def test_a_failing_save_leaves_the_last_one(folder: Path, folders: dict[str, Path]):
    before = dvc_hash.md5(folder)
    model = bundle.load(folders["classification"])
    described = dict(model.manifest) | {"order": ("height",)}
    del described["model_md5"]
    with pytest.raises(BundleError, match=r"its 4 features are not the 1 of bundle\.json"):
        bundle.save(folder, model.booster, described)
    assert dvc_hash.md5(folder) == before


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"format": 2}, r"bundle\.json: format: the bundle has format 2, expected 1; read it with"),
        ({"format": "drop"}, r"bundle\.json: format: missing; found calibration, contract"),
        ({"order": "drop"}, r"bundle\.json: order: missing"),
        ({"treshold": 1}, r"bundle\.json: treshold: unknown key; did you mean 'threshold'"),
        ({"rounds": "9"}, r"bundle\.json: rounds: Input should be a valid integer"),
        ({"problem": "ranking"}, r"bundle\.json: problem: Input should be"),
        (
            {"calibration": {"kind": "x", "x": [], "y": []}},
            r"bundle\.json: calibration: none of kind 'x'",
        ),
        ({"order": ["height"]}, r"model\.ubj: its 4 features are not the 1 of.*height_over_mean"),
        ({"model_md5": "0" * 32}, r"model\.ubj: md5 \w{32}, expected 0{32}: damaged"),
    ],
)
def test_an_edited_manifest(folder: Path, changed: dict[str, Any], message: str):
    edit(folder, **changed)
    with pytest.raises(BundleError, match=message):
        bundle.load(folder)


def test_features_in_another_order(folder: Path):
    edit(folder, order=list(parcels().features[::-1]))
    with pytest.raises(BundleError, match=r"\(another order\)"):
        bundle.load(folder)


def test_one_flipped_bit(folder: Path):
    path = folder / "model.ubj"
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    path.write_bytes(whole)
    with pytest.raises(BundleError, match=r"model\.ubj: md5 .*restore it with `dvc checkout`"):
        bundle.load(folder)


@pytest.mark.parametrize(
    "text", ["{", "[]", "\udcff".encode("utf-8", "surrogateescape").decode("latin1")]
)
def test_no_json(folder: Path, text: str):
    (folder / "bundle.json").write_text(text, encoding="utf-8")
    with pytest.raises(BundleError, match=r"bundle\.json: "):
        bundle.load(folder)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("exploded"),))


def test_a_pickle_is_refused_and_not_run(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder)
    (folder / "model.ubj").write_bytes(pickle.dumps(Bomb()))
    edit(folder, model_md5=dvc_hash.md5(folder / "model.ubj"))
    with pytest.raises(BundleError, match=r"model\.ubj: not a model that XGBoost reads"):
        bundle.load(folder)
    assert not Path("exploded").exists()


def test_another_use_case(folders: dict[str, Path]):
    with pytest.raises(BundleError, match=r"is of use case 'parcels', expected 'letters'"):
        bundle.load(folders["classification"], "letters")


def test_missing_files(folder: Path, tmp_path: Path):
    with pytest.raises(
        BundleError, match=r"none: no bundle here; run `dvc checkout`, or `dvc repro`"
    ):
        bundle.load(tmp_path / "none")
    (folder / "model.ubj").rename(folder / "modle.ubj")
    with pytest.raises(BundleError, match=r"no model\.ubj; did you mean 'modle\.ubj'"):
        bundle.load(folder)
    for file in folder.iterdir():
        file.unlink()
    with pytest.raises(BundleError, match=r"no bundle\.json; the folder is empty"):
        bundle.load(folder)
