"""What looks wrong in a first table: events far off, gaps, repeats, empty columns; labels rewritten later."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from plumbline.core import event_days
from plumbline.validate import irregularities, label_history
from plumbline.validate.profile_document import MonthLabels, Profile, RowRates
from tests.graph import PLAIN, SIZE, TIMED, Graph

Build = Callable[..., Graph]
START = datetime(2024, 1, 1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def table(times: list[datetime]) -> list[str]:
    return ["id,at,size,answer", *(f"{i},{t},{i % 7},{i % 5}" for i, t in enumerate(times))]


def observed(kind: str) -> dict[str, float]:
    """What `validate` observed beside the checks of single days; it stands in its warnings, too."""
    result = json.loads(Path("metrics/toy/validate.json").read_text())
    found = {n: v for n, v in result["observed"].items() if n.endswith(f".{kind}")}
    assert sum(f"check '{kind}'" in text for text in result["warnings"]) == len(found)
    return found


def hourly(days: int) -> list[datetime]:
    return [START + i * HOUR for i in range(24 * days)]


def daily(days: int) -> list[datetime]:
    return [START + i * DAY for i in range(days)]


def busy(days: int) -> list[datetime]:
    """Some seven events a day, at odd minutes."""
    return [START + timedelta(minutes=(197 + i % 11) * i) for i in range(7 * days)]


LOOKS: dict[str, tuple[list[datetime], dict[str, int]]] = {
    "regular": (hourly(30), {}),
    "events at odd times": (busy(60), {}),
    "one day": ([START + timedelta(minutes=i * i) for i in range(30)], {}),
    "no work at week-ends": ([t for t in daily(90) if t.weekday() < 5], {}),
    "now and then": ([t for i, t in enumerate(daily(200)) if i * i % 7 == 1], {}),
    "open by day": ([t for t in hourly(40) if 8 <= t.hour < 16], {}),
    "an event of 1900": ([datetime(1900, 1, 1), *busy(60)], {"apart": 1}),
    "two default dates": ([datetime(1970, 1, 1), datetime(2000, 1, 1), *busy(60)], {"apart": 2}),
    "days absent": ([t for t in hourly(60) if t.day not in (7, 8, 20)], {"gaps": 6}),
    "hours absent": (
        [t for t in hourly(30) if t.day != 5 or t.hour not in (3, 4)],
        {"steps": 2},
    ),
    "an hour twice": (sorted([*hourly(30), START + 49 * HOUR]), {"repeated": 1}),
    "days absent from a series of days": (
        [t for i, t in enumerate(daily(731)) if i % 15 != 3],
        {"gaps": 49},
    ),
    "a date misread": (
        [t.replace(month=3) if (t.month, t.day) == (2, 9) else t for t in daily(80)],
        {"gaps": 1, "repeated": 1},
    ),
}


@pytest.mark.parametrize("case", LOOKS)
def test_times_of_a_first_table(case: str) -> None:
    times, expected = LOOKS[case]
    with duckdb.connect() as database:
        database.execute("CREATE TABLE t AS SELECT unnest(?) AS at", [times])
        found = irregularities.of_times(database, "at", "FROM t")
    assert {i.kind: i.size for i in found} == expected
    assert all(str(i.size) in i.detail for i in found)


def test_a_column_without_a_value(graph: Build) -> None:
    empty = replace(SIZE, name="gap")
    case = replace(PLAIN, columns=(*PLAIN.columns, empty))
    lines = ["id,size,answer,gap", *(f"{i},{'' if i else 3},{i % 5}," for i in range(9))]
    graph(lines, case).run("data", "validate")
    assert observed("empty") == {"gap.empty": 9}


def test_an_event_far_off_moves_no_window(graph: Build) -> None:
    days = {"warmup_days": 10, "valid_days": 9, "test_days": 9, "current_days": 9, "join": "direct"}
    lines = table([datetime(1900, 1, 1), *busy(60)])
    run = graph(lines, TIMED, data={"as_of": "2024-03-01"}, features=days)
    run.run("data", "validate", "features")
    windows = json.loads(Path("metrics/toy/features.json").read_text())["tables"]
    assert windows["train"]["start"] == "2024-01-11"
    assert observed("apart") == {"at.apart": 1}


def test_a_date_far_ahead_moves_no_window_without_as_of() -> None:
    days = [(date(2024, 1, 1) + i * DAY, 9) for i in range(60)]
    found = event_days.of([*days, (date(2999, 1, 1), 1)])
    assert (found.first, found.last) == (date(2024, 1, 1), date(2024, 2, 29))
    assert "1 row far from the others" in found.apart


@pytest.mark.parametrize(
    "days",
    [
        [(date(2024, 1, 1), 1)],
        [(date(2024, 1, 1), 1), (date(2024, 6, 1), 1)],
        [(date(2020, 1, 1) + 90 * i * DAY, 1) for i in range(20)],
        [(date(2020, 1, 1) + i * DAY, 9) for i in [*range(30), *range(100, 130)]],
    ],
)
def test_few_or_even_events_stay_together(days: list[tuple[date, int]]) -> None:
    found = event_days.of(days)
    assert (found.first, found.last, found.apart) == (days[0][0], days[-1][0], "")


JANUARY = 31 * 24
Labels = list[int | None]
CHANGES: dict[str, tuple[Callable[[Labels], Labels], list[str]]] = {
    "none": (list, []),
    "all of January is 1": (lambda old: [1] * JANUARY + old[JANUARY:], ["2024-01"]),
    "one label": (lambda old: [9, *old[1:]], ["2024-01"]),
    "one label is taken back": (lambda old: [None, *old[1:]], ["2024-01"]),
    "two labels change places": (lambda old: [old[1], old[0], *old[2:]], ["2024-01"]),
    "two months": (lambda old: [1] * len(old), ["2024-01", "2024-02"]),
    "a label of the month that is open": (lambda old: [*old[:-1], 9], []),
}


def history(labels: Labels, until: str = "2024-03-10") -> list[MonthLabels]:
    """The months of hourly events, in the reverse order of their times."""
    times = hourly(70)[: len(labels)]
    with duckdb.connect() as database:
        database.execute(
            'CREATE TABLE t AS SELECT unnest(?) AS "at", unnest(?) AS answer, unnest(?) AS id',
            [times, labels, [str(at) for at in times]],
        )
        rows = 'SELECT * FROM t ORDER BY "at" DESC'
        return label_history.months(database, TIMED, rows, date.fromisoformat(until))


def profile(months: list[MonthLabels], until: str = "2024-03-11") -> Profile:
    window = ["2024-01-01", until]
    return Profile(columns={}, per_day=RowRates(), rows=0, window=window, months=months)


@pytest.mark.parametrize("case", CHANGES)
def test_labels_of_past_months_after_accept(case: str) -> None:
    change, months = CHANGES[case]
    old: Labels = [i % 5 for i in range(70 * 24)]
    before = history(old)
    assert [(m.month, m.rows) for m in before] == [("2024-01", 744), ("2024-02", 696)]
    found = label_history.rewritten(TIMED, profile(before), profile(history(change(old))), None)
    assert [i.size for i in found] == [len(months)] * bool(months)
    assert all(
        month in i.detail and "plumbline accept toy" in i.detail for i in found for month in months
    )


@pytest.mark.parametrize(("start", "months"), [(None, 2), ("2024-01-01", 2), ("2024-01-02", 1)])
def test_months_that_are_no_longer_read_are_not_compared(start: str | None, months: int) -> None:
    first = date.fromisoformat(start) if start else None
    before, now = history([1] * 1680), history([0] * 1680)
    (found,) = label_history.rewritten(TIMED, profile(before), profile(now), first)
    assert found.size == months
    assert not label_history.rewritten(TIMED, profile(before), profile([], "2024-01-31"), first)


def test_rewritten_labels_are_told_by_the_stage(graph: Build) -> None:
    head, *lines = table(hourly(40))
    run = graph([head, *lines], TIMED, data={"as_of": "2024-02-09"}).run("data", "validate")
    assert observed("history") == {}
    Path("profiles/toy.json").write_text(Path("data/toy/profile.json").read_text())
    changed = [line[:-1] + "1" if i < JANUARY else line for i, line in enumerate(lines)]
    Path("sources/toy/t.csv").write_text("\n".join([head, *changed]) + "\n")
    run.run("data", "validate")
    assert observed("history") == {"answer.history": 1}
