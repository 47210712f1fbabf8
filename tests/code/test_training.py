"""Boosting: the same bytes whatever the threads and batches, the best round kept, offsets added."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plumbline.core import tables
from plumbline.core.errors import PlumblineError
from plumbline.metrics import metrics
from plumbline.model import boosting, label_checks, matrix_pages
from plumbline.model import matrices as batches
from plumbline.model.boosting import Batch, Batches
from plumbline.model.matrix_limits import MatrixLimits
from tests.boosting import FEATURES, events, parcels, write


def matrices(
    tmp_path: Path, problem: boosting.Problem, threads: int = 1
) -> tuple[dict[str, Any], Any, Any]:
    case = parcels(problem)
    settings = boosting.settings(problem, {"max_depth": 3}, seed=5, threads=threads)
    return settings, *batches.binned(case, settings, *write(tmp_path))


def fit(
    tmp_path: Path, problem: boosting.Problem, threads: int = 1, rounds: int = 60
) -> boosting.Boosted:
    settings, train, valid = matrices(tmp_path, problem, threads)
    return boosting.boost(settings, train, valid, rounds=rounds, early_stopping=5)


@pytest.mark.capability("D3")
@pytest.mark.mltest("Infra 1")
@pytest.mark.parametrize("problem", ["classification", "regression"])
def test_the_same_bytes_for_one_thread_and_two(tmp_path: Path, problem: boosting.Problem):
    one, two = (fit(tmp_path, problem, n).booster.save_raw("ubj") for n in (1, 2))
    assert one == two


@pytest.mark.capability("E10")
def test_the_same_bins_from_one_batch_and_many():
    columns = events(1, 900)
    x = np.stack([columns[f] for f in FEATURES], axis=1).astype(np.float32)
    y = columns["broken"].astype(np.float32)

    def read(size: int) -> Iterator[Batch]:
        for i in range(0, len(y), size):
            yield Batch(x[i : i + size], y[i : i + size])

    one, many = (
        boosting.binned(Batches(FEATURES, lambda s=size: read(s)), max_bin=32, threads=1)
        for size in (900, 128)
    )
    assert np.array_equal(one.get_quantile_cut()[1], many.get_quantile_cut()[1])
    assert np.array_equal(many.get_label(), y)
    assert many.feature_names == list(FEATURES)


@pytest.mark.mltest("Infra 2")
@pytest.mark.parametrize(("problem", "best"), [("classification", max), ("regression", min)])
def test_the_best_round_is_kept(
    tmp_path: Path, problem: boosting.Problem, best: Callable[[list[float]], float]
):
    settings, train, valid = matrices(tmp_path, problem)
    slow = {**settings, "eta": 0.2}
    stopped = boosting.boost(slow, train, valid, rounds=60, early_stopping=5)
    figures = []
    for rounds in range(1, stopped.rounds + 6):
        cut = boosting.boost(slow, train, valid, rounds=rounds, early_stopping=60)
        figures.append(float(cut.booster.eval(valid).split(":")[1]))
    assert stopped.booster.num_boosted_rounds() == stopped.rounds < 60
    assert figures.index(best(figures)) == stopped.rounds - 1 > 0


@pytest.mark.mltest("Infra 1")
def test_no_trace_of_the_run_in_the_model(tmp_path: Path):
    assert fit(tmp_path, "classification").booster.attributes() == {}


@pytest.mark.mltest("Infra 2")
def test_score_is_the_primary_metric_on_valid(tmp_path: Path):
    for problem, label in (("classification", "broken"), ("regression", "weight")):
        settings, train, valid = matrices(tmp_path, problem)
        boosted = boosting.boost(settings, train, valid, rounds=20, early_stopping=5)
        columns = tables.read(tmp_path / "valid.parquet")
        x = np.stack([columns[f] for f in FEATURES], axis=1).astype(np.float32)
        margin = columns["height"].astype(np.float32) if problem == "regression" else None
        answer = boosted.booster.inplace_predict(x, base_margin=margin).astype(np.float64)
        figure = metrics.mae if problem == "regression" else metrics.average_precision
        assert boosting.score(problem, boosted, valid) == figure(columns[label], answer)


@pytest.mark.mltest("Infra 2")
def test_a_regression_starts_from_the_offset(tmp_path: Path):
    _, _, valid = matrices(tmp_path, "regression")
    assert np.array_equal(
        valid.get_base_margin(), tables.read(tmp_path / "valid.parquet")["height"]
    )
    assert metrics.mae(valid.get_label(), valid.get_base_margin()) > 1.3 * boosting.score(
        "regression", fit(tmp_path, "regression"), valid
    )


def test_settings():
    result = boosting.settings(
        "regression", {"objective": "reg:squarederror", "eta": 0.1}, seed=2**40, threads=2
    )
    assert result == {
        "objective": "reg:squarederror",
        "eta": 0.1,
        "max_bin": 256,
        "eval_metric": "mae",
        "tree_method": "hist",
        "seed": 0,
        "nthread": 2,
    }
    plain = boosting.settings("classification", {}, seed=1, threads=0)
    assert (plain["objective"], plain["eval_metric"]) == ("binary:logistic", "aucpr")


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ([], r"x\.parquet: no rows; give the window more days"),
        ([0.0, 0.0], r"x\.parquet: a label to be classified holds 0 and 1; found 0 \(2 rows\)"),
        ([0.0, 1.0, 2.0], r"found 0 \(1 rows\), 1 \(1 rows\), 2 \(1 rows\)"),
    ],
)
def test_a_label_that_cannot_be_learned(label: list[float], message: str):
    with pytest.raises(PlumblineError, match=message):
        label_checks.check("classification", [np.array(label)], "x.parquet")


def test_a_regression_takes_any_label():
    assert label_checks.check("regression", [np.array([3.0]), np.array([3.0])], "x.parquet") == 2


def test_a_missing_column_is_named(tmp_path: Path):
    train, _ = write(tmp_path)
    with pytest.raises(
        PlumblineError, match=r"train\.parquet: no column 'hieght'; did you mean 'height'"
    ):
        batches.open_table(
            parcels("regression", offset="height", features=("hieght",), columns=HIEGHT), train
        )
    with pytest.raises(
        PlumblineError, match=r"none\.parquet: no such file; run `dvc checkout`, or `dvc repro`"
    ):
        batches.open_table(parcels(), tmp_path / "none.parquet")


HIEGHT = tuple(
    c if c.name != "sender" else type(c)("hieght", "int", "mm", "misspelt")
    for c in parcels().columns
) + tuple(c for c in parcels().columns if c.name == "sender")


def test_progress_on_a_terminal_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO", "plumbline")
    monkeypatch.setattr(boosting, "SECONDS", 0.0)
    for terminal, lines in ((False, 0), (True, 3)):
        monkeypatch.setattr("sys.stderr.isatty", lambda there=terminal: there)
        fit(tmp_path, "regression", rounds=3)
        assert len(caplog.messages) == lines


def boosted(folder: Path, limits: MatrixLimits, threads: int = 2, **params: Any) -> tuple[Any, Any]:
    """The train matrix, and the model of 12 rounds on it as bytes."""
    case, kind = parcels("regression"), {"max_depth": 4, "max_bin": 1024, **params}
    settings = boosting.settings("regression", kind, seed=5, threads=threads)
    pair = batches.binned(case, settings, *write(folder), limits)
    model = boosting.boost(settings, *pair, rounds=12, early_stopping=20)
    return pair[0], bytes(model.booster.save_raw("ubj"))


@pytest.mark.capability("E10")
def test_pages_on_disk_hold_the_same_bins_and_give_the_same_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(matrix_pages, "PAGE", 400 * len(FEATURES))
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    whole, model = boosted(tmp_path, MatrixLimits())
    paged, same = boosted(tmp_path, MatrixLimits(in_memory=1_500 * len(FEATURES) - 1))
    assert [np.array_equal(*pair) for pair in zip(whole.get_quantile_cut(), paged.get_quantile_cut(), strict=True)] == [True, True]  # fmt: skip
    assert np.array_equal(whole.get_label(), paged.get_label())
    assert np.array_equal(whole.get_base_margin(), paged.get_base_margin())
    assert same == model
    (folder,) = (tmp_path / "scratch").iterdir()
    assert [p.stat().st_size > 0 for p in folder.iterdir()] == [True]
    del paged
    assert not folder.exists()


@pytest.mark.capability("E10")
def test_pages_give_the_same_bytes_for_any_number_of_threads_where_rows_are_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(matrix_pages, "PAGE", 400 * len(FEATURES))
    one, two = (
        boosted(tmp_path, MatrixLimits(in_memory=1), threads, subsample=0.7)[1]
        for threads in (1, 2)
    )
    assert one == two


def test_batches_are_grouped_to_one_size_and_lose_nothing():
    x = np.arange(26, dtype=np.float32).reshape(13, 2)
    parts = [Batch(x[a:b], x[a:b, 0], x[a:b, 1]) for a, b in ((0, 5), (5, 6), (6, 6), (6, 13))]
    for rows in (1, 4, 5, 13, 100):
        grouped = list(matrix_pages.grouped(iter(parts), rows))
        assert {len(b.y) for b in grouped[:-1]} <= {rows}
        assert 0 < len(grouped[-1].y) <= rows
        for name, whole in (("x", x), ("y", x[:, 0]), ("offset", x[:, 1])):
            assert np.array_equal(np.concatenate([getattr(b, name) for b in grouped]), whole)


def test_a_large_table_gives_evenly_spaced_rows_and_the_label_that_goes_with_them(tmp_path: Path):
    paths, limits = write(tmp_path), MatrixLimits(learned=400, watched=200)
    settings = boosting.settings("classification", {}, seed=5, threads=1)
    learn, watch = batches.binned(parcels(), settings, *paths, limits)
    for matrix, path, every in ((learn, paths[0], 4), (watch, paths[1], 3)):
        label = tables.read(path, ["broken"])["broken"]
        assert np.array_equal(matrix.get_label(), label[::every])
    whole = batches.open_table(parcels(), paths[0])
    some = batches.open_table(parcels(), paths[0], 400)
    assert np.array_equal(*(np.concatenate([b.x for b in t.read()])[::e] for t, e in ((whole, 4), (some, 1))))  # fmt: skip
