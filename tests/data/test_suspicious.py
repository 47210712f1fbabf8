"""Poisoned payments: what validate sees of them without a model, and what it cannot see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from plumbline.core.declarations import Column
from plumbline.core.usecase import Contract
from plumbline.validate import months, near_copies, series_span, suspicious
from sources.card_fraud.simulator import simulate
from tests.orders import LIST
from usecases.card_fraud.contract import CONTRACT

START, END = datetime(2025, 1, 1), datetime(2025, 6, 1)
POISONED = datetime(2025, 5, 1)
SIZE = {"customers": 600, "terminals": 600}
Measures = Mapping[str, tuple[float, str]]
"""By check, the score (above 1: a burst) and what was found."""


def write(folder: Path, events: pa.Table) -> None:
    """The files that the data stage would write."""
    late = events.select(["payment_id", "paid_at"]).append_column(
        "known_at", pc.add(events["paid_at"], pa.scalar(timedelta(days=7), pa.duration("us")))
    )
    late = late.append_column("is_fraud", events["is_fraud"])
    known = late.filter(pc.less(late["known_at"], pa.scalar(END, pa.timestamp("us"))))
    parts = (("events", events.drop(["is_fraud"]), "paid_at"), ("outcomes", known, "known_at"))
    for name, table, column in parts:
        for number in range(1, 6):
            rows = table.filter(pc.equal(pc.month(table[column]), number))
            pq.write_table(rows, folder / f"{name}-2025-{number:02d}.parquet")


@pytest.fixture(scope="module")
def events() -> pa.Table:
    return pa.concat_tables(simulate(SIZE, START.date(), END.date(), 7))


@pytest.fixture(scope="module")
def clean(events: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clean")
    write(folder, events)
    return folder


def measured(folder: Path, *, accepted: bool = False, case: Contract = CONTRACT) -> Measures:
    connection = duckdb.connect()
    tables = months.scan(connection, case, folder)
    window = date(2025, 5, 4), END.date()
    built = suspicious.measures(connection, case, tables, window, accepted=accepted)
    return {f"{m.kind} {m.column}": (m.value, m.detail) for m in built}


def poisoned(events: pa.Table, folder: Path, **shock: Any) -> Measures:
    """With the payments from POISONED on, or the shock's own date, under a shock."""
    shocks = [{"date": POISONED.date(), **shock}]
    day = shocks[0]["date"]
    later = simulate({**SIZE, "shocks": shocks}, START.date(), END.date(), 7, since=day)
    before = pc.less(
        events["paid_at"], pa.scalar(datetime.combine(day, time()), pa.timestamp("us"))
    )
    write(folder, pa.concat_tables([events.filter(before), *later]))
    return measured(folder)


def flagged(seen: Measures) -> set[str]:
    return {name for name, (score, _) in seen.items() if score > 1}


SHOCKS: Mapping[str, tuple[dict[str, Any], str, str]] = {
    "random": ({"kind": "flipped_labels", "share": 0.05}, "label_lone is_fraud", "such as key"),
    "few": ({"kind": "flipped_labels", "share": 0.01}, "label_lone is_fraud", "positive labels"),
    "segment": (
        {"kind": "flipped_labels", "share": 0.4, "category": "clothing"},
        "label_segments category",
        "'clothing' has",
    ),
    "entity": (
        {"kind": "flipped_labels", "share": 0.5, "terminals": 0.1},
        "label_segments terminal_id",
        "most labels of one terminal_id",
    ),
    "outliers": ({"kind": "outlier_burst", "share": 0.01}, "outliers amount_cents", "such as key"),
    "copies": ({"kind": "near_copies", "share": 0.01}, "label_copies is_fraud", "a near copy"),
}


def test_clean_payments_show_no_burst(clean: Path) -> None:
    assert flagged(measured(clean)) == set()


@pytest.mark.capability("G17")
@pytest.mark.parametrize(("shock", "check", "words"), SHOCKS.values(), ids=SHOCKS)
def test_a_poisoning_is_seen_and_named(
    events: pa.Table, tmp_path: Path, shock: dict[str, Any], check: str, words: str
) -> None:
    seen = poisoned(events, tmp_path, **shock)
    assert check in flagged(seen)
    assert words in seen[check][1]


def test_frauds_of_which_one_in_twenty_is_hidden_are_not_seen(
    events: pa.Table, tmp_path: Path
) -> None:
    assert flagged(poisoned(events, tmp_path, kind="flipped_labels", share=0.05, label=1)) == set()


def test_what_was_accepted_is_not_flagged_again(events: pa.Table, tmp_path: Path) -> None:
    early = {"date": date(2025, 3, 20), "until": date(2025, 3, 22)}
    seen = poisoned(events, tmp_path, kind="flipped_labels", share=0.3, **early)
    assert "label_rate is_fraud" in flagged(seen)
    assert "2025-03-20" in seen["label_rate is_fraud"][1]
    assert flagged(measured(tmp_path, accepted=True)) == set()


def test_rows_of_few_entities_are_not_compared_pair_by_pair(
    clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(near_copies, "MOST_PAIRS", 10)
    assert "label_copies is_fraud" not in measured(clean)


def test_what_cannot_be_judged_says_why() -> None:
    few = series_span.span(CONTRACT, date(2025, 5, 1), date(2025, 5, 30))
    assert "labels of 22 days are due, 56 are needed" in suspicious.not_judged(CONTRACT, few)
    assert suspicious.not_judged(LIST, None).endswith("has no days to compare")
    enough = series_span.span(CONTRACT, START.date(), END.date())
    assert suspicious.not_judged(CONTRACT, enough) == ""


def test_too_few_days_are_not_judged(clean: Path, tmp_path: Path) -> None:
    for name in ("events-2025-05.parquet", "outcomes-2025-05.parquet"):
        (tmp_path / name).symlink_to(clean / name)
    assert measured(tmp_path) == {}


def test_labels_of_several_classes_are_counted_by_their_places(
    events: pa.Table, tmp_path: Path
) -> None:
    late = pc.and_(
        pc.equal(events["is_fraud"], 1), pc.greater(events["paid_at"], pa.scalar(POISONED))
    )
    kind = pc.if_else(late, "odd", "plain")
    place = events.column_names.index("is_fraud")
    write(tmp_path, events.set_column(place, "is_fraud", kind))
    label = Column(
        "is_fraud", "string", "-", "kind", allowed=("odd", "plain", "other"), known=False
    )
    columns = (*CONTRACT.known, label)
    case = replace(CONTRACT, problem="multiclass", columns=columns)
    seen = measured(tmp_path, case=case)
    assert "of class odd" in seen["label_rate is_fraud"][1]
    assert "label_rate is_fraud" in flagged(seen)
