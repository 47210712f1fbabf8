"""The load generator against servers whose delays are known, its gate, and the events that it sends."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import pytest

from plumbline.__main__ import main
from plumbline.core import usecase_loader
from plumbline.core.errors import PlumblineError
from plumbline.serve.params import Serve
from plumbline.studies.loadtest import (
    gates,
    http_client,
    load_events,
    load_record,
    open_loop,
    schedule,
    served_bundle,
    study,
    text_report,
)
from plumbline.studies.loadtest.open_loop import OpenLoop, Sample
from tests import toy_server
from tests.small import SMALL, event
from tests.toy_server import Plan


def sent(toy: toy_server.Toy, offsets: list[float], **settings) -> list[Sample]:
    """Requests with an empty body at their moments."""
    target = http_client.address(toy.url)
    keep_alive = settings.get("keep_alive", True)
    one = http_client.post(target, "/", b"{}", {}, keep_alive=keep_alive)
    loop = OpenLoop(target, **{"connections": 1, **settings})

    async def run() -> list[Sample]:
        samples = await loop.run([one] * len(offsets), offsets)
        await loop.close()
        return samples

    return open_loop.run(run())


@pytest.mark.capability("H6")
def test_what_customers_wait_while_the_server_stalls_is_counted() -> None:
    """A closed loop would see one slow request of 60."""
    offsets = [i / 100 for i in range(60)]
    with toy_server.serving(lambda number: Plan(0.4 if number == 10 else 0)) as toy:
        samples = sent(toy, offsets)
    stalled = samples[10:44]
    assert all(s.latency > 0.39 - i / 100 for i, s in enumerate(stalled)), "due in the stall"
    service = [s.done - s.sent for s in stalled]
    assert max(service) == service[0], "from the moment of sending the others are hidden"
    assert median(service) < median(s.latency for s in stalled) / 2


def test_a_server_that_is_too_slow_for_the_rate_shows_the_growing_queue() -> None:
    with toy_server.serving(lambda _: Plan(0.02)) as toy:
        samples = sent(toy, [i / 100 for i in range(20)])
    assert all(s.latency >= 0.0199 * (i + 1) - i / 100 for i, s in enumerate(samples))
    assert toy.connections == 1


def test_requests_wait_for_one_of_n_connections() -> None:
    with toy_server.serving(lambda _: Plan(0.2)) as toy:
        sent(toy, [0.0] * 6, connections=3)
    assert toy.connections == 3


def test_without_keep_alive_each_request_has_its_connection() -> None:
    with toy_server.serving(lambda _: Plan()) as toy:
        samples = sent(toy, [0.0] * 6, connections=2, keep_alive=False)
    assert toy.connections == 6
    assert all(s.good for s in samples)


def test_errors_are_counted_by_status_and_kind() -> None:
    plans = [Plan(), Plan(status=503), Plan(status=0), Plan(status=422), Plan(status=-1)]
    with toy_server.serving(lambda number: plans[number]) as toy:
        samples = sent(toy, [0.0, 0.02, 0.04, 0.06, 0.08], timeout=2.0)
    load = load_record.load(samples, 1, 50, None, None, [])
    assert load.statuses == {"200": 1, "422": 1, "503": 1, "connection lost": 1, "timeout": 1}
    assert (load.errors, load.first_error) == (4, "503: {}")
    assert load.latency.max >= 2000, "who waited in vain waited"


def test_a_server_that_has_gone_is_an_error_of_each_request() -> None:
    with toy_server.serving(lambda _: Plan()) as toy:
        pass
    samples = sent(toy, [0.0, 0.01])
    assert {s.problem for s in samples} == {"connection refused"}


@pytest.mark.parametrize("arrivals", ["poisson", "even"])
def test_the_schedule_is_fixed_before_and_has_the_rate(arrivals) -> None:
    import numpy as np

    first, again = (
        schedule.moments(50, 4, arrivals, np.random.default_rng(7)).tolist() for _ in range(2)
    )
    assert first == again == sorted(first)
    assert len(first) == 200
    assert 0 <= first[0] <= first[-1] <= 4


def test_events_are_moved_to_the_moment_of_sending_under_new_keys() -> None:
    table = [event(i, datetime(2025, 3, 1, i), who_id=f"p{i}") for i in range(3)]
    start = datetime(2026, 1, 2, 3, tzinfo=UTC)
    offsets = [0.0, 0.5, 1.0, 1.5]
    sent = [json.loads(b) for b in load_events.Bodies(SMALL, table, 2).of(offsets, start)]
    events = [one for body in sent for one in body["events"]]
    assert [e["who_id"] for e in events] == ["p0", "p1", "p2", "p0", "p1", "p2", "p0", "p1"]
    assert len({e["number"] for e in events}) == 8
    assert events[2]["at"] == "2026-01-02T03:00:00.500000Z"
    later = start + timedelta(seconds=1)
    other = json.loads(load_events.Bodies(SMALL, table).of([0.0], later)[0])
    assert other["events"][0]["number"] > events[-1]["number"]


def test_by_the_events_clock_each_event_is_sent_once_as_it_is() -> None:
    table = [event(i, datetime(2025, 3, 1, i)) for i in range(3)]
    bodies = load_events.Bodies(SMALL, table, clock="events")
    events = [json.loads(b)["events"][0] for run in ([0], [0, 1]) for b in bodies.of(run)]
    assert [(e["number"], e["at"]) for e in events] == [
        (i, f"2025-03-01T0{i}:00:00Z") for i in range(3)
    ]
    with pytest.raises(PlumblineError, match="4 are needed and the table has 3"):
        bodies.of([0])


@pytest.mark.capability("H6")
def test_the_gate_passes_no_figure_that_is_over_or_unknown() -> None:
    samples = [Sample(0, 0, 0, i / 1000, 200, "", b"") for i in range(1, 101)]
    load = load_record.load(samples, 1, 100, None, None, [])
    assert load.latency.plain() == {"p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 100.0}
    judged = gates.judged(gates.parsed("p50=50, p99=98.9,errors=0,cpu=400"), load, None)
    assert [(g.name, g.passed) for g in judged] == [
        ("p50", True), ("p99", False), ("errors", True), ("cpu", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("p90=10", "p90=10: .*p95"),
        ("p99", "expected a number"),
        ("p99=", "expected a number"),
        ("p99=-1", "expected a number"),
        ("p99=nan", "expected a number"),
        ("", "expected limits like p99=10,errors=0"),
    ],
)
def test_a_gate_that_is_none_is_refused(text: str, message: str) -> None:
    with pytest.raises(PlumblineError, match=message):
        gates.parsed(text)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rate": 0}, "--rate 0"),
        ({"rate": 1, "seconds": 0.1}, "0 requests: expected at least one"),
        ({"rate": 20_000, "seconds": 80_000}, "at most 1,000,000"),
        ({"seconds": float("nan")}, "--seconds nan"),
        ({"connections": 1000}, "--connections 1,?000.* at most 900"),
        ({"each": 1001}, "--batch"),
        ({"url": "localhost:80"}, "expected an address like"),
        ({"url": "http://127.0.0.1:1"}, "nothing answers at 127.0.0.1:1 .*plumbline serve"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused(settings: dict, message: str) -> None:
    plan = study.LoadPlan(**{"url": "http://127.0.0.1:1", **settings})
    with pytest.raises(PlumblineError, match=message):
        study.measure(SMALL, [event(1, datetime(2025, 3, 1))], plan)


@pytest.mark.capability("H6")
def test_the_command_loads_a_server_beside_the_echo_and_judges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    monkeypatch.setattr(usecase_loader, "load_features", lambda name: SMALL)
    table, token = tmp_path / "events.parquet", tmp_path / "token"
    pq.write_table(pa.Table.from_pylist([event(1, datetime(2025, 3, 1))]), table)
    token.write_text("# of tests\nwombat\n")
    words = ["loadtest", "small", "--table", str(table), "--rate", "40", "--seconds", "0.5"]
    words += ["--warmup", "0.1", "--json", str(tmp_path / "load.json"), "--token-file", str(token)]
    with toy_server.serving(lambda _: Plan(0.01)) as toy:
        words += ["--url", toy.url]
        assert main([*words, "--gate", "errors=0,cpu_ratio=10000"]) == 0
        assert main([*words, "--no-echo", "--gate", "p50=1"]) == 1
    record = json.loads((tmp_path / "load.json").read_text())
    assert record["server"]["requests"] == 20
    assert record["server"]["latency"]["p50"] >= 10
    printed = capsys.readouterr().out
    assert "errors: none\n" in printed
    assert "times the echo's" in printed
    assert "gate: p50: FAILED" in printed


def test_the_address_is_that_of_the_settings() -> None:
    assert study.address(Serve()) == "http://127.0.0.1:8400"
    open_to_all = Serve(host="::", port=1, tls_cert="a", tls_key="b")
    assert study.address(open_to_all) == "https://[::1]:1"


def test_an_unknown_process_is_said_to_be_unknown() -> None:
    load = load_record.load([Sample(0, 0, 0, 0.001, 200, "", b"")], 1, 100, None, None, [])
    record = load_record.LoadRecord(
        usecase="small", url="http://elsewhere", arrivals="even", connections=1, keep_alive=True,
        events_per_request=1, server=load, echo=None, cpu_ratio=None, gate=[],
    )  # fmt: skip
    assert any("cannot tell" in line for line in text_report.lines(record))


def test_a_server_that_does_not_say_its_bundle_is_unknown() -> None:
    with toy_server.serving(lambda _: Plan()) as toy:
        assert served_bundle.champion(http_client.address(toy.url), "small", None) is None
    assert served_bundle.champion(http_client.address(toy.url), "small", "token") is None
