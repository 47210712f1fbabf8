"""Replay the test window through HTTP and compare with the batch, bit for bit: `python -m bench.serving_parity`.

A service starts from the histories as they were at the first midnight of the test window (`--clock events`). It gets
the events in the order of their times, and each outcome before the first event that comes after it was
known. Compared are the logged features with the test table's, the answers with what `evaluate`
recorded, and the logged scores with those of the logged rows scored again.

Run after `dvc repro`: python -m bench.serving_parity [usecase ...] [--rows 10000] [--redis]
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from heapq import merge
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from plumbline.core import usecase_loader
from plumbline.core.declarations import KNOWN_AT
from plumbline.core.errors import PlumblineError
from plumbline.core.files import replacing_folder
from plumbline.core.tables import ARROW
from plumbline.core.usecase import FeatureSet
from plumbline.features import assemble, ibis_session, tile_files
from plumbline.model import admission
from plumbline.ops.serving import places
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.serve import scoring
from plumbline.serve.http import control
from plumbline.serve.log.reader import LogReader
from plumbline.serve.protocols import LoggedEvent
from plumbline.studies.loadtest import load_events
from tests import servers

ROOT = Path(__file__).resolve().parent.parent
LINKED = ("plumbline", "usecases", "models", "reports", "dvc.yaml", "dvc.lock", "feature_store")
SECONDS = 60.0
RECENT_DAYS = 8
"""As `features.recent_days`."""


@dataclass(frozen=True)
class Replay:
    """What is sent in which order, and what the batch has for it."""

    usecase: FeatureSet
    start: date
    table: Any  # rows of the test table, by time and key, as an Arrow table
    scores: Sequence[float]  # as `evaluate` recorded them, in the same order
    events: Sequence[Mapping[str, Any]]
    outcomes: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Parity:
    """How many of how many rows are equal to the bit."""

    rows: int
    features: int
    answers: int
    rescored: int
    different: tuple[str, ...]
    seconds: float


def planned(root: Path, name: str, rows: int) -> Replay:
    """The first `rows` rows of the test table, and all valid events and outcomes up to the last of them."""
    usecase = usecase_loader.load_features(name)
    assert usecase.time is not None, f"{name} is a plain table: it has no histories to replay"
    order = [(usecase.time, "ascending"), (usecase.key, "ascending")]
    test = pq.read_table(artifacts.path(name, Role.TEST_TABLE, root))
    report = artifacts.path(name, Role.EVALUATE_REPORT, root) / "predictions.parquet"
    scored = test.append_column("__recorded", pq.read_table(report).column(scoring.SCORE))
    table = scored.sort_by(order).slice(0, rows)
    start, end = table.column(usecase.time)[0].as_py(), table.column(usecase.time)[-1].as_py()
    midnight = datetime.combine(start.date(), datetime.min.time())
    valid = artifacts.path(name, Role.VALID_EVENTS, root)
    events = _between(valid, "events", usecase.time, midnight, end).sort_by(order)
    outcomes = _between(valid, "outcomes", KNOWN_AT, midnight, end).sort_by(KNOWN_AT)
    late = [usecase.key, KNOWN_AT, *(c.name for c in usecase.unknown)]
    return Replay(
        usecase,
        start.date(),
        table,
        table.column("__recorded").to_pylist(),
        events.select([c.name for c in usecase.known]).to_pylist(),
        outcomes.select(late).to_pylist(),
    )


def project(root: Path, folder: Path, replay: Replay, **serve: Any) -> Path:
    """A project in `folder` whose tiles are those of the test window's first midnight."""
    for name in LINKED:
        (folder / name).symlink_to((root / name).resolve())
    name = replay.usecase.name
    params = yaml.safe_load((root / "params.yaml").read_text())
    params |= {"usecases": [name], "serve": {**params.get("serve", {}), **serve}}
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    data = folder / "data" / name
    data.mkdir(parents=True)
    (data / "tables").symlink_to(artifacts.path(name, Role.TEST_TABLE, root).parent.resolve())
    with ibis_session.connection() as backend, replacing_folder(data / "tiles") as tiles:
        valid = artifacts.path(name, Role.VALID_EVENTS, root)
        events, outcomes = ibis_session.read(backend, replay.usecase, valid)
        first, _ = assemble.span(replay.usecase, events, replay.start)
        seen = assemble.visible(backend, replay.usecase, events, outcomes, replay.start)
        days = (first, replay.start)
        tile_files.write(backend, replay.usecase, *seen, days, RECENT_DAYS, tiles)
    return folder


@contextmanager
def service(folder: Path, name: str, *words: str, **variables: str) -> Iterator[str]:
    """`plumbline serve` in a project while the block runs: its host and port."""
    command = [sys.executable, "-m", "plumbline", "serve", name, "--port", "0", *words]
    process = subprocess.Popen(command, cwd=folder, env={**os.environ, **variables})
    try:
        yield str(_stats(folder, process)["address"]).partition("//")[2]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _stats(folder: Path, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    end = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            stats = control.call(places.control(folder), {"do": "stats"})
            if stats["phase"] == "serving":
                return stats
        except PlumblineError:
            pass
        time.sleep(0.1)
    raise SystemExit("the service did not start; see above")


def sent(address: str, replay: Replay, each: int = 1) -> dict[Any, float | None]:
    """Send all in the order of time, `each` events in a request at most; the scores by key."""
    usecase, scores = replay.usecase, dict[Any, float | None]()
    with closing(http.client.HTTPConnection(address, timeout=SECONDS)) as connection:
        for kind, rows in _requests(replay, each):
            path = "outcomes" if kind == "outcomes" else "score"
            body = load_events.body(usecase, rows, kind)
            answers = _posted(connection, f"/v1/{usecase.name}/{path}", body).get("answers", ())
            scores |= {one[usecase.key]: one["score"] for one in answers}
    return scores


def _posted(connection: http.client.HTTPConnection, path: str, body: bytes) -> dict[str, Any]:
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status == 200, (answer.status, text[:500])
    result: dict[str, Any] = json.loads(text)
    return result


def _requests(replay: Replay, each: int) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """What is sent together: rows of one kind that follow each other, `each` at most."""
    time = str(replay.usecase.time)
    timed = merge(
        ((row[KNOWN_AT], 0, "outcomes", row) for row in replay.outcomes),
        ((row[time], 1, "events", row) for row in replay.events),
        key=lambda one: one[:2],
    )
    kind, rows = "", list[Mapping[str, Any]]()
    for _, _, of, row in timed:
        if rows and (of != kind or len(rows) >= (each if kind == "events" else 1000)):
            yield kind, rows
            rows = []
        kind = of
        rows.append(row)
    if rows:
        yield kind, rows


def compared(folder: Path, replay: Replay, scores: Mapping[Any, float | None]) -> Parity:
    """The log and the answers beside the batch's table and recorded scores."""
    usecase = replay.usecase
    logged = {
        row.key: row
        for row in LogReader(places.log(folder, usecase.name)).rows()
        if isinstance(row, LoggedEvent) and row.mode == "live"
    }
    names = [one.name for g in (usecase.aggregates, usecase.rows, usecase.categories) for one in g]
    present = [n for n in names if n in replay.table.column_names]
    places_of = [names.index(n) for n in present]
    expected = np.column_stack([_floats(replay.table.column(n)) for n in present])
    keys = replay.table.column(usecase.key).to_pylist()
    rows = [logged[key] for key in keys]
    served = np.array([[*row.aggregates, *row.computed] for row in rows])[:, places_of]
    same = _same(served, expected)
    odd = [present[i] for i in np.flatnonzero(~same.all(axis=0))]
    again = _rescored(folder, usecase, rows)
    return Parity(
        rows=len(keys),
        features=int(same.all(axis=1).sum()),
        answers=sum(scores[key] == one for key, one in zip(keys, replay.scores, strict=True)),
        rescored=sum(row.score == (one,) for row, one in zip(rows, again, strict=True)),
        different=tuple(odd),
        seconds=0.0,
    )


def _rescored(folder: Path, usecase: FeatureSet, rows: Sequence[LoggedEvent]) -> list[float]:
    """The scores of logged events from their logged histories."""
    scorer = admission.load(artifacts.path(usecase.name, Role.BUNDLE, folder))
    columns = {
        c.name: pa.array([row.event[c.name] for row in rows], ARROW[c.type]) for c in usecase.known
    }
    for place, one in enumerate(usecase.aggregates):
        columns[one.name] = pa.array([row.aggregates[place] for row in rows], pa.float64())
    answers: list[float] = scoring.answers(scorer, pa.table(columns))[scoring.SCORE].tolist()
    return answers


def _between(folder: Path, kind: str, column: str, low: datetime, high: datetime) -> Any:
    filters = [(column, ">=", low), (column, "<=", high)]
    return pq.read_table(sorted(folder.glob(f"{kind}-*.parquet")), filters=filters)


def _floats(column: Any) -> Any:
    return column.cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)


def _same(one: Any, other: Any) -> Any:
    """Equal to the bit; no number is equal to no number."""
    nothing = np.isnan(one) & np.isnan(other)
    return nothing | (one.view(np.int64) == other.view(np.int64))


def replayed(root: Path, name: str, rows: int, each: int = 1, redis: str = "") -> Parity:
    """Replay a use case's test window through a service of its own; `redis`: the URL of where its state is."""
    replay = planned(root, name, rows)
    settings = {"state": "REDIS_URL"} if redis else {}
    with tempfile.TemporaryDirectory(prefix="plumbline-") as scratch:
        folder = project(root, Path(scratch), replay, **settings)
        began = time.monotonic()
        with service(folder, name, "--clock", "events", REDIS_URL=redis) as address:
            scores = sent(address, replay, each)
        parity = compared(folder, replay, scores)
    return Parity(**{**vars(parity), "seconds": time.monotonic() - began})


def main(names: Sequence[str], rows: int, each: int, redis: bool) -> int:
    """Print what is equal of each use case; 1 where anything is not."""
    bad = 0
    for name in names:
        for url in states(redis):
            one = replayed(Path("."), name, rows, each, url)
            bad += one.rows * 3 - one.features - one.answers - one.rescored
            more = f"; differ: {', '.join(one.different)}" if one.different else ""
            print(
                f"{name}, state {'in Redis' if url else 'embedded'}: of {one.rows:,} events equal to the bit: "
                f"features {one.features:,}, answers {one.answers:,}, logged scores scored again "
                f"{one.rescored:,} ({one.seconds:.0f} s){more}"
            )
    return int(bad > 0)


def states(redis: bool) -> Iterator[str]:
    """Where the state is: embedded (""), and in a Redis of its own."""
    yield ""
    if redis:
        with servers.redis() as address:
            place, _, password = address.partition(",password=")
            yield f"redis://:{password}@{place}/0"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("usecases", nargs="*", default=["card_fraud", "flights"])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--each", type=int, default=1, help="events in a request")
    parser.add_argument("--redis", action="store_true", help="also with the state in Redis")
    given = parser.parse_args()
    sys.exit(main(given.usecases, given.rows, given.each, given.redis))
