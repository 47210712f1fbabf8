"""A file of events scored out of core: read, checked, given histories, scored in batches, written. An edge: files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow.parquet as pq

from plumbline.core import duckdb_session, machine, tables
from plumbline.core.declarations import Array
from plumbline.core.errors import ContractError
from plumbline.core.sql import literal, quote
from plumbline.core.usecase import FeatureSet
from plumbline.data import ingest
from plumbline.features import ibis_session
from plumbline.model.admission import Scorer
from plumbline.serve import event_table, scoring
from plumbline.serve.bulk import batch_scoring, event_file, refused_rows
from plumbline.serve.bulk.batch_scoring import ScoreBatches, ScoredBatch
from plumbline.serve.bulk.continued_histories import ROW, Continuation
from plumbline.serve.bulk.event_file import EventLayout, Shape
from plumbline.serve.bulk.top_scores import TopScores
from plumbline.serve.seed import Seed

SUFFIXES = (".parquet", ".csv")
MEMORY = "1GB"
"""What DuckDB may use before it spills, unless the machine's settings have a `memory`."""
Past = Literal["none", "columns", "tiles", "new"]
"""Where histories come from: none are needed, the file's columns, the commit's tiles, or all entities are new."""
Report = Callable[[str, int, int], None]
"""Called with what is done, how many events of it are, and of how many."""


@dataclass(frozen=True)
class BulkRequest:
    """What to score. `style`: how a CSV is written; `shape`: whose columns the file has, None for what they show;
    `seed`: the commit's tiles, None without; `explain`: of how many of the highest scores the contributions."""

    events: str
    out: Path
    seed: Seed | None = None
    new_entities: bool = False
    shape: Shape | None = None
    style: Mapping[str, Any] = field(default_factory=dict)
    explain: int = 0

    @property
    def refused(self) -> Path:
        """The side file of events that are not scored."""
        return self.out.with_name(f"{self.out.stem}.refused.parquet")

    @property
    def explained(self) -> Path:
        """The side file of contributions."""
        return self.out.with_name(f"{self.out.stem}.explained.parquet")


@dataclass(frozen=True)
class BulkResult:
    """How many events were scored and refused, by reason, and where their histories came from."""

    rows: int
    refused: int
    reasons: Mapping[str, int]
    past: Past
    warnings: tuple[str, ...]


def score(
    scorer: Scorer,
    request: BulkRequest,
    scratch: Path,
    report: Report,
    scored: ScoreBatches | None = None,
) -> BulkResult:
    """Score the file and write the key and the answers in the file's order, and its side files.

    `scored`: where batches are scored; None: in this process.
    PlumblineError where the file cannot be read, its histories cannot be had, or no event is left: then nothing is
    written.
    """
    usecase = scorer.usecase
    source = event_file.opened(usecase, request.events, request.style, scratch)
    needed = event_table.histories(usecase, scoring.wanted(scorer.bundle.manifest))
    with _session(scratch) as backend:
        connection = backend.con
        names = ingest.first_columns(connection, source)
        past = _past(usecase, request, needed, names)
        along = [f.name for f in usecase.aggregates if f.name in names] if past != "tiles" else []
        layout = event_file.layout(connection, usecase, source, along, request.shape)
        report("read", 0, 0)
        ingest.load(connection, layout, source, keep_bad=True)
        total = _count(connection, "events")
        seed = request.seed if past == "tiles" else None
        refused_rows.find(connection, layout, seed.recent_from if seed else None)
        left = _count(connection, "kept")
        _refuse_none(connection, usecase, left, total)
        rows = _rows(backend, usecase, layout, seed, scratch)
        with _outs(request) as (answers, aside, explained):
            done = _Batches(TopScores(request.explain))
            batches = scored or batch_scoring.here(scorer, request.explain)
            answered = batches(_streamed(backend, rows))
            done.run(answered, scratch / "answers.parquet", left, report)
            for number, column, expected in done.ineligible:
                refused_rows.set_aside(connection, number, column, expected)
            _refuse_none(connection, usecase, done.rows, total)
            report("written", done.rows, left)
            _write(connection, scratch / "answers.parquet", answers, ordered=seed is None)
            gone = refused_rows.count(connection)
            if gone:
                refused_rows.write(connection, layout, aside)
            if request.explain:
                pq.write_table(done.top.explained(scorer.bundle, usecase.key), explained)
            reasons = refused_rows.reasons(connection)
    return BulkResult(done.rows, gone, reasons, past, source.warnings)


class _Batches:
    """Has batches of events scored and keeps what is to be said of them."""

    def __init__(self, top: TopScores) -> None:
        self.top = top
        self.rows = 0
        self.ineligible: list[tuple[Array, str, str]] = []

    def run(self, scored: Iterable[ScoredBatch], path: Path, total: int, report: Report) -> None:
        """Write number, key and answers of all events to `path`, in no order."""
        writer = None
        seen = 0
        try:
            for one in scored:
                writer = writer or pq.ParquetWriter(path, one.answers.schema)
                writer.write_table(one.answers)
                self.rows += one.answers.num_rows
                self.ineligible += one.ineligible
                self.top.take(one.top)
                seen += one.seen
                report("scored", seen, total)
        finally:
            if writer:
                writer.close()


def _past(usecase: FeatureSet, request: BulkRequest, needed: list[str], names: Any) -> Past:
    """Where the histories come from; ContractError where they cannot be had."""
    absent = [n for n in needed if n not in names]
    if not needed:
        return "none"
    if not absent:
        return "columns"
    if request.new_entities:
        return "new"
    if len(absent) < len(needed) or request.seed is None:
        raise ContractError(
            f"{usecase.name}, the events are refused: {event_table.without(absent)}"
        )
    request.seed.check(usecase)
    return "tiles"


def _rows(
    backend: Any, usecase: FeatureSet, layout: EventLayout, seed: Seed | None, scratch: Path
) -> Iterator[Any]:
    """The events that are left, some at a time, with `__row` and what the features are computed from."""
    kept = backend.table("kept")
    if seed is None:
        yield kept.select(ROW, *(c.name for c in usecase.known), *layout.histories)
        return
    backend.raw_sql("SET preserve_insertion_order = false")
    outcomes = layout.outcomes
    events = Continuation(backend, usecase, seed, kept, outcomes=outcomes, scratch=scratch)
    names = [*(c.name for c in usecase.known), *(f.name for f in usecase.aggregates)]
    for part in events.joined():
        yield part.select(ROW, *names)


def _streamed(backend: Any, parts: Iterator[Any]) -> Iterator[Any]:
    for part in parts:
        yield from filter(len, ibis_session.batches(backend, part, tables.CHUNK))


def _write(connection: Any, scored: Path, target: Path, *, ordered: bool) -> None:
    """The answers in the file's order; they are `ordered` already where no histories were joined."""
    order = "" if ordered else f" ORDER BY {quote(ROW)}"
    kind = (
        "FORMAT csv, HEADER"
        if target.name.endswith(".csv.part")
        else "FORMAT parquet, COMPRESSION zstd"
    )
    rows = f"SELECT * EXCLUDE ({quote(ROW)}) FROM read_parquet({literal(scored)}){order}"
    connection.execute(f"COPY ({rows}) TO {literal(target)} ({kind})")


@contextmanager
def _session(scratch: Path) -> Iterator[Any]:
    """An Ibis connection to a DuckDB in `scratch`, which spills there."""
    import ibis

    settings = duckdb_session.settings(scratch / "spill")
    if machine.declared_memory() is None:
        settings["memory_limit"] = MEMORY
    with ibis_session.quiet(), duckdb_session.file_errors():
        backend = ibis.duckdb.connect(str(scratch / "work.duckdb"), **settings)
        try:
            backend.raw_sql(duckdb_session.SESSION)
            yield backend
        finally:
            backend.disconnect()


@contextmanager
def _outs(request: BulkRequest) -> Iterator[tuple[Path, Path, Path]]:
    """Where to write answers, refused events and contributions; in place only where all of it ends well."""
    folder = request.out.parent
    folder.mkdir(parents=True, exist_ok=True)
    paths = (request.out, request.refused, request.explained)
    beside = [p.with_name(f".{p.name}.{os.getpid()}{p.suffix}.part") for p in paths]
    try:
        yield beside[0], beside[1], beside[2]
        for part, path in zip(beside, paths, strict=True):
            if part.exists():
                os.replace(part, path)
            elif path != request.out:
                path.unlink(missing_ok=True)
    finally:
        for part in beside:
            part.unlink(missing_ok=True)


def _refuse_none(connection: Any, usecase: FeatureSet, left: int, total: int) -> None:
    if left:
        return
    counted = ", ".join(f"{n:,} {name}" for name, n in refused_rows.reasons(connection).items())
    raise ContractError(
        f"{usecase.name}, the events are refused, all {total:,} of them ({counted}): "
        f"{refused_rows.first(connection)}"
    )


def _count(connection: Any, table: str) -> int:
    return int(duckdb_session.rows(connection, f"SELECT count(*) FROM {table}")[0][0])
