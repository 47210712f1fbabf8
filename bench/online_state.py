"""The online state on real events: equal to the batch on every row, its size, its microseconds of CPU.

`python -m bench.online_state USECASE [--days N] [--redis URL]` needs data/USECASE/valid and tables/test.parquet. The seed is
made as of the first day of the test window; the days after it are folded in order, each event read first.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline.core import usecase_loader
from plumbline.core.usecase import FeatureSet
from plumbline.features import assemble, ibis_session, tile_files
from plumbline.serve import seed as seeds
from plumbline.serve.protocols import LoggedEvent, LoggedOutcome
from plumbline.serve.state import embedded, redis_seeding
from plumbline.serve.state.memory import MemoryState
from plumbline.serve.state.plan import micros
from plumbline.serve.state.redis_state import RedisState


def seed(usecase: FeatureSet, valid: Path, as_of: date, folder: Path) -> seeds.Seed:
    """The tiles of the events before `as_of`, written to `folder` and read again."""
    with ibis_session.connection() as backend:
        events, outcomes = ibis_session.read(backend, usecase, valid)
        first, _ = assemble.span(usecase, events, as_of)
        events, outcomes = assemble.visible(backend, usecase, events, outcomes, as_of)
        tile_files.write(backend, usecase, events, outcomes, (first, as_of), 8, folder)
    return seeds.read(folder)


def rows(
    usecase: FeatureSet, valid: Path, table: Path, start: date, days: int
) -> Iterator[tuple[LoggedEvent | LoggedOutcome, dict[str, Any]]]:
    """The rows of a log of the days from `start`, in the order of their times, and the batch's histories."""
    known = {c.name for c in usecase.known}
    low, high = (datetime.combine(start + timedelta(d), datetime.min.time()) for d in (0, days))
    moments: list[tuple[datetime, int, dict[str, Any]]] = []
    for one in _between(table, str(usecase.time), low, high):
        moments.append((one[str(usecase.time)], 0, one))
    for one in _between(valid / "outcomes-*.parquet", "known_at", low, high):
        moments.append((one["known_at"], 1, one))
    moments.sort(key=lambda moment: moment[:2])
    for sequence, (at, late, one) in enumerate(moments, 1):
        if late:
            values = {c.name: one[c.name] for c in usecase.unknown}
            yield (
                LoggedOutcome(
                    sequence, micros(at), "r", one[usecase.key], b"", micros(at), values, True
                ),
                one,
            )
        else:
            event = {name: one[name] for name in known}
            yield _event(usecase, sequence, event, one), one


def _between(path: Path, column: str, low: datetime, high: datetime) -> list[dict[str, Any]]:
    found = []
    for file in sorted(path.parent.glob(path.name)):
        table = pq.read_table(file)
        at = table[column]
        found += table.filter(pc.and_(pc.greater_equal(at, low), pc.less(at, high))).to_pylist()
    return found


def _event(usecase: FeatureSet, sequence: int, event: dict, one: dict) -> LoggedEvent:
    derived = tuple(
        None if one[n] is None or one[n] != one[n] else int(one[n]) for n in usecase.derived
    )
    at = micros(event[str(usecase.time)])
    return LoggedEvent(
        sequence, at, "r", event[usecase.key], b"", event, (), (), derived, (), (),
        None, None, "", 1.0, "champion", "live", 1, "", "", 0, (), 0, b"",
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("usecase")
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--redis", help="redis://host:port/0, an empty server: the same there")
    args = parser.parse_args()
    usecase = usecase_loader.load_features(args.usecase)
    folder = Path("data") / usecase.name
    table = folder / "tables" / "test.parquet"
    start = pc.min(pq.read_table(table, columns=[str(usecase.time)])[0]).as_py().date()
    with tempfile.TemporaryDirectory() as scratch:
        seed(usecase, folder / "valid", start, Path(scratch))
        held = seeds.read(Path(scratch))
        log = list(rows(usecase, folder / "valid", table, start, args.days))
        with _timed("open the seed"):
            state = embedded.open_memory(usecase, held)
        _replay(state, log)
        if args.redis:
            with _timed("fill Redis"):
                shared = redis_seeding.open_redis(usecase, held, args.redis)
            _replay(shared, log)
            print(f"Redis uses {shared.client.info('memory')['used_memory'] / 2**20:.1f} MiB")
        _restart(state, held, [row for row, _ in log], Path(scratch) / "state")


@contextmanager
def _timed(what: str) -> Iterator[None]:
    """Print seconds of CPU, and by how much the process's peak memory rose."""
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    yield
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = time.process_time() - began
    print(f"{what}: {seconds:.2f} CPU s, peak {peak // 1024} MiB, +{(peak - before) // 1024}")


def _restart(
    state: MemoryState, seed: seeds.Seed, log: list[LoggedEvent | LoggedOutcome], folder: Path
) -> None:
    """A checkpoint of all, and the state opened again from it and from the log's last 2,000 rows."""
    last = len(log)
    writer = embedded.checkpoints(state, lambda: last, folder)
    with _timed("write a checkpoint"):
        writer.close(60)
    size = (folder / embedded.FILE).stat().st_size

    def tail(after: int) -> list[LoggedEvent | LoggedOutcome]:
        return log[min(after, last - 2_000) :]

    with _timed(f"open a checkpoint of {size / 2**20:.1f} MiB and 2,000 rows"):
        embedded.reopen_memory(state.plan.usecase, seed, tail, last, folder, state.late_days)


def _replay(
    state: MemoryState | RedisState, log: list[tuple[LoggedEvent | LoggedOutcome, dict[str, Any]]]
) -> None:
    names = [a.name for a in state.plan.usecase.aggregates]
    events = outcomes = different = matched = 0
    spent = {"values": 0.0, "event": 0.0, "outcome": 0.0}
    clock = time.thread_time
    for row, one in log:
        if isinstance(row, LoggedEvent):
            t0 = clock()
            values = state.values(row.event)
            t1 = clock()
            state.add_event(row)
            t2 = clock()
            spent["values"] += t1 - t0
            spent["event"] += t2 - t1
            events += 1
            different += values != [one[name] for name in names]
        else:
            t0 = clock()
            matched += state.add_outcome(row)
            spent["outcome"] += clock() - t0
            outcomes += 1
    print(
        f"{events:,} events, {different:,} different from the batch; {outcomes:,} outcomes, {matched:,} matched"
    )
    print(
        f"values {1e6 * spent['values'] / max(events, 1):.1f} us, event {1e6 * spent['event'] / max(events, 1):.1f} us, outcome {1e6 * spent['outcome'] / max(outcomes, 1):.1f} us"
    )


if __name__ == "__main__":
    main()
