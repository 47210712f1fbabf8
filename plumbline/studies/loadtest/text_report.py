"""A load test as lines of text. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from plumbline.studies.loadtest.gates import UNITS
from plumbline.studies.loadtest.load_record import Gate, Load, LoadRecord

LATE = 1.0
"""Milliseconds at p99 from which the generator's own delay is named."""


def lines(record: LoadRecord) -> Iterator[str]:
    """The schedule, the latencies, errors, CPU beside the echo's, and the gate."""
    server = record.server
    kind = "keep-alive" if record.keep_alive else "a connection per request"
    yield (
        f"{record.usecase} at {record.url}: {server.requests:,} requests in {server.seconds:.1f} s "
        f"({server.rate:g} a second, {record.arrivals}; {record.connections} connections, {kind}; "
        f"events per request: {record.events_per_request})"
    )
    yield f"latency from the moment when due: {_latency(server)}"
    yield _errors(server)
    yield from _cpu(record)
    if server.sent_late > LATE:
        yield (
            f"note: the generator itself was late by {server.sent_late:.1f} ms at p99, which counts in the "
            "latencies: this machine is busy, or the rate too high for it"
        )
    yield from (_gate(gate) for gate in record.gate)


def _latency(load: Load) -> str:
    values = load.latency.plain()
    return ", ".join(f"{name} {value:.2f} ms" for name, value in values.items())


def _errors(load: Load) -> str:
    if not load.errors:
        return "errors: none"
    bad = {name: n for name, n in load.statuses.items() if not name.startswith("2")}
    each = ", ".join(f"{name}: {n:,}" for name, n in bad.items())
    return f"errors: {load.errors:,} of {load.requests:,} ({each}); the first: {load.first_error}"


def _cpu(record: LoadRecord) -> Iterator[str]:
    server, echo = record.server, record.echo
    if server.cpu_micros is None:
        yield "CPU per request: cannot tell, the server's process is not seen here; --pid names it"
    else:
        ratio = f", {record.cpu_ratio:.1f} times the echo's" if record.cpu_ratio else ""
        yield (
            f"CPU per request: {server.cpu_micros:,.0f} µs{ratio} "
            f"(process {', '.join(map(str, server.pids))}, {server.resident_mib:,.0f} MiB)"
        )
    if echo is not None:
        cpu = "" if echo.cpu_micros is None else f"CPU per request {echo.cpu_micros:,.0f} µs, "
        yield f"echo on the same stack, just before: {cpu}{_latency(echo)}"


def _gate(gate: Gate) -> str:
    found = "cannot tell" if gate.value is None else f"{gate.value:g}"
    limit = f"at most {gate.limit:g} {UNITS[gate.name]}".rstrip()
    return f"gate: {gate.name}: {'ok' if gate.passed else 'FAILED'}: {found} ({limit})"
