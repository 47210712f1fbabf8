"""A source of seed and sealed days: what is read of them, and what is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from plumbline.core import sealed_days, served_sheet
from plumbline.core.declarations import Column, Row
from plumbline.core.errors import ParamsError, SourceError
from plumbline.core.usecase import UseCase
from plumbline.ops.sealing.seal import Sealing
from plumbline.serve.log import refusal_counts
from plumbline.serve.log.prediction_log import PredictionLog
from plumbline.serve.protocols import LoggedEvent, LoggedOutcome
from stages import data
from tests import logged
from tests.conftest import ROOT
from tests.sales import HEADER, SALES, prepare, write_csv

AS_OF = "2025-02-04"
SEED = (
    "1,2025-01-20 10:00:00,north,250,2,1.5,true,0",
    "2,2025-01-31 09:00:00,south,999,1,0.4,false,1",
    "3,2025-02-01 08:00:00,east,1,1,,,1",
)
SETTINGS = {
    "source": "served",
    "as_of": AS_OF,
    "seed": {"source": "csv", "path": "sources/sales/a.csv", "as_of": "2025-02-01"},
}


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2025-{text}")


def micros(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp()) * 1_000_000


def event(sequence: int, key: int, moment: str, **values: Any) -> LoggedEvent:
    fields = {
        "sale_id": key,
        "sold_at": at(moment),
        "shop": "north",
        "total_cents": 100 * key,
        "weight": None,
        "promo": True,
    }
    own = {n: values.pop(n) for n in list(values) if n in fields}
    received = micros(at(values.pop("received", moment)))
    nothing = {"aggregates": (), "computed": (), "derived": ()}
    return logged.row(sequence, key, received, event=fields | own, **nothing | values)


def label(
    sequence: int, key: int, received: str, returned: int = 1, **values: Any
) -> LoggedOutcome:
    moment = micros(at(received))
    return logged.outcome(
        sequence, key, moment, values={"returned": returned}, **{"known_at": moment} | values
    )


ROWS = [
    event(1, 10, "02-01 10:00:00"),
    event(2, 11, "02-01 11:00:00", shop="west"),
    event(3, 11, "02-01 11:00:00", mode="shadow", arm="challenger"),
    label(4, 2, "02-01 12:00:00", 0),
    event(5, 12, "02-02 01:00:00", flags=("unknown",)),
    event(6, 13, "01-31 23:59:00", received="02-02 02:00:00", flags=("late",)),
    label(7, 10, "02-03 12:00:00"),
    label(8, 77, "02-03 12:00:00"),
    label(9, 10, "02-03 13:00:00", 0),
    event(10, 14, "02-04 01:00:00"),
]


def served(
    patch: pytest.MonkeyPatch,
    root: Path,
    rows: list[LoggedEvent | LoggedOutcome] = ROWS,
    case: UseCase = SALES,
) -> Path:
    """A project with a seed and the sealed days of a log."""
    write_csv(root / "sources" / "sales" / "a.csv", *SEED)
    prepare(patch, root, SETTINGS)
    (root / ".dvc").mkdir()
    shutil.copy(ROOT / "dvc.yaml", root)
    log = PredictionLog(root / "log", case)
    log.append(rows)
    log.close()
    Sealing(root, "sales", root / "log", now=date(2025, 2, 4)).run(None)
    return root


def run(patch: pytest.MonkeyPatch, root: Path, **settings: Any) -> Path:
    prepare(patch, root, {**SETTINGS, **settings})
    data.main("sales", Path("sources/sales"), Path("raw"), Path("served"), Path("data.json"))
    return root


def rows(root: Path, name: str) -> list[dict[str, Any]]:
    files = sorted((root / "raw").glob(f"{name}-*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def contents(root: Path) -> dict[str, bytes]:
    """Every out of the stage."""
    outs = [root / "data.json", *(root / "raw").iterdir(), *(root / "served").iterdir()]
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in outs}


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    return served(monkeypatch, tmp_path)


@pytest.mark.capability("K13")
def test_seed_and_sealed_days_are_one_source(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    run(monkeypatch, root)
    assert [e["sale_id"] for e in rows(root, "events")] == [1, 2, 13, 10, 11, 12]
    assert [(o["sale_id"], str(o["known_at"]), o["returned"]) for o in rows(root, "outcomes")] == [
        (1, "2025-01-22 10:00:00", 0),  # of the seed, as known before its as_of
        (2, "2025-02-01 12:00:00", 0),  # an event of the seed, whose outcome the service received
        (10, "2025-02-03 12:00:00", 1),
        (10, "2025-02-03 13:00:00", 0),  # a correction
    ]
    sheet = json.loads((root / "data.json").read_text())
    assert sheet["source"]["kind"] == "served"
    assert sheet["source"]["last"] == "2025-02-03"
    assert sheet["source"]["seed_source"]["path"] == "sources/sales/a.csv"
    counts = sheet["outcome_rows"]
    assert (counts["corrections"], counts["unknown"], counts["late"]) == (1, 1, 1)


@pytest.mark.capability("K12")
def test_what_was_served_lies_beside(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    run(monkeypatch, root)
    sheet = served_sheet.read(root / "served")
    assert [(d.events, d.shadows, d.outcomes, d.flags) for d in sheet.days] == [
        (2, 1, 1, {}),
        (2, 0, 0, {"late": 1, "unknown": 1}),
        (0, 0, 3, {}),
    ]
    assert (sheet.first, sheet.last, sheet.predictions) == (date(2025, 2, 1), date(2025, 2, 3), 5)
    assert (sheet.outcomes, sheet.unknown_outcomes, sheet.shadows) == (4, 1, 1)
    table = pq.read_table(root / "served" / "predictions-2025-02.parquet")
    assert table["sequence"].to_pylist() == [1, 2, 3, 5, 6]
    assert [str(d) for d in table["day"].to_pylist()] == ["2025-02-01"] * 3 + ["2025-02-02"] * 2


def test_the_same_bytes_again_and_after_a_later_day(
    monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    first = contents(run(monkeypatch, root))
    assert contents(run(monkeypatch, root)) == first
    Sealing(root, "sales", root / "log", now=date(2025, 3, 1)).run(None)
    assert contents(run(monkeypatch, root)) == first
    again = run(monkeypatch, root, as_of="2025-02-05")
    assert [e["sale_id"] for e in rows(again, "events")] == [1, 2, 13, 10, 11, 12, 14]
    for name in ("raw/events-2025-01.parquet", "raw/outcomes-2025-01.parquet"):
        assert contents(again)[name] == first[name]


def test_only_what_was_received_before_the_as_of_date_is_read(
    monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    """The event 13 is of January, and came on the second of February."""
    run(monkeypatch, root, as_of="2025-02-02")
    assert [e["sale_id"] for e in rows(root, "events")] == [1, 2, 10, 11]
    run(monkeypatch, root, as_of="2025-02-01")
    assert [e["sale_id"] for e in rows(root, "events")] == [1, 2]
    assert served_sheet.read(root / "served").days == []


def test_erasure_reaches_events_outcomes_and_predictions(
    monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    run(monkeypatch, root, forget={"sale_id": [10, 1]})
    assert [e["sale_id"] for e in rows(root, "events")] == [2, 13, 11, 12]
    assert [o["sale_id"] for o in rows(root, "outcomes")] == [2]
    table = pq.read_table(root / "served" / "predictions-2025-02.parquet")
    assert table["key"].to_pylist() == [11, 11, 12, 13]
    sheet = served_sheet.read(root / "served")
    assert (sheet.forgotten, sheet.days[0].events) == (1, 1)
    assert json.loads((root / "data.json").read_text())["rows_forgotten"] == 2
    assert (
        not list((root / "raw").glob("unknown*"))
        or 10 not in pq.read_table(root / "raw" / "unknown-outcomes.parquet")["sale_id"].to_pylist()
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"as_of": "2025-02-05"},
            r"data.as_of: got '2025-02-05', expected at most '2025-02-04': the last sealed day is 2025-02-03. `plumbline seal sales`",
        ),
        (
            {"as_of": "2025-01-31"},
            r"data.as_of: got '2025-01-31', expected at least the seed's as_of, '2025-02-01'",
        ),
        (
            {"seed": {**SETTINGS["seed"], "as_of": "2025-01-31"}},
            r"data.seed.as_of: a gap: got '2025-01-31', expected '2025-02-01'",
        ),
        (
            {"seed": {**SETTINGS["seed"], "as_of": "2025-02-02"}},
            r"data.seed.as_of: an overlap: got '2025-02-02', expected '2025-02-01'",
        ),
        ({"seed": {"source": "csv", "path": "sources/sales/a.csv"}}, r"data.seed.as_of: missing"),
        ({"seed": None}, r"data.seed: missing; source served of sales needs seed, as_of"),
        ({"seed": {"source": "csv", "as_of": "2025-02-01"}}, r"data.seed.path: missing"),
        (
            {"seed": {"source": "served", "as_of": "2025-02-01"}},
            r"data.seed.source: got 'served', expected simulate",
        ),
        (
            {"seed": {**SETTINGS["seed"], "path": "elsewhere/a.csv"}},
            r"data.seed.path: 'elsewhere/a.csv' is not in sources/sales",
        ),
        (
            {"outcomes": {"path": "sources/sales/o.csv"}},
            r"data.outcomes: sealed days have outcomes of their own",
        ),
    ],
)
def test_settings_that_cannot_be(
    monkeypatch: pytest.MonkeyPatch, root: Path, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ParamsError, match=words):
        run(monkeypatch, root, **settings)
    assert not (root / "raw").exists()


def _day(root: Path, kind: str = "events") -> Path:
    return root / "sources" / "sales" / "sealed" / f"{kind}-2025-02-02.parquet"


def test_a_clone_without_the_bytes_is_refused(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    before = contents(run(monkeypatch, root))
    for file in (root / "sources" / "sales" / "sealed").glob("*.parquet"):
        file.unlink()
    with pytest.raises(
        SourceError,
        match=r"events-2025-02-01.parquet: the bytes .* `dvc pull sources/sales/sealed/2025-02-01.dvc`",
    ):
        run(monkeypatch, root)
    assert contents(root) == before


@pytest.mark.parametrize("kind", ["events", "predictions"])
def test_a_changed_sealed_day_is_refused(
    monkeypatch: pytest.MonkeyPatch, root: Path, kind: str
) -> None:
    table = pq.read_table(_day(root, kind))
    pq.write_table(table, _day(root, kind), compression="none", version="2.4")
    with pytest.raises(
        SourceError,
        match=rf"{kind}-2025-02-02.parquet: SHA-256 is .* never rewritten: `git checkout",
    ):
        run(monkeypatch, root)


def test_a_changed_day_is_refused_although_dvc_took_it(
    monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    """`dvc repro` writes a changed file's md5 into its pointer, and goes on."""
    old = sealed_days.hashes(_day(root))[0]
    shutil.copy(root / "sources" / "sales" / "sealed" / "events-2025-02-01.parquet", _day(root))
    pointer = sealed_days.pointer(_day(root).parent, date(2025, 2, 2))
    pointer.write_text(pointer.read_text().replace(old, sealed_days.hashes(_day(root))[0]))
    with pytest.raises(SourceError, match=r"events-2025-02-02.parquet: SHA-256 is"):
        run(monkeypatch, root)


def test_a_day_without_its_pointer_is_refused(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    folder = _day(root).parent
    sealed_days.pointer(folder, date(2025, 2, 3)).unlink()
    with pytest.raises(
        SourceError,
        match=r"events-2025-02-03.parquet: no pointer names this day.*`plumbline seal sales`",
    ):
        run(monkeypatch, root)
    for file in folder.glob("*2025-02-02*"):
        file.unlink()
    for file in folder.glob("*2025-02-03.parquet"):
        file.unlink()
    with pytest.raises(ParamsError, match="expected at most '2025-02-02'"):
        run(monkeypatch, root)


def test_an_event_that_both_have_counts_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As the seed has it; with other values it is an overlap, and named."""
    same = {"shop": "south", "total_cents": 999, "weight": 0.4, "promo": False}
    late = event(1, 2, "01-31 09:00:00", received="02-01 10:00:00", **same)
    root = served(monkeypatch, tmp_path / "same", [late, *map(_later, ROWS)])
    run(monkeypatch, root)
    assert [e["sale_id"] for e in rows(root, "events")] == [1, 2, 13, 10, 11, 12]
    assert served_sheet.read(root / "served").repeated_events == 1
    other = replace(late, event={**late.event, "promo": True})
    root = served(monkeypatch, tmp_path / "other", [other, *map(_later, ROWS)])
    with pytest.raises(
        SourceError,
        match=r"the seed and .*events-2025-02-01.parquet: an overlap: both have the event sale_id=2",
    ):
        run(monkeypatch, root)


def _later(row: LoggedEvent | LoggedOutcome) -> LoggedEvent | LoggedOutcome:
    return replace(row, sequence=row.sequence + 1)


def test_two_days_with_one_event(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    again = event(11, 10, "02-01 10:00:00", received="02-04 02:00:00")
    more = [*ROWS, again, event(12, 15, "02-05 00:00:00")]
    root = served(monkeypatch, tmp_path / "same", more)
    Sealing(root, "sales", root / "log", now=date(2025, 3, 1)).run(None)
    run(monkeypatch, root, as_of="2025-02-05")
    assert served_sheet.read(root / "served").repeated_events == 1
    more[-2] = replace(again, event={**again.event, "shop": "elsewhere"})
    root = served(monkeypatch, tmp_path / "other", more)
    Sealing(root, "sales", root / "log", now=date(2025, 3, 1)).run(None)
    with pytest.raises(
        SourceError,
        match=r"events-2025-02-01.parquet and .*events-2025-02-04.parquet: an overlap: .* sale_id=10",
    ):
        run(monkeypatch, root, as_of="2025-02-05")


@pytest.mark.parametrize("null", [True, False])
def test_a_column_that_came_later(monkeypatch: pytest.MonkeyPatch, root: Path, null: bool) -> None:
    """Days that were sealed before the contract had it give null, where that may be."""
    (root / "sources" / "sales" / "a.csv").write_text(
        "\n".join([HEADER + ",till", *(f"{r},7" for r in SEED)])
    )
    case = replace(SALES, columns=(*SALES.columns, Column("till", "int", "-", "till", null=null)))
    prepare(monkeypatch, root, SETTINGS, case)
    if null:
        data.main("sales", Path("sources/sales"), Path("raw"), Path("served"), Path("data.json"))
        assert [e["till"] for e in rows(root, "events")] == [7, 7, None, None, None, None]
    else:
        with pytest.raises(
            SourceError, match=r"events-2025-02-01.parquet: no column 'till'.*null=True"
        ):
            data.main(
                "sales", Path("sources/sales"), Path("raw"), Path("served"), Path("data.json")
            )


def test_a_use_case_without_time_has_no_days(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    timeless = replace(
        SALES,
        time=None,
        label_delay=0,
        columns=tuple(c for c in SALES.columns if c.type != "timestamp"),
    )
    prepare(monkeypatch, root, SETTINGS, timeless)
    with pytest.raises(ParamsError, match="sales declares no time"):
        data.main("sales", Path("sources/sales"), Path("raw"), Path("served"), Path("data.json"))


def test_the_seed_may_have_outcomes_of_its_own(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    table = root / "sources" / "sales" / "known.csv"
    table.write_text("sale_id,known_at,returned\n1,2025-01-25,1\n1,2025-01-26,0\n2,2025-02-02,1\n")
    seed = {**SETTINGS["seed"], "outcomes": {"path": "sources/sales/known.csv"}}
    run(monkeypatch, root, seed=seed)
    assert [(o["sale_id"], o["known_at"].day, o["returned"]) for o in rows(root, "outcomes")] == [
        (1, 25, 1),
        (1, 26, 0),
        (2, 1, 0),
        (10, 3, 1),
        (10, 3, 0),
    ]


def test_columns_of_a_contract_that_are_called_as_the_logs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A late column `received`, and one `sequence`: both are kept, and so are the log's own."""
    late = (
        Column("received", "int", "-", "pieces", known=False),
        Column("sequence", "string", "-", "batch", known=False),
    )
    case = replace(SALES, columns=(*SALES.columns, *late))
    more = [
        replace(r, values={**r.values, "received": 7, "sequence": "x"})
        if isinstance(r, LoggedOutcome)
        else r
        for r in ROWS
    ]
    root = served(monkeypatch, tmp_path, more, case)
    (root / "sources" / "sales" / "a.csv").write_text(
        "\n".join([HEADER + ",received,sequence", *(f"{r},7,y" for r in SEED)])
    )
    prepare(monkeypatch, root, SETTINGS, case)
    data.main("sales", Path("sources/sales"), Path("raw"), Path("served"), Path("data.json"))
    assert [(o["sale_id"], o["received"], o["sequence"]) for o in rows(root, "outcomes")] == [
        (1, 7, "y"),
        (2, 7, "x"),
        (10, 7, "x"),
        (10, 7, "x"),
    ]


def test_a_key_of_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Erasure and predictions, too."""
    case = replace(SALES, columns=(Column("sale_id", "string", "-", "key"), *SALES.columns[1:]))
    more = [_text_key(r) for r in ROWS]
    root = served(monkeypatch, tmp_path, more, case)
    prepare(monkeypatch, root, {**SETTINGS, "forget": {"sale_id": ["11"]}}, case)
    data.main("sales", Path("sources/sales"), Path("raw"), Path("served"), Path("data.json"))
    assert [e["sale_id"] for e in rows(root, "events")] == ["1", "2", "13", "10", "12"]
    assert [o["sale_id"] for o in rows(root, "outcomes")] == ["1", "2", "10", "10"]
    table = pq.read_table(root / "served" / "predictions-2025-02.parquet")
    assert table["key"].to_pylist() == ["10", "12", "13"]


def _text_key(row: LoggedEvent | LoggedOutcome) -> LoggedEvent | LoggedOutcome:
    if isinstance(row, LoggedOutcome):
        return replace(row, key=str(row.key))
    return replace(row, key=str(row.key), event={**row.event, "sale_id": str(row.key)})


def test_what_was_refused_is_counted_by_day(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log = PredictionLog(tmp_path / "log", SALES)
    ten = micros(at("02-02 10:15:00"))
    faults = [("shop", "expected a text"), ("shop", "expected a text"), ("", "no object")]
    log.refuse([refusal_counts.of(ten, column, problem) for column, problem in faults])
    log.close()
    run(monkeypatch, served(monkeypatch, tmp_path))
    refused = {d.day.day: d.refused for d in served_sheet.read(tmp_path / "served").days}
    assert refused == {1: {}, 2: {"shop": {"expected a text": 2}, "": {"no object": 1}}, 3: {}}


def double(total_cents: Any) -> Any:
    """Twice the price [cents]."""
    return total_cents * 2


def test_a_new_definition_of_a_feature_adds_a_column(
    monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    """Days of older definitions have null there."""
    more = replace(SALES, rows=(Row(double),))
    log = PredictionLog(root / "log", more)
    log.append([event(11, 20, "02-04 02:00:00", computed=(2.5,))])
    log.close()
    Sealing(root, "sales", root / "log", now=date(2025, 3, 1)).run(None)
    run(monkeypatch, root, as_of="2025-02-05")
    table = pq.read_table(root / "served" / "predictions-2025-02.parquet")
    assert [c and c["double"] for c in table["computed"].to_pylist()] == [None] * 6 + [2.5]
