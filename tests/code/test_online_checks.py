"""A request held against the contract: as `request_check`, and what JSON alone can bring."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from plumbline.core.declarations import Column, Only
from plumbline.serve import request_check
from plumbline.serve.online import bodies, times
from plumbline.serve.online.checks import CompiledCheck, digest
from plumbline.serve.online.refusals import BodyRefused, EventRefused
from tests import requests
from tests.frames import FLIGHTS
from tests.orders import LIST, ORDERS

pytestmark = pytest.mark.mltest("Monitor 2")
AT = datetime(2025, 3, 1, 12)
NOW = times.micros(AT)
DAY = 86_400_000_000
GOOD: dict[str, Any] = {
    "order_id": 7,
    "ordered_at": "2025-03-01T12:00:00Z",
    "buyer": 3,
    "amount_cents": 500,
    "weight": None,
    "channel": "web",
}
CHECK = CompiledCheck(ORDERS, 40)
FLAG = Column("paid", "bool", "-", "paid", null=True)
SCORE = Column("score", "float", "-", "of the buyer", max=0.1)
MORE = replace(
    ORDERS, columns=(*ORDERS.columns, FLAG, SCORE), only=(Only("buyer", "most", high=90_000),)
)
VALUES = [
    *(0, 1, -1, 100_000, 100_001, 2**53 + 1, 2**63 - 1, True, False, None, "", "web", "ü", "Web"),
    *(0.0, -0.0, 0.1, 1.5, 1e308, 5e-324, float(np.float32(0.1)), 0.1000001, [], {}, [1], {"a": 1}),
]  # fmt: skip


def refused(change: dict[str, Any], now: int = NOW, check: CompiledCheck = CHECK) -> EventRefused:
    with pytest.raises(EventRefused) as caught:
        check.event({**GOOD, **change}, now)
    return caught.value


def test_a_good_event_becomes_plain_values() -> None:
    event, late = CHECK.event({**GOOD, "weight": 2}, NOW)
    assert event == {**GOOD, "ordered_at": AT, "weight": 2.0}
    assert type(event["weight"]) is float
    assert list(event) == [c.name for c in ORDERS.known]
    assert late is False


@pytest.mark.capability("G10")
def test_the_verdicts_are_those_of_request_check() -> None:
    """Each column in turn takes every odd value, and many events take several."""
    check = CompiledCheck(MORE, 40)
    random, names = np.random.default_rng(1), [c.name for c in MORE.known]
    drawn = requests.events(MORE, 200)
    changes = [{name: value} for name in names for value in VALUES]
    changes += [{n: VALUES[int(random.integers(len(VALUES)))] for n in random.choice(names, 3)} for _ in range(300)]  # fmt: skip
    passed = 0
    for i, change in enumerate(changes):
        event = {**drawn[i % len(drawn)], **change}
        expected = {message.split(" ")[0] for message in request_check.messages(MORE, event)}
        checked, columns = _verdict(check, requests.as_json(MORE, event))
        assert columns == expected, change
        assert expected or checked == {**event, **_floats(event)}, change
        passed += not expected
    assert 30 < passed < len(changes) / 2


def _verdict(check: CompiledCheck, event: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """The checked event, or the columns for which it is refused."""
    try:
        return dict(check.parsed(event)), set()
    except EventRefused as refused:
        return {}, {problem.column for problem in refused.problems}


def _floats(event: dict[str, Any]) -> dict[str, Any]:
    """What a float column keeps of a whole number."""
    names = [c.name for c in MORE.known if c.type == "float"]
    return {n: None if event[n] is None else float(event[n]) for n in names}


@pytest.mark.parametrize("name", [c.name for c in ORDERS.known])
def test_a_lost_column(name: str) -> None:
    with pytest.raises(EventRefused, match=f"event 4, {name}: found nothing, expected the field"):
        CHECK.event({n: v for n, v in GOOD.items() if n != name}, NOW, 4)


@pytest.mark.parametrize(
    ("change", "column", "found", "expected"),
    [
        ({"amount_cents": 10**30}, "amount_cents", "1" + "0" * 30, "a whole number within 64 bits"),
        ({"order_id": 2**63}, "order_id", str(2**63), "within 64 bits"),
        ({"order_id": 10**4000}, "order_id", "a whole number of more than 60", "within 64 bits"),
        ({"amount_cents": 1.0}, "amount_cents", "1.0", "a whole number"),
        ({"amount_cents": True}, "amount_cents", "true", "a whole number"),
        ({"weight": 10**400}, "weight", "a whole number of more than", "3.4e+38"),
        ({"weight": float("inf")}, "weight", "inf", "at least 0 kg, of a size that"),
        ({"weight": 1e39}, "weight", "1e+39", "of a size that the model's float32 holds"),
        ({"weight": False}, "weight", "false", "a number"),
        ({"channel": "post"}, "channel", "'post'", "one of web, shop, phone"),
        ({"channel": "w" * 9_999}, "channel", "9,999 characters", "at most 4,096"),
        ({"channel": "\ud800"}, "channel", "'\\ud800'", "without half characters"),
        ({"channel": "we\0b"}, "channel", "'we\\x00b'", "without NUL"),
        ({"buyer": None}, "buyer", "null", "a value"),
        ({"buyer": {"a": [1]}}, "buyer", "an object", "a whole number"),
        ({"chanel": "web"}, "chanel", "a field", "did you mean 'channel'?"),
        ({"\ud800": 1}, "\\ud800", "a field", "choose one of"),
        ({"a\nb\x1b": 1}, "a\\nb\\x1b", "a field", "choose one of"),
        ({"returned": 0}, "returned", "a value", "not known at prediction time"),
        ({"ordered_at": 1740830400}, "ordered_at", "1740830400", "2025-03-01T12:00:00Z"),
    ],
)  # fmt: skip
def test_what_is_refused(change: dict[str, Any], column: str, found: str, expected: str) -> None:
    (problem,) = refused(change).problems
    assert (problem.event, problem.column) == (0, column)
    assert problem.found.startswith(found)
    assert expected in problem.expected
    str(refused(change)).encode()


def test_every_fault_is_named_and_the_list_is_short() -> None:
    assert len(refused({"buyer": "x", "channel": "post"}).problems) == 2
    many = refused({f"field {i}": i for i in range(5_000)})
    assert [p.column for p in many.problems] == ["field 0", "field 1", "field 2", ""]
    assert many.problems[-1].found == "5,000 unknown fields"
    with pytest.raises(EventRefused, match="; 280 events after these were not checked") as caught:
        CHECK.events([{**GOOD, "buyer": -1}] * 300, NOW)
    assert (len(caught.value.problems), caught.value.unchecked) == (20, 280)
    assert len(CHECK.events([GOOD] * 300, NOW)) == 300
    with pytest.raises(EventRefused, match="; and 5 more") as caught:
        bodies.objects(b"[" + b"1," * 24 + b"1]", "events")


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2025-03-01T12:00:00", AT),
        ("2025-03-01 12:00", AT),
        ("2025-03-01t12:00:00.000000000z", AT),
        ("2025-03-01T14:00:00+02:00", AT),
        ("2025-03-01T06:30:00-0530", AT),
        ("2025-03-01T12:00:00,25Z", AT + timedelta(milliseconds=250)),
        ("2024-02-29T23:59:59.999999Z", datetime(2024, 2, 29, 23, 59, 59, 999_999)),
    ],
)
def test_times_in_utc(text: str, time: datetime) -> None:
    assert times.parse(text, local=False) == time


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2025-03-01T24:00:00Z", "24:00 is 00:00 of the next day"),
        ("2016-12-31T23:59:60Z", "a leap second has no place"),
        ("2025-03-01T12:00:00.1234567Z", "at most six digits"),
        ("2025-02-29T12:00:00Z", "a time of the calendar"),
        ("0000-01-01T00:00:00Z", "a time of the calendar"),
        ("2025-03-01T12:61:00Z", "a time of the calendar"),
        ("0001-01-01T00:00:00+01:00", "years 1 to 9999"),
        ("9999-12-31T23:59:59-01:00", "years 1 to 9999"),
        ("2025-03-01T12:00:00+24:00", "-23:59 to +23:59"),
        ("2025-03-01T12:00:00+01:60", "-23:59 to +23:59"),
        ("10000-01-01T00:00:00Z", "an ISO 8601 time"),
        ("2025-03-01", "an ISO 8601 time"),
        ("2025-W09-6T12:00", "an ISO 8601 time"),
        ("20250301T120000Z", "an ISO 8601 time"),
        ("٢٠٢٥-03-01T12:00:00Z", "an ISO 8601 time"),
        ("2025-03-01T12:00:00Z\n", "an ISO 8601 time"),
        ("2025-03-01T12:00:00" + "0" * 99_999, "an ISO 8601 time"),
        ("", "an ISO 8601 time"),
    ],
)
def test_times_that_are_none(text: str, message: str) -> None:
    (problem,) = refused({"ordered_at": text}).problems
    assert message in problem.expected
    assert len(problem.found) < 80


def test_a_local_clock_takes_no_zone() -> None:
    """No zone converts a time that is each place's own; the service's clock may be half a day off."""
    check = CompiledCheck(FLIGHTS, 3)
    event = requests.as_json(FLIGHTS, requests.events(FLIGHTS, 1)[0])
    at = times.micros(requests.START)
    hour = DAY // 24
    assert check.event(event, at - 14 * hour)[1] is False
    assert check.event(event, at + 14 * hour)[1] is False
    assert check.event(event, at + 15 * hour)[1] is True
    assert [
        times.is_local(replace(FLAG, unit=u)) for u in ("UTC", "utc", "-", "local", "Europe/Berlin")
    ] == [
        *(False, False, False, True, True),
    ]
    for zone in ("Z", "-05:00"):
        with pytest.raises(EventRefused, match="local and without a zone"):
            check.event({**event, "departed_at": event["departed_at"] + zone}, at)


def test_the_window_of_times() -> None:
    def late(micros: int) -> bool:
        return CHECK.event(GOOD, NOW + micros)[1]

    assert [late(age) for age in (-300_000_000, 0, 59_999_999, 60_000_000, 40 * DAY)] == [
        *(False, False, False, True, True),
    ]
    for now, message in (
        (NOW - 300_000_001, "found 2025-03-01T12:00:00, expected at most 5 minutes ahead"),
        (NOW + 40 * DAY + 1, "at most 40 days before the service's clock, which is at 2025-04-10"),
    ):
        assert message in str(refused({}, now))
    for year in ("0001", "9999"):
        assert "the service's clock" in str(refused({"ordered_at": f"{year}-01-01T00:00:00Z"}))


def test_a_plain_table_has_no_window() -> None:
    check = CompiledCheck(LIST, 0)
    event = {n: v for n, v in GOOD.items() if n != "ordered_at"}
    assert check.event(event, 0) == (event, False)
    assert check.time(event) == 0


def test_optional_hidden_and_only() -> None:
    columns = tuple(
        replace(c, forbidden="an id") if c.name == "buyer" else c for c in ORDERS.columns
    )
    rule = Only("buyer", "of some", low=3, high=5)
    case = replace(ORDERS, columns=columns, optional=("weight",), only=(rule,))
    check = CompiledCheck(case, 40)
    event = {n: v for n, v in GOOD.items() if n != "weight"}
    assert check.event(event, NOW)[0]["weight"] is None
    for buyer in (77, -5, 10**40):
        (problem,) = refused({"buyer": buyer}, check=check).problems
        assert (problem.column, problem.found) == ("buyer", "a value")
    assert "the use case is about: buyer from 3 and below 5" in str(
        refused({"buyer": 77}, check=check)
    )


def test_a_time_that_is_shown_nowhere() -> None:
    columns = tuple(
        replace(c, forbidden="a clock") if c.name == "ordered_at" else c for c in ORDERS.columns
    )
    check = CompiledCheck(replace(ORDERS, columns=columns), 40)
    (problem,) = refused({}, NOW + 41 * DAY, check).problems
    assert (problem.column, problem.found) == ("ordered_at", "a value")


def test_digests_are_of_what_the_event_means() -> None:
    def of(**change: Any) -> bytes:
        return digest(CHECK.parsed({**GOOD, **change}))

    assert len(of()) == 16
    assert of(weight=1) == of(weight=1.0) != of(weight=1.5)
    assert of(ordered_at="2025-03-01T13:00:00+01:00") == of() == of(ordered_at="2025-03-01 12:00")
    backwards = dict(reversed(GOOD.items()))
    assert digest(CHECK.parsed(backwards)) == of() != of(buyer=4)


def test_outcomes() -> None:
    assert CHECK.outcome({"order_id": 7, "returned": 1}, NOW) == (7, {"returned": 1}, NOW)
    given = {"order_id": 7, "returned": 1, "known_at": "2025-03-01T11:00:00+00:00"}
    assert CHECK.outcome(given, NOW)[2] == NOW - DAY // 24
    for change, message in (
        ({"returned": 2}, "event 0, returned: found 2, expected at least 0 and at most 1"),
        ({"returned": None}, "returned: found null"),
        ({"order_id": "7"}, "order_id: found '7'"),
        (
            {"known_at": "2025-03-02T11:00:00Z"},
            "known_at: found '2025-03-02T11:00:00Z', expected a",
        ),
        ({"buyer": 3}, "buyer: found a field, expected a field of an outcome"),
    ):
        with pytest.raises(EventRefused, match=message):
            CHECK.outcome({**given, **change}, NOW)
    ahead = {**given, "known_at": "2025-03-09T11:00:00Z"}
    assert CHECK.outcome(ahead, NOW, replayed=True)[2] == NOW + 8 * DAY - DAY // 24
    with pytest.raises(EventRefused, match="returned: found nothing"):
        CHECK.outcome({"order_id": 7}, NOW)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "expecting value at character 0"),
        (b"{", "expecting property name"),
        (b'{"a": 1, "a": 2}', "the name 'a' twice"),
        (b'[{"a": {"b": 1, "b": 1}}]', "the name 'b' twice"),
        (b'{"a": NaN}', "found NaN, expected finite numbers"),
        (b'{"a": -Infinity}', "found -Infinity"),
        (b'{"a": "\xff"}', "bytes that are not UTF-8, at byte 7"),
        ("﻿{}".encode(), "expected JSON"),
        ('{"a": 1}'.encode("utf-16"), "bytes that are not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"1" * 5_000, "a number of thousands of digits"),
        (b"{} {}", "extra data"),
    ],
)
def test_bodies_that_are_no_strict_json(body: bytes, message: str) -> None:
    with pytest.raises(BodyRefused, match=message):
        bodies.objects(body, "events")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "found 0, expected 1 to 1,000"),
        ({"events": []}, "found 0, expected"),
        ([{}] * 1_001, "found 1,001, expected"),
        (7, "event 0: found 7, expected an object"),
        ("x", "event 0: found 'x'"),
        (None, "event 0: found null"),
        ([{}, [], 3], "event 1: found a list, .*; event 2: found 3"),
        ({"events": [{}], "more": 1}, "the body, more: found a field, expected events alone"),
    ],
)
def test_bodies_without_events(body: Any, message: str) -> None:
    with pytest.raises(EventRefused, match=message):
        bodies.objects(json.dumps(body).encode(), "events")


def test_the_three_forms_of_a_body() -> None:
    for body in (GOOD, [GOOD], {"events": [GOOD]}):
        assert bodies.objects(json.dumps(body).encode(), "events") == [GOOD]
    assert bodies.objects(b'{"events": 3}', "events") == [{"events": 3}]
