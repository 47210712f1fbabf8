"""Where raw events come from: a simulator, CSV, Parquet, a URL, an SQL query.

Each kind becomes an `EventSource`: parts that DuckDB can select from, with what the datasheet says of them.
Everything that can be wrong with a source is one SourceError here or in ingest.py.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePath
from typing import Any

import duckdb

from plumbline.core.errors import ParamsError, SourceError
from plumbline.core.usecase import Contract
from plumbline.data import columnar, delimited, listing, unpacking
from plumbline.data.environment import expand
from plumbline.data.params import EventTable

NEEDS: Mapping[str, tuple[str, ...]] = {
    "simulate": ("start", "as_of"),
    "csv": ("path",),
    "parquet": ("path",),
    "url": ("url", "sha256"),
    "sql": ("address", "query"),
    "served": ("seed",),
}

CHUNK = 200_000  # rows
SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "csv": (".csv", ".csv.gz", ".tsv", ".txt"),
    "parquet": (".parquet", ".pq"),
}


Chunks = Callable[[duckdb.DuckDBPyConnection], Generator[str]]


@dataclass(frozen=True)
class SourcePart:
    """One file, query or simulation. `chunks` goes through it once: what to select the next rows from,
    good until the next one. `name` is for messages, `path` what DuckDB calls the file; `places` says where
    a person finds rows, by their numbers, `explain` raises what is wrong with a file, `check` for a number of rows that
    is not its own. `hash`: of its bytes, `md5:` or S3's `etag:`, where a manifest lists it."""

    name: str
    chunks: Chunks
    path: str = ""
    places: Callable[[list[int]], list[str]] = lambda rows: [f"row {r:,}" for r in rows]
    explain: Callable[[], None] = lambda: None
    check: Callable[[int], None] = lambda _: None
    hash: str = ""


@dataclass(frozen=True)
class EventSource:
    """What the stage reads. `sheet` goes to the datasheet; `hash` is that of the source, None where
    only the result has one, `warnings` what the user should know beside."""

    kind: str
    name: str
    parts: tuple[SourcePart, ...]
    sheet: Mapping[str, Any]
    hash: str | None
    warnings: tuple[str, ...] = ()


Opener = Callable[[Path, str, Path], SourcePart]
"""A part out of a file of this machine, its name for messages, and where a copy may be written."""


def check(usecase: Contract, data: EventTable) -> None:
    """ParamsError where the source's own keys are not given, or a timed use case has no as-of date."""
    needs = NEEDS[data.source] + (("as_of",) if usecase.time else ())
    for key in dict.fromkeys(needs):
        if getattr(data, key) in (None, ""):
            raise ParamsError(
                f"params.yaml, {usecase.name}.data.{key}: missing; source {data.source} of "
                f"{usecase.name} needs {', '.join(dict.fromkeys(needs))}"
            )
    if data.start and data.as_of and data.start >= data.as_of:
        raise ParamsError(
            f"params.yaml, {usecase.name}.data.as_of: got '{data.as_of}', expected a day after "
            f"start ('{data.start}')"
        )


def open_source(
    usecase: Contract, data: EventTable, seed: int, folder: Path, scratch: Path
) -> EventSource:
    """The source that `data` names. `folder` holds the use case's own simulator; `scratch` is for
    what has to be fetched."""
    check(usecase, data)
    if data.source == "simulate":
        return _simulate(data, seed, folder)
    if data.source == "sql":
        from plumbline.data.database import query

        return query(data.address or "", data.query or "", usecase)
    if data.source == "url":
        from plumbline.data.download import fetch, public

        url = expand(data.url or "", "data.url")
        name, path = public(url), fetch(url, scratch)
        return _files("url", [path], [name], name, {"url": name}, data, usecase, scratch)
    place = data.path or ""
    suffixes = SUFFIXES[data.source]
    if data.manifest:
        from plumbline.data import manifest_source

        reader = opener(data.source, data, usecase)
        return manifest_source.open_source(usecase.name, data, suffixes, reader, scratch)
    paths = listing.files(place, suffixes)
    names = [str(p) for p in paths]
    sheet = {"path": shown(place), "files": len(paths)}
    opened = _files(data.source, paths, names, place, sheet, data, usecase, scratch)
    return replace(opened, warnings=listing.skipped(place, suffixes))


def shown(path: str) -> str:
    """A path for the datasheet: as in params.yaml, but only its last part where it is absolute."""
    return PurePath(path).name if PurePath(path).is_absolute() or ".." in path else path


def _files(
    kind: str,
    paths: list[Path],
    names: list[str],
    name: str,
    sheet: Mapping[str, Any],
    data: EventTable,
    usecase: Contract,
    scratch: Path,
) -> EventSource:
    """CSV or Parquet files as a source; SourceError where they are not those of data.sha256."""
    actual = listing.sha256(paths)
    if data.sha256 and data.sha256.lower() != actual:
        raise SourceError(
            f"{name}: SHA-256 is {actual}, expected {data.sha256}. It is not what params.yaml names: "
            "restore the file, or correct data.sha256."
        )
    parquet = kind == "parquet" or listing.ends(paths[0], SUFFIXES["parquet"])
    opened = opener("parquet" if parquet else "csv", data, usecase)
    parts = tuple(
        opened(path, shown, scratch / f"text-{number}.parquet")
        for number, (path, shown) in enumerate(zip(paths, names, strict=True))
    )
    return EventSource(kind, name, parts, sheet, actual)


def opener(kind: str, data: EventTable, usecase: Contract | None) -> Opener:
    """A part out of a file of this machine, its name for messages, and where a copy may be written."""

    def opened(path: Path, name: str, copy: Path) -> SourcePart:
        if kind == "parquet":
            return _parquet(path, name, usecase)
        return _csv(path, name, data, copy, usecase)

    return opened


def _parquet(path: Path, name: str, usecase: Contract | None) -> SourcePart:
    return SourcePart(name, partial(_whole, columnar.relation(path, name, usecase)), str(path))


def _csv(
    path: Path, name: str, data: EventTable, copy: Path, usecase: Contract | None
) -> SourcePart:
    unpacking.check(path, name, data.max_unpacking)
    style = delimited.CsvStyle(data.delimiter, data.encoding)
    source = delimited.prepare(path, name, style, copy, usecase)
    chunks, explain = partial(_whole, source.relation), partial(delimited.explain, source)
    return SourcePart(name, chunks, str(source.read), source.places, explain)


def _whole(relation: str, _: duckdb.DuckDBPyConnection) -> Generator[str]:
    yield relation


def _simulate(data: EventTable, seed: int, folder: Path) -> EventSource:
    name = f"{folder}/simulator.py"
    simulate = _simulator(folder, name)
    tables = simulate(data.simulate, data.start, data.as_of, seed)  # refuses its settings at once

    def chunks(connection: duckdb.DuckDBPyConnection) -> Generator[str]:
        for table in _joined(tables):
            connection.register("simulated", table)
            yield "simulated"

    sheet = {"settings": dict(data.simulate), "start": str(data.start), "seed": seed}
    digest = hashlib.sha256(json.dumps(sheet, sort_keys=True, default=str).encode()).hexdigest()
    return EventSource("simulate", name, (SourcePart(name, chunks),), sheet, digest)


def _simulator(folder: Path, name: str) -> Callable[..., Iterator[Any]]:
    module = f"{folder.parent.name}.{folder.name}.simulator"
    try:
        simulate: Callable[..., Iterator[Any]] = importlib.import_module(module).simulate
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise
        raise SourceError(
            f"{name}: no such file; write it, or choose another data.source"
        ) from None
    return simulate


def _joined(tables: Iterator[Any]) -> Iterator[Any]:
    """The same rows in fewer tables, each of at least CHUNK rows but the last."""
    import pyarrow as pa

    waiting: list[Any] = []
    for table in tables:
        waiting.append(table)
        if sum(t.num_rows for t in waiting) >= CHUNK:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)
