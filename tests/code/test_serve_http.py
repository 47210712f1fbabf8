"""The HTTP side of serving: limits, tokens, answers that are never a 500, an end that loses nothing."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.serve.http import control, handover, request_id, server, tokens
from plumbline.serve.http.rate import Rate
from tests import serving
from tests.waiting import LONG, until

TOKEN, OTHER = "0123456789abcdef-one", "0123456789abcdef-two"
COUNTED = 'plumbline_requests_total{endpoint="echo",status="200"'


@pytest.fixture(scope="module")
def open_server():
    gate = serving.gate()
    with serving.running(serving.echoing(gate), gate) as run:
        yield run


def raw(port, data, wait=LONG):
    """What a server sends back to bytes, until it closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as client:
        client.sendall(data)
        parts = []
        try:
            while part := client.recv(65536):
                parts.append(part)
        except ConnectionError:
            pass
        return b"".join(parts)


def test_an_answer_carries_the_request_id(open_server):
    headers = {**serving.JSON, "x-request-id": "checkout-7"}
    status, answered, body = open_server.ask("POST", "/", b"[1]", headers)
    assert (status, json.loads(body), answered["x-request-id"]) == (200, {"size": 3}, "checkout-7")
    odd = {**serving.JSON, "x-request-id": "two words; drop table"}
    assert len(open_server.ask("POST", "/", b"[1]", odd)[1]["x-request-id"]) == 32
    assert request_id.of(None) != request_id.of(None)


@pytest.mark.parametrize(
    ("method", "body", "headers", "status", "reason"),
    [
        ("GET", None, {}, 405, "method"),
        ("DELETE", None, {}, 405, "method"),
        ("POST", b"x", {"content-type": "text/plain"}, 415, "content-type"),
        ("POST", b"x", {**serving.JSON, "content-encoding": "gzip"}, 415, "content-type"),
        ("POST", b"x" * 100_001, serving.JSON, 413, "body"),
        ("POST", b"fail", serving.JSON, 503, "error"),
    ],
)
def test_what_is_refused_says_why_in_json(open_server, method, body, headers, status, reason):
    found, answered, text = open_server.ask(method, "/", body, headers)
    assert (found, json.loads(text)["reason"]) == (status, reason)
    assert answered["content-type"] == "application/json"
    assert b"secret" not in text


def test_a_body_without_a_length_is_read_up_to_the_limit(open_server):
    chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    head = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    answer = raw(open_server.port, head + chunk * 8 + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413")
    small = raw(
        open_server.port,
        head.replace(b"host", b"connection: close\r\nhost") + b"1\r\nx\r\n0\r\n\r\n",
    )
    assert small.startswith(b"HTTP/1.1 200")


def test_long_bodies_share_a_bounded_memory(open_server):
    memory, head = (
        open_server.gate.memory,
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 90000\r\n\r\n",
    )
    memory.take(64 * 1024 * 1024 - 70_000)
    try:
        assert raw(open_server.port, head + b"x" * 80_000).startswith(b"HTTP/1.1 503")
        assert open_server.ask("POST", "/", b"short")[0] == 200
    finally:
        memory.give_back(64 * 1024 * 1024 - 70_000)
    assert open_server.ask("POST", "/", b"x" * 90_000)[0] == 200


def test_more_connections_than_may_be_are_refused():
    gate = replace(serving.gate(), max_connections=2)
    with serving.running(serving.echoing(gate), gate) as run:
        held = [socket.create_connection(("127.0.0.1", run.port)) for _ in range(2)]
        until(lambda: run.one.connections == 2)
        status, _, text = run.ask("POST", "/", b"1")
        assert (status, json.loads(text)["reason"]) == (503, "connections")
        for one in held:
            one.close()
        until(lambda: run.one.connections == 0)
        assert run.ask("POST", "/", b"1")[0] == 200


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01 hello",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nx: " + b"y" * 70_000 + b"\r\n\r\n",
        b"GET /" + b"y" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: -5\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_request_is_a_400(open_server, data):
    assert raw(open_server.port, data).startswith(b"HTTP/1.1 400")


def test_a_request_that_does_not_come_is_not_waited_for(open_server):
    parts = [
        b"POST / HTTP/1.1\r\ncontent-le",
        b"",
        b"POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\n1",
    ]
    with ThreadPoolExecutor(3) as pool:
        for answer in pool.map(lambda part: raw(open_server.port, part), parts):
            assert answer.startswith(b"HTTP/1.1 408")  # in less than `LONG`, or `raw` raises


def test_an_error_of_ours_is_counted(open_server, monkeypatch):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "/nowhere")  # as Feast does when imported
    open_server.ask("POST", "/", b"fail")
    text = open_server.gate.metrics.text().decode()
    assert 'plumbline_requests_total{endpoint="echo",status="503",usecase="toy"}' in text
    assert "plumbline_errors_total 0.0" not in text


def test_without_a_token_nothing_is_answered(tmp_path):
    (tmp_path / "tokens").write_text(f"# of the shop\n{TOKEN}\n\n{OTHER}\n")
    known = tokens.read(tmp_path / "tokens")
    gate = serving.gate(known)
    good = {**serving.JSON, "authorization": f"Bearer {OTHER}"}
    odd = ["", "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN} x", TOKEN]
    with serving.running(serving.echoing(gate), gate) as run:
        found = [
            run.ask("POST", "/", b"1", {**serving.JSON, "authorization": odd[i % len(odd)]})[0]
            for i in range(50)
        ]
        assert found == [401] * 50
        assert run.ask("POST", "/", b"1", good)[0] == 200
    assert known.who(f"bearer {TOKEN}".encode()) != known.who(f"Bearer {OTHER}".encode())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected one token per line, found none"),
        ("short", "token 1 has 5 characters"),
        (f"{TOKEN}\n{TOKEN} {OTHER}", "token 2 has"),
        ("é" * 20, "no ASCII text"),
    ],
)
def test_a_file_of_tokens_that_opens_too_much_is_refused(tmp_path, text, message):
    (tmp_path / "tokens").write_text(text)
    with pytest.raises(PlumblineError, match=message):
        tokens.read(tmp_path / "tokens")


def test_a_caller_waits_once_the_bucket_is_empty():
    now = [0.0]
    rate = Rate(2.0, 3, lambda: now[0])
    assert [rate.wait("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert rate.wait("b") == 0
    now[0] = 0.5
    assert [rate.wait("a"), rate.wait("a") > 0] == [0, True]


def test_too_many_requests_are_told_when_to_come_again():
    gate = serving.gate(rate=Rate(0.001, 2, time.monotonic))
    with serving.running(serving.echoing(gate), gate) as run:
        answers = [run.ask("POST", "/", b"1") for _ in range(3)]
    assert [a[0] for a in answers] == [200, 200, 429]
    assert int(answers[2][1]["retry-after"]) > 100


def one_client(port, count, gone, keep_alive):
    """Its requests without an answer, each with the number of those before it on its connection, and how
    many were answered; it ends once the server has."""
    lost, connection, before, answered = [], None, 0, 0
    for _ in range(count):
        connection = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=LONG)
        try:
            if connection.sock is None:
                connection.connect()
                before = 0
        except (ConnectionRefusedError, ConnectionResetError):  # before it was accepted
            assert gone.is_set()
            break
        try:
            connection.request("POST", "/", b"1", serving.JSON)
            answer = connection.getresponse()
            answer.read()
            before, answered = before + 1, answered + 1
            closes = not keep_alive or answer.getheader("connection") == "close"
        except (OSError, http.client.HTTPException) as error:
            lost.append((before, repr(error)))
            closes = True
        if closes:
            connection.close()
    connection.close()
    return lost, answered


def clients(port, count, gone, keep_alive):
    """What four clients lost, each in its list, and how many answers they got."""
    with ThreadPoolExecutor(4) as pool:
        each = [*pool.map(lambda _: one_client(port, count, gone, keep_alive), range(4))]
    return [lost for lost, _ in each], sum(answered for _, answered in each)


def answered_by(gate):
    """How many requests the server answered, as it counts."""
    (line,) = (one for one in gate.metrics.text().decode().splitlines() if COUNTED in one)
    return float(line.rpartition(" ")[2])


@pytest.mark.parametrize("keep_alive", [True, False])
def test_an_end_answers_what_was_accepted(keep_alive):
    gate, gone = serving.gate(), threading.Event()
    with serving.running(serving.echoing(gate), gate) as run:
        timer = threading.Timer(0.15, lambda: (gone.set(), run.stop()))
        timer.start()
        lost, answered = clients(run.port, 200, gone, keep_alive)
        timer.join()
    # between the kernel's last connection and the socket's end a client's next one may come: nobody accepts it
    assert all(len(own) <= 1 for own in lost)
    assert all(before == 0 for own in lost for before, _ in own)
    assert answered == answered_by(gate)
    assert run.closed == ["closed"]


@pytest.mark.capability("J6")
@pytest.mark.parametrize("keep_alive", [True, False])
def test_a_change_of_processes_loses_nothing(tmp_path, keep_alive):
    old, new = serving.gate(), serving.gate()
    path = tmp_path / "control.sock"
    with (
        serving.running(serving.echoing(old), old, control=path) as run,
        ThreadPoolExecutor(1) as pool,
    ):
        lost = pool.submit(clients, run.port, 250, threading.Event(), keep_alive)
        time.sleep(0.15)
        taken = handover.take(path)
        taken.finish()
        assert run.closed == ["closed"]
        with serving.running(serving.echoing(new), new, taken=taken, control=path):
            assert lost.result() == ([[]] * 4, 1000)
            assert control.call(path, {"do": "stats"})["phase"] == "serving"


def test_a_request_that_comes_slowly_does_not_keep_a_successor_waiting(tmp_path, monkeypatch):
    monkeypatch.setattr(server, "SLOW", 0.2)
    gate, path = serving.gate(), tmp_path / "control.sock"
    with serving.running(
        serving.echoing(gate), gate, control=path, body_timeout=2 * server.GRACE
    ) as run:
        with socket.create_connection(("127.0.0.1", run.port)) as slow:
            slow.sendall(b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\n1")
            taken = handover.take(path)
            taken.finish()
            # after GRACE it would be cut, without an answer
            assert slow.recv(100).startswith(b"HTTP/1.1 408")
        drop(taken)


def drop(taken):
    """As where the process that took them ends."""
    for one in (taken.connection, *taken.sockets):
        one.close()


def test_whoever_was_to_take_over_dies_and_the_old_process_serves_on(tmp_path, caplog):
    gate, path = serving.gate(), tmp_path / "control.sock"
    with serving.running(serving.echoing(gate), gate, control=path) as run:
        taken = handover.take(path)
        drop(taken)
        until(lambda: "accepts again" in caplog.text and gate.phase.name == "serving")
        assert run.ask("POST", "/", b"1")[0] == 200
        assert run.closed == []
        taken = handover.take(path)
        taken.finish()
        drop(taken)
    assert run.closed == ["closed"]


def test_the_control_socket_is_this_users_and_answers_what_is_no_request(tmp_path):
    gate, path = serving.gate(), tmp_path / "control.sock"
    with serving.running(serving.echoing(gate), gate, control=path):
        assert path.stat().st_mode & 0o777 == 0o600
        assert control.call(path, {"do": "stats", "note": "x"}) == {
            **{"do": "stats", "note": "x", "phase": "serving"}
        }
        with pytest.raises(PlumblineError, match="did you mean 'stats'"):
            control.call(path, {"do": "stat"})
        with control.connected(path) as client:
            client.sendall(b"[1, 2]\n{\n")
            lines = client.makefile("rb")
            for _ in range(2):
                assert json.loads(lines.readline())["error"].startswith("expected one JSON object")
    with pytest.raises(PlumblineError, match="start one with `plumbline serve`"):
        control.call(path, {"do": "stats"})
