"""Serving beyond one machine, on paper: service times and sizes measured here, and a queueing model on top of them.

Measured: processor time per request of one and of two service processes over Redis and of Redis itself at full load, events
a second beside what the model gives for this machine (which holds where nothing else runs: the last column), bytes of the online state by the number of customers
(embedded and in Redis), and seconds that a midnight's histories take. Extrapolated: events a second by the number of
processes (`bench/queueing.py`), bytes for a million customers, seconds of a rollover. The result is JSON and, as
Markdown, the tables of docs/scale.md.

Run after `dvc repro`: python -m bench.serving_scale [--seconds 10] [--customers 10000 100000]
[--json docs/evidence/serving_scale.json] [--no-load], which leaves the processes out.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import psutil

from bench import online_state, serving_parity
from bench.queueing import Request, needed, on_cores, simulated, throughput
from plumbline.core import files, usecase_loader
from plumbline.serve import seed as seeds
from plumbline.serve.state import embedded, midnight, redis_seeding
from plumbline.studies.loadtest import http_client, load_events, server_cpu, study
from plumbline.studies.loadtest.study import LoadPlan
from tests import servers

NAME = "card_fraud"
VARIABLE = "PLUMBLINE_SCALE_REDIS"
MODERATE, FLOOD = 60.0, 1_000.0
"""Requests a second: at which times are read, and which no two processes here can answer."""
AS_OF = date(2025, 7, 1)
DAYS = 40
"""Of events before it: all that the longest history and its label delay can see."""
PER_DAY, TERMINALS = 1.0, 0.2
"""Payments of a customer a day, and terminals per customer."""
NETWORK = 0.0005
"""Seconds of a round trip to a Redis on another machine of the same data centre."""
PROCESSES = (1, 2, 4, 8, 16, 32, 64)
MILLION = 1_000_000


def main() -> int:
    """Measure, print the tables, keep the record where a file is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--customers", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--no-load", action="store_true")
    parser.add_argument("--json", type=Path)
    wanted = parser.parse_args()
    sizes = [sized(count) for count in wanted.customers]
    loads = [] if wanted.no_load else [loaded(count, wanted.seconds) for count in (1, 2)]
    record = {"loads": loads, "sizes": sizes, "cores": os.cpu_count()}
    if wanted.json:
        files.write_json(wanted.json, record)
    print("\n".join(tables(record)))
    return 0


def loaded(workers: int, seconds: float) -> dict[str, Any]:
    """Seconds per request of `workers` processes and of Redis; events a second at full load, and by the model."""
    replay = serving_parity.planned(Path("."), NAME, 1)
    with servers.redis() as address, tempfile.TemporaryDirectory(prefix="plumbline-") as scratch:
        host, _, password = address.partition(",password=")
        folder = serving_parity.project(Path("."), Path(scratch), replay, state=VARIABLE)
        words = ("--clock", "events", *(("--workers", str(workers)) if workers > 1 else ()))
        environment = {VARIABLE: f"redis://:{password}@{host}/0"}
        with serving_parity.service(folder, NAME, *words, **environment) as place:
            client = redis_seeding.connect(environment[VARIABLE])
            moderate = _sent(replay, place, MODERATE, seconds, client)
            flood = _sent(replay, place, FLOOD, seconds / 2, client)
            client.close()
    busy = psutil.getloadavg()[0] - workers - 1  # of others than these processes and the generator
    cores = float(os.cpu_count() or 1)
    limit = on_cores(request(flood), workers, cores, flood["generator"])
    return {
        "workers": workers,
        "moderate": moderate,
        "flood": flood,
        "model": limit,
        "others": busy,
    }


def request(flood: dict[str, Any]) -> Request:
    """A request of the model, at full load: seconds of the processes, and of Redis, for which they wait."""
    return Request(flood["own"], flood["shared"])


def _sent(
    replay: serving_parity.Replay, place: str, rate: float, seconds: float, client: Any
) -> dict[str, float]:
    """Seconds of CPU per request of the processes, of Redis and of the generator, and what was answered."""
    plan = LoadPlan("", rate=rate, seconds=seconds, warmup=1.0, clock="events", connections=32)
    events = load_events.read(replay.usecase, _test_table(), study.needed(plan))
    bodies = load_events.Bodies(replay.usecase, events, 1, "events")
    at = http_client.address(f"http://{place}")
    children = psutil.Process().children(recursive=True)
    redis = [one for one in children if "redis" in one.name()]
    serving = [one for one in children if one not in redis]
    served = server_cpu.seconds(serving)
    before, own = server_cpu.seconds(redis), _cpu()
    commands = client.info("commandstats").get("cmdstat_evalsha", {"calls": 0, "usec": 0})
    load = study.loaded(at, plan, f"/v1/{NAME}/score", bodies.of, seconds)
    after = client.info("commandstats")["cmdstat_evalsha"]
    count = load.requests + round(rate * plan.warmup)
    shared = server_cpu.spent(before, server_cpu.seconds(redis)) or 0.0
    return {
        "rate": rate,
        "answered": load.answered_per_second,
        "errors": load.errors,
        "p50": load.latency.p50 / 1e3,
        "p99": load.latency.p99 / 1e3,
        "own": (server_cpu.spent(served, server_cpu.seconds(serving)) or 0.0) / count,
        "shared": shared / count,
        "scripts": (after["calls"] - commands["calls"]) / count,
        "script_seconds": (after["usec"] - commands["usec"]) / 1e6 / count,
        "generator": (_cpu() - own) / count,
        "processes": len(serving),
    }


def sized(customers: int) -> dict[str, Any]:
    """Bytes of the state of so many customers, and seconds to open it and to write a midnight's histories."""
    usecase = usecase_loader.load_features(NAME)
    with tempfile.TemporaryDirectory() as scratch:
        _events(customers, Path(scratch) / "valid")
        held = online_state.seed(usecase, Path(scratch) / "valid", AS_OF, _made(scratch, "tiles"))
        on_disk = sum(path.stat().st_size for path in (Path(scratch) / "tiles").iterdir())
        before, began = _resident(), time.process_time()
        state = embedded.open_memory(usecase, held)
        opened, in_memory = time.process_time() - began, _resident() - before
        began = time.process_time()
        rows = sum(t.num_rows for t in midnight.snapshots(state, AS_OF).values())
        histories = time.process_time() - began
        shared = _in_redis(usecase, held)
    return {
        "customers": customers,
        "tiles": on_disk,
        "embedded": in_memory,
        "open": opened,
        "rows": rows,
        "midnight": histories,
        **shared,
    }


def _in_redis(usecase: Any, held: seeds.Seed) -> dict[str, float]:
    with servers.redis() as address:
        host, _, password = address.partition(",password=")
        began = time.process_time()
        state = redis_seeding.open_redis(usecase, held, f"redis://:{password}@{host}/0")
        filled = time.process_time() - began
        memory = state.client.info("memory")
        keys = state.client.dbsize()
        state.client.close()
    empty = int(memory["used_memory_startup"])
    return {"redis": int(memory["used_memory"]) - empty, "fill": filled, "keys": keys}


def _events(customers: int, folder: Path) -> None:
    """Valid events of `DAYS` days as Parquet, evenly over customers and terminals; no outcome is known."""
    folder.mkdir(parents=True)
    first = AS_OF - timedelta(DAYS)
    count, terminals = round(customers * PER_DAY * DAYS), max(1, round(customers * TERMINALS))
    moment = f"TIMESTAMP '{first}' + to_microseconds(i * {DAYS * 86_400_000_000 // count})"
    columns = (
        f"i AS payment_id, {moment} AS paid_at, hash(i) % {customers} AS customer_id, hash(i + 1) % {terminals} AS "
        "terminal_id, 100 + hash(i + 2) % 9000 AS amount_cents, 'payment' AS kind, 'fuel' AS category, hash(i) % 9000 AS "
        "distance_m"
    )
    whole = ("payment_id", "customer_id", "terminal_id", "amount_cents", "distance_m")
    cast = ", ".join(f"{name}::BIGINT AS {name}" for name in whole)
    known = f"SELECT * REPLACE ({cast}) FROM (SELECT {columns} FROM range({count}) AS t(i))"
    late = "payment_id, paid_at, paid_at + INTERVAL 7 DAY AS known_at, (payment_id % 500 = 0)::BIGINT AS is_fraud"
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({known}) TO '{folder}/events-all.parquet'")
        connection.execute(
            f"COPY (SELECT {late} FROM '{folder}/events-all.parquet') TO '{folder}/outcomes-all.parquet'"
        )


def tables(record: dict[str, Any]) -> Iterator[str]:
    """What docs/scale.md shows, as Markdown."""
    if record["loads"]:
        yield from _times(record["loads"], record["cores"])
        yield ""
        yield from _rates(request(record["loads"][0]["flood"]))
        yield ""
    yield from _sizes(record["sizes"])


def _times(loads: Sequence[dict[str, Any]], cores: int) -> Iterator[str]:
    yield f"| processes, on {cores} cores | CPU of a process | CPU of Redis | scripts | answered | the model | others' load |"
    yield "|---|---|---|---|---|---|---|"
    for one in loads:
        flood = one["flood"]
        yield (
            f"| {one['workers']} | {flood['own'] * 1e6:,.0f} µs | {flood['shared'] * 1e6:,.0f} µs | {flood['scripts']:.1f} | "
            f"{flood['answered']:,.0f}/s | {one['model']:,.0f}/s | {max(0.0, one['others']):.1f} |"
        )


def _rates(one: Request) -> Iterator[str]:
    far = Request(one.own, one.shared, NETWORK)
    yield "| processes | events/s, Redis beside them | Redis 0.5 ms away | Redis busy | p50, p99 at 70 % |"
    yield "|---|---|---|---|---|"
    for count in PROCESSES:
        near, away = throughput(one, count), throughput(far, count)
        latencies = simulated(far, count, 0.7 * away, 20_000, "constant")
        p50, p99 = (latencies[round(q * len(latencies)) - 1] * 1e3 for q in (0.5, 0.99))
        yield (
            f"| {count} | {near:,.0f} | {away:,.0f} | {away * one.shared:.0%} | {p50:.1f}, {p99:.1f} ms |"
        )
    limit = 1 / one.shared
    for rate in (1_000, 5_000):
        counts = (
            needed(one, rate) or "more than one Redis",
            needed(far, rate) or "more than one Redis",
        )
        yield f"| for {rate:,}/s, 70 % busy | {counts[0]} | {counts[1]} | {rate / limit:.0%} | |"


def _sizes(sizes: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield "| customers | tiles on disk | embedded | Redis | open embedded | fill Redis | a midnight's histories |"
    yield "|---|---|---|---|---|---|---|"
    for one in [*sizes, *([_larger(sizes)] if len(sizes) > 1 else [])]:
        mib = [f"{one[name] / 2**20:,.0f} MiB" for name in ("tiles", "embedded", "redis")]
        cpu = [f"{one[name]:,.1f} s" for name in ("open", "fill", "midnight")]
        yield f"| {one['customers']:,} | {' | '.join([*mib, *cpu])} |"


def _larger(sizes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A million customers, by the difference of the two largest measured."""
    low, high = sorted(sizes, key=lambda one: one["customers"])[-2:]
    span = high["customers"] - low["customers"]
    slope = {name: (high[name] - low[name]) / span for name in high}
    rest = MILLION - high["customers"]
    return {name: high[name] + slope[name] * rest for name in high} | {"customers": MILLION}


def _test_table() -> Path:
    return Path("data") / NAME / "tables" / "test.parquet"


def _made(scratch: str, name: str) -> Path:
    (Path(scratch) / name).mkdir()
    return Path(scratch) / name


def _resident() -> int:
    return int(psutil.Process().memory_info().rss)


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    sys.exit(main())
