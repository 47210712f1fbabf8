"""From valid data to model tables: what each holds, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from plumbline.core import tables
from plumbline.core.declarations import Column, Split
from plumbline.core.errors import ContractError, ParamsError, SourceError
from plumbline.core.usecase import UseCase
from plumbline.features import assemble, ibis_session, splits
from plumbline.features.params import Features
from tests.code.test_batch import many
from tests.small import AS_OF, SMALL, event, write

PARAMS = Features(warmup_days=2, valid_days=3, test_days=4, current_days=3)


def build(
    folder, rows, as_of: date | None = AS_OF, usecase: UseCase = SMALL, valid=None, params=PARAMS
):
    valid = valid or write(rows, folder / "valid")
    for name in ("snapshots", "tables"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    with ibis_session.connection() as backend:
        report = assemble.timed(
            backend, usecase, params, as_of, valid, folder / "snapshots", folder / "tables"
        )
    result = {n: tables.read(folder / "tables" / f"{n}.parquet") for n in splits.NAMES}
    return report, result


def test_tables_hold_their_days_in_order_and_known_labels(tmp_path):
    rows = many()
    report, result = build(tmp_path, rows)
    days = {"train": (28, 36), "valid": (38, 41), "test": (43, 47), "current": (47, 50)}
    for name, (start, end) in days.items():
        low, high = (datetime(2025, 1, 29) + timedelta(days=d) for d in (start, end))
        inside = sorted((r["at"], r["number"]) for r in rows if low <= r["at"] < high)
        assert result[name]["number"].tolist() == [number for _, number in inside]
        assert report.tables[name].rows == len(inside)
        assert report.tables[name].start == str(low.date())
    late = result["current"]["at"] >= result["current"]["at"].max().astype("datetime64[D]") - 1
    assert [bool(v != v) for v in result["current"]["bad"][late]] == [True] * int(late.sum())
    labels = {r["number"]: r["bad"] for r in rows}
    assert result["test"]["bad"].tolist() == [labels[n] for n in result["test"]["number"].tolist()]


def test_rows_without_a_known_label_are_left_out_and_counted(tmp_path):
    rows = many()
    test = [r for r in rows if date(2025, 3, 13) <= r["at"].date() < date(2025, 3, 17)]
    gone = {r["number"] for r in test[:5]}
    mute = [{**r, "bad": None} if r["number"] in gone else r for r in rows]
    report, result = build(tmp_path, mute)
    assert report.tables["test"].without_label == 5
    assert not gone & set(result["test"]["number"].tolist())
    assert report.tables["train"].without_label == 0


def test_days_left_out_are_in_histories_and_in_no_table_but_current(tmp_path):
    rows = many()
    _, whole = build(tmp_path / "whole", rows)
    days = (date(2025, 3, 14), date(2025, 3, 17))  # one of test, one of current
    params = PARAMS.model_copy(update={"leave_out": days})
    report, result = build(tmp_path / "less", rows, params=params)
    kept = whole["test"]["at"].astype("datetime64[D]") != days[0]
    for name, values in whole["test"].items():
        assert result["test"][name].tolist() == values[kept].tolist()
    assert report.tables["test"].without_label == 0
    for name in ("train", "valid", "current"):
        assert result[name]["number"].tolist() == whole[name]["number"].tolist()


def test_a_window_of_days_left_out_alone_is_refused(tmp_path):
    days = tuple(date(2025, 3, 8) + timedelta(days=n) for n in range(3))
    with pytest.raises(ContractError, match=r"no row with a known label for valid"):
        build(tmp_path, many(), params=PARAMS.model_copy(update={"leave_out": days}))


def test_a_key_twice_does_not_make_two_rows_of_one(tmp_path):
    rows = many()
    with pytest.raises(ContractError, match=r"events of train .* 'number' is not unique"):
        build(tmp_path, [*rows, *rows])


def test_as_of_is_the_day_after_the_last_event_unless_given(tmp_path):
    report, _ = build(tmp_path, [*many(), event(9_999, datetime(2025, 3, 19, 23))], as_of=None)
    assert report.tables["current"].end == "2025-03-20"


def test_a_window_without_labels_is_refused(tmp_path):
    rows = [r for r in many() if not date(2025, 3, 8) <= r["at"].date() < date(2025, 3, 11)]
    with pytest.raises(ContractError, match=r"valid \(2025-03-08 to 2025-03-11\) \(0 without\)"):
        build(tmp_path, rows)


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_cannot_be_learnt(tmp_path, label):
    rows = [{**r, "bad": label} for r in many()]
    for problem in ("classification", "regression"):
        with pytest.raises(ContractError, match=rf"'bad' is {label} on all \d+ rows of train \("):
            build(tmp_path / problem, rows, usecase=replace(SMALL, problem=problem))


def test_too_few_days_are_refused_with_their_dates(tmp_path):
    rows = [r for r in many() if r["at"] < datetime(2025, 3, 6)]
    with pytest.raises(ParamsError, match="Events span 2025-02-24 to 2025-03-06"):
        build(tmp_path, rows, as_of=date(2025, 3, 6))


def test_no_files_no_events_and_no_column(tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(SourceError, match=r"none: no events-\*\.parquet"):
        build(tmp_path, [], valid=tmp_path / "none")
    valid = write(many(200), tmp_path / "valid")
    extra = replace(SMALL, columns=(*SMALL.columns, Column("cent", "int", "-", "")))
    with pytest.raises(SourceError, match=r"events-\*.* no column 'cent', .*did you mean 'cents'"):
        build(tmp_path, [], valid=valid, usecase=extra)
    with ibis_session.connection() as backend:
        events, _ = ibis_session.read(backend, SMALL, valid)
        with pytest.raises(ContractError, match="there are no events"):
            assemble.span(SMALL, events.filter(events.cents < 0), None)


@pytest.mark.parametrize("given", [False, True])
def test_a_plain_table_is_split_by_key_or_as_a_column_says(tmp_path, given):
    import pyarrow as pa
    import pyarrow.parquet as pq

    usecase = UseCase(
        name="plain",
        title="",
        owner="",
        problem="regression",
        key="id",
        label="y",
        columns=(
            Column("id", "int", "-", ""),
            Column("x", "float", "-", ""),
            Column("y", "float", "-", "", known=False),
            Column("part", "string", "-", "", known=False),
        ),
        features=("x",),
        split=Split(column="part") if given else Split(),
    )
    ids = list(range(500))
    (tmp_path / "tables").mkdir()
    pq.write_table(
        pa.table({"id": ids, "x": [i / 2 for i in ids]}), tmp_path / "events-all.parquet"
    )
    parts = splits.by_key(Features(), ids).tolist()
    known = {"id": ids[::-1], "y": [float(i) for i in ids[::-1]], "part": parts[::-1]}
    known = pa.table(known)
    pq.write_table(known, tmp_path / "outcomes-all.parquet")
    with ibis_session.connection() as backend:
        report = assemble.untimed(backend, usecase, Features(), tmp_path, tmp_path / "tables")
    result = {n: tables.read(tmp_path / "tables" / f"{n}.parquet") for n in splits.NAMES}
    assert sorted(i for part in result.values() for i in part["id"].tolist()) == ids
    for name, part in result.items():
        assert set(splits.by_key(Features(), part["id"].tolist())) == {name}
        assert part["id"].tolist() == sorted(part["id"].tolist())
        assert part["y"].tolist() == (part["x"] * 2).tolist()
        assert report.tables[name].rows == len(part["id"])
