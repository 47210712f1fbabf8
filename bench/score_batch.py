"""Rows per second and peak memory of `plumbline score`, beside its features and predictions called bare.

    python -m bench.score_batch --rows 1000000
    python -m bench.score_batch --rows 10000000

The events are those of data/USECASE/valid with their outcomes, repeated with other ids and keys until there are so many.
The bare calls are the batch's expressions, row features and XGBoost's prediction in one process: no contract, calibration,
decision or output. Each side runs in a process of its own, one after the other.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from plumbline.core import duckdb_session, tables, usecase_loader
from plumbline.core.sql import literal, quote
from plumbline.core.usecase import FeatureSet
from plumbline.features import assemble, batch, derived_events, ibis_session, tile_files
from plumbline.features import grain as grains
from plumbline.model import bundle
from plumbline.model.admission import Scorer

SEED_DAYS = 60
"""Days at the beginning that are left to the tiles."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--usecase", default="card_fraud")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--data", type=Path, default=Path("."), help="project with data and model")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--side", choices=["ours", "bare"])
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.side:
        run = {"ours": ours, "bare": bare}[given.side]
        print(json.dumps(measured(lambda: run(given.usecase, given.data, given.folder))))
        return 0
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as scratch:
        folder = given.folder or Path(scratch)
        rows = prepare(given.usecase, given.data, folder, given.rows)
        record = {"usecase": given.usecase, "rows": rows, "processors": os.cpu_count()}
        record |= {side: of_process(side, given, folder) for side in ("bare", "ours")}
    record["share"] = round(record["bare"]["seconds"] / record["ours"]["seconds"], 3)
    for side in ("bare", "ours"):
        one = record[side]
        print(f"{side}: {rows / one['seconds']:,.0f} rows a second, peak {one['peak_mb']:,.0f} MB")
    print(f"{record['share']:.0%} of the bare calls' rows per second")
    if given.json:
        given.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return 0


def of_process(side: str, given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    words = [sys.executable, "-m", "bench.score_batch", "--side", side, "--folder", str(folder)]
    words += ["--usecase", given.usecase, "--data", str(given.data.absolute())]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def measured(run: Any) -> dict[str, Any]:
    """Wall and processor seconds and peak resident memory of a call, imports left out of the seconds."""
    for library in ("ibis", "xgboost"):
        importlib.import_module(library)
    start, used = time.perf_counter(), time.process_time()
    rows = run()
    return {
        "rows": rows,
        "seconds": round(time.perf_counter() - start, 2),
        "cpu_seconds": round(time.process_time() - used, 2),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def prepare(usecase: str, data: Path, folder: Path, rows: int) -> int:
    """Write tiles as of SEED_DAYS days in, and a Parquet file of so many later events with outcomes."""
    case = usecase_loader.load_features(usecase)
    valid = data / "data" / usecase / "valid"
    (folder / "tiles").mkdir(parents=True, exist_ok=True)
    with ibis_session.connection() as backend:
        events, outcomes = ibis_session.read(backend, case, valid)
        first, _ = assemble.span(case, events, None)
        as_of = first + timedelta(days=SEED_DAYS)
        seen, known = assemble.visible(backend, case, events, outcomes, as_of)
        tile_files.write(backend, case, seen, known, (first, as_of), 8, folder / "tiles")
    return repeat(case, valid, folder / "events.parquet", as_of, rows)


def repeat(case: FeatureSet, valid: Path, target: Path, as_of: date, rows: int) -> int:
    """The events from `as_of` on, and copies of them with other keys and entities, in the order of time."""
    with duckdb.connect(config={"memory_limit": "2GB", "temp_directory": str(target.parent)}) as db:
        late = ", ".join(f"o.{quote(c.name)}" for c in case.unknown)
        known = ", ".join(f"e.{quote(c.name)}" for c in case.known)
        time_ = quote(str(case.time))
        db.execute(
            f"CREATE VIEW own AS SELECT {known}, {late} FROM read_parquet('{valid}/events-*.parquet') e LEFT JOIN "
            f"read_parquet('{valid}/outcomes-*.parquet') o USING ({quote(case.key)}) WHERE e.{time_} >= DATE '{as_of}'"
        )
        own = int(duckdb_session.rows(db, "SELECT count(*) FROM own")[0][0])
        copies = -(-rows // own)
        changed = dict.fromkeys([case.key, *case.entity_columns])
        other = [f"{_other(case, n)} AS {quote(n)}" for n in changed]
        made = f"SELECT * REPLACE ({', '.join(other)}) FROM own, range({copies}) t(copy) ORDER BY {time_}"
        db.execute(
            f"COPY (SELECT * EXCLUDE (copy) FROM ({made}) LIMIT {rows}) TO {literal(target)} (FORMAT parquet)"
        )
    return rows


def _other(case: FeatureSet, name: str) -> str:
    if case.column(name).type == "int":
        return f"{quote(name)} + copy * 10000000000000000"
    return f"CASE WHEN copy = 0 THEN {quote(name)} ELSE {quote(name)} || '-' || copy END"


def scorer(usecase: str, data: Path) -> Scorer:
    loaded = bundle.load(data / "models" / usecase)
    return Scorer(loaded, usecase_loader.load_features(usecase), "checkout", ())


def ours(usecase: str, data: Path, folder: Path) -> int:
    from plumbline.serve import seed
    from plumbline.serve.bulk import bulk_scoring
    from plumbline.serve.bulk.bulk_scoring import BulkRequest

    request = BulkRequest(
        str(folder / "events.parquet"), folder / "answers.parquet", seed.read(folder / "tiles")
    )
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        done = bulk_scoring.score(scorer(usecase, data), request, Path(scratch), steps)
    return done.rows


def steps(step: str, rows: int, total: int) -> None:
    if os.environ.get("STEPS"):
        print(f"{time.process_time():7.1f} s {step} {rows:,} of {total:,}", file=sys.stderr)


def bare(usecase: str, data: Path, folder: Path) -> int:
    one, count = scorer(usecase, data), 0
    case = one.usecase
    nullable = {c.name for c in case.known if c.null}
    with ibis_session.connection() as backend:
        whole = backend.read_parquet(folder / "events.parquet", table_name="events")
        events = whole.select([c.name for c in case.known])
        outcomes = whole.mutate(known_at=whole[case.time] + _delay(case))
        _, until = assemble.span(case, events, None)
        events, outcomes = batch.visible(case, events, outcomes, until)
        events = derived_events.with_derived(backend, case, events, outcomes, until)
        stored = {
            name: ibis_session.keep(
                backend, name, batch.snapshots(case, entity, events, outcomes, until, grain)
            )
            for name, entity, grain in grains.stored(case)
        }
        joined = batch.join_snapshots(case, batch.fresh(case, events, outcomes), stored)
        names = [*(c.name for c in case.known), *(f.name for f in case.aggregates)]
        for rows in ibis_session.batches(backend, joined.select(names), tables.CHUNK):
            columns = {n: tables.numpy(rows.column(n), null=n in nullable) for n in names}
            count += len(one.bundle.raw(bundle.complete(case, columns)))
    return count


def _delay(case: FeatureSet) -> Any:
    import ibis

    return ibis.interval(seconds=int(case.delay.total_seconds()))


if __name__ == "__main__":
    sys.exit(main())
