"""Target encodings: out of fold in train, from all of train elsewhere, the same bits in batch and from the bundle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.core import encodings, tables
from plumbline.core.declarations import Array, Column, Encoding
from plumbline.core.errors import SpecError
from plumbline.core.usecase import UseCase
from plumbline.features import assemble, catalog, ibis_session
from plumbline.features.params import Features
from plumbline.metrics import metrics
from plumbline.model import boosting, bundle, manifest, matrices
from plumbline.train import fitting
from plumbline.train.params import Train
from tests import bundles
from tests.small import SMALL

TOWN = Encoding("town_mean", "town", "mean price in the town", smoothing=4)
HOMES = UseCase(
    name="homes",
    title="Homes",
    owner="tests@example.com",
    problem="regression",
    key="id",
    label="price",
    columns=(
        Column("id", "int", "-", "key"),
        Column("town", "string", "-", "town", null=True),
        Column("street", "int", "-", "street", null=True),
        Column("size", "float", "m2", "size"),
        Column("price", "int", "thousands", "price", known=False),
    ),
    encodings=(TOWN, Encoding("street_mean", "street", "mean price in the street", folds=3)),
    features=("size", "town_mean", "street_mean"),
)


def rows(count: int = 900) -> dict[str, Any]:
    """Homes in 40 towns with prices of their own, and in 300 streets that mean nothing."""
    r = np.random.default_rng(8)
    town = r.integers(0, 40, count)
    price = 100 + 10 * (town * 7 % 40) + r.integers(-9, 10, count)
    return {
        "id": np.arange(count).tolist(),
        "town": [None if t == 3 else f"t{t}" for t in town.tolist()],
        "street": [None if s < 5 else s for s in r.integers(0, 300, count).tolist()],
        "size": r.normal(80, 20, count).tolist(),
        "price": price.tolist(),
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model tables, as the features stage writes them."""
    folder, table = tmp_path_factory.mktemp("homes"), rows()
    (folder / "tables").mkdir()
    known = [c.name for c in HOMES.known]
    pq.write_table(pa.table({n: table[n] for n in known}), folder / "events-all.parquet")
    late = pa.table({"id": table["id"][::-1], "price": table["price"][::-1]})
    pq.write_table(late, folder / "outcomes-all.parquet")
    with ibis_session.connection() as backend:
        assemble.untimed(backend, HOMES, Features(), folder, folder / "tables")
    return folder / "tables"


@pytest.fixture(scope="module")
def saved(built: Path) -> bundle.Bundle:
    """A bundle fitted on them, as the train stage does."""
    train, valid = built / "train.parquet", built / "valid.parquet"
    settings = boosting.settings("regression", {"max_depth": 3}, seed=1, threads=1)
    pair = matrices.binned(HOMES, settings, train, valid)
    model = fitting.fit(HOMES, Train(rounds=40), settings, pair, tables.read(valid))
    learned = encodings.learned(HOMES, tables.read(train, encodings.needed(HOMES)))
    entries = fitting.manifest_entries(model, settings, {"seed": 1}, learned)
    bundle.save(built.parent / "model", model.booster, entries, HOMES)
    return bundle.load(built.parent / "model")


def plain_mean(column: list[Any], price: list[int], value: Any, smoothing: float) -> float:
    own = [p for v, p in zip(column, price, strict=True) if v == value and value is not None]
    return (sum(own) + smoothing * (sum(price) / len(price))) / (len(own) + smoothing)


def test_other_tables_have_the_mean_of_train_and_train_that_of_its_other_folds(built: Path):
    train, test = (pq.read_table(built / f"{n}.parquet").to_pydict() for n in ("train", "test"))
    for town, encoded in list(zip(test["town"], test["town_mean"], strict=True))[:60]:
        assert encoded == plain_mean(train["town"], train["price"], town, 4)
    fold = [encodings._fold(str(k), 5) for k in train["id"]]
    for i in range(0, len(fold), 25):
        others = [j for j in range(len(fold)) if fold[j] != fold[i]]
        town, price = [train["town"][j] for j in others], [train["price"][j] for j in others]
        assert train["town_mean"][i] == plain_mean(town, price, train["town"][i], 4)


def test_a_rows_own_label_does_not_move_its_input(built: Path):
    train = tables.read(built / "train.parquet")
    args = TOWN, train["id"], train["town"]
    before = encodings.out_of_fold(*args, train["price"])
    price = train["price"].copy()
    price[7] += 1_000
    assert encodings.out_of_fold(*args, price)[7] == before[7]


def test_a_raw_event_is_encoded_by_the_bundle_to_the_same_bits(built: Path, saved: bundle.Bundle):
    for name in ("valid", "test", "current"):
        table = tables.read(built / f"{name}.parquet")
        together = saved.predict(table)
        raw = {c.name: table[c.name] for c in HOMES.known}
        assert np.array_equal(saved.score(HOMES, raw), together)
        for i in range(20):
            one = {n: v[i : i + 1] for n, v in raw.items()}
            assert saved.score(HOMES, one)[0] == together[i]
    unseen: dict[str, Array] = {n: v[:1] for n, v in raw.items()}
    unseen |= {"town": np.array(["elsewhere"], object), "street": np.array([np.nan])}
    assert np.isfinite(saved.score(HOMES, unseen)).all()


def test_a_bundle_alone_encodes_to_the_same_bits(built: Path, saved: bundle.Bundle):
    answers = bundles.alone(saved, built / "test.parquet")
    assert answers["score"].tolist() == saved.predict(tables.read(built / "test.parquet")).tolist()


def test_streets_that_mean_nothing_do_not_deceive_as_they_do_without_folds(built: Path):
    """300 streets for about 450 rows: without folds each row's input is half its own label."""
    train = tables.read(built / "train.parquet")
    price = train["price"].astype(float)
    one = HOMES.encodings[1]
    leaky = encodings.learn(one, train["street"], train["price"]).apply(train["street"])
    honest = train["street_mean"]
    spread = [abs(np.corrcoef(values, price)[0, 1]) for values in (leaky, honest)]
    assert spread[0] > 0.4 > 0.25 > spread[1]
    assert metrics.mae(price, leaky) < metrics.mae(price, honest)


def test_the_catalog_names_the_label_and_other_bundles_are_as_before():
    entry = next(e for e in catalog.entries(HOMES) if e.name == "town_mean")
    assert (entry.kind, entry.sources) == ("encoding", ["price", "town"])
    other = replace(HOMES, encodings=(replace(TOWN, folds=6), HOMES.encodings[1]))
    assert manifest.definitions(other) != manifest.definitions(HOMES)


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (Encoding("m", "size", "mean"), r"'m': 'size' is of type float; expected string or int"),
        (Encoding("m", "price", "mean"), r"'m': 'price' is no known column; choose one of: id, s"),
        (Encoding("m", "town", "mean", folds=1), r"folds=1, smoothing=10\.0; expected at least 2"),
        (Encoding("m", "town", "mean", smoothing=0), r"smoothing=0; expected at least 2 folds, an"),
        (Encoding("size", "town", "mean"), r"used twice as a name: size"),
    ],
)
def test_an_encoding_that_cannot_be_is_refused_at_load(one: Encoding, message: str):
    with pytest.raises(SpecError, match=message):
        replace(HOMES, encodings=(one,), features=("size",))


def test_a_table_with_time_has_histories_for_it():
    with pytest.raises(SpecError, match="use a Snapshot with matured=True, which is this without"):
        replace(SMALL, encodings=(Encoding("m", "who_id", "mean"),))
