"""Where raw events come from: a simulator, CSV, Parquet, a URL, an SQL query.

Each kind becomes a `Source`: parts that DuckDB can select from, with what the datasheet says of them.
Everything that can be wrong with a source is one SourceError here or in ingest.py.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import duckdb

from plumbline import delimited
from plumbline.casts import text
from plumbline.errors import ParamsError, SourceError
from plumbline.params import Data
from plumbline.usecase import UseCase

NEEDS: Mapping[str, tuple[str, ...]] = {
    "simulate": ("start", "as_of"),
    "csv": ("path",),
    "parquet": ("path",),
    "url": ("url", "sha256"),
    "sql": ("address", "query"),
}


@dataclass(frozen=True)
class Part:
    """One file, query or simulation: its name for messages, and what to select from."""

    name: str
    relation: str


@dataclass(frozen=True)
class Source:
    """What the stage reads. `attach` makes the parts selectable (again, where they run dry);
    `sheet` goes to the datasheet; `hash` is that of the source, None where only the result has one."""

    kind: str
    parts: tuple[Part, ...]
    sheet: Mapping[str, Any]
    hash: str | None
    attach: Callable[[duckdb.DuckDBPyConnection], None] = field(default=lambda _: None)

    @property
    def name(self) -> str:
        """The source in an error message."""
        return self.parts[0].name if len(self.parts) == 1 else str(self.sheet["path"])


def check(usecase: UseCase, data: Data) -> None:
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


def open_source(usecase: UseCase, data: Data, seed: int, folder: Path, scratch: Path) -> Source:
    """The source that `data` names. `folder` holds the use case's own simulator; `scratch` is for
    what has to be fetched."""
    check(usecase, data)
    if data.source == "simulate":
        return _simulate(data, seed, folder)
    if data.source == "csv":
        return _csv(files(data.path or "", ".csv", ".csv.gz", ".tsv", ".txt"), data.path or "", data)
    if data.source == "parquet":
        return _parquet(files(data.path or "", ".parquet", ".pq"), data.path or "", data)
    if data.source == "url":
        from plumbline.download import fetch

        return _fetched(fetch(data.url or "", data.sha256 or "", scratch), data)
    from plumbline.database import query

    return query(data.address or "", data.query or "", scratch)


def files(path: str, *suffixes: str) -> list[Path]:
    """The file, the folder's files with these suffixes, or the glob's matches; sorted by name."""
    place = Path(path)
    if place.is_dir():
        found = [p for p in place.iterdir() if p.name.endswith(suffixes) and p.is_file()]
        if not found:
            raise SourceError(f"{path}: no file here ends with {' or '.join(suffixes)}; correct data.path")
    elif place.exists():
        found = [place]
    else:
        found = [p for p in _glob(path) if p.is_file()]
        if not found:
            raise SourceError(f"{path}: no such file; put it there, or correct data.path in params.yaml")
    for empty in (p for p in found if p.stat().st_size == 0):
        raise SourceError(f"{empty}: the file is empty (0 bytes); export it again, with its rows")
    return sorted(found)


def _glob(path: str) -> list[Path]:
    if not any(c in path for c in "*?["):
        return []
    whole = PurePath(path)
    return list(Path(whole.anchor or ".").glob(str(whole.relative_to(whole.anchor))))


def sha256(paths: list[Path]) -> str:
    """Of one file its SHA-256; of several that of the lines `<sha256>  <name>`, as sha256sum prints."""
    each = [_sha256(p) for p in paths]
    if len(each) == 1:
        return each[0]
    lines = "".join(f"{digest}  {p.name}\n" for digest, p in zip(each, paths, strict=True))
    return hashlib.sha256(lines.encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _shown(path: str) -> str:
    """A path for the datasheet: as in params.yaml, but only its last part where it is absolute."""
    return PurePath(path).name if PurePath(path).is_absolute() or ".." in path else path


def _checked(paths: list[Path], path: str, data: Data) -> str:
    found = sha256(paths)
    if data.sha256 and data.sha256.lower() != found:
        raise SourceError(
            f"{path}: SHA-256 is {found}, expected {data.sha256}. The file is not the one that "
            "params.yaml names: restore it, or correct data.sha256."
        )
    return found


def _csv(paths: list[Path], path: str, data: Data) -> Source:
    digest = _checked(paths, path, data)
    style = delimited.Style(data.delimiter, data.encoding)
    parts = tuple(Part(str(p), r) for p, r in zip(paths, delimited.relations(paths, style), strict=True))
    return Source("csv", parts, {"path": _shown(path), "files": len(paths)}, digest)


def _parquet(paths: list[Path], path: str, data: Data) -> Source:
    digest = _checked(paths, path, data)
    parts = tuple(Part(str(p), f"read_parquet([{text(str(p))}])") for p in paths)
    return Source("parquet", parts, {"path": _shown(path), "files": len(paths)}, digest)


def _fetched(path: Path, data: Data) -> Source:
    from plumbline.download import public

    make = _parquet if path.name.endswith((".parquet", ".pq")) else _csv
    inner = make([path], str(path), data)
    part = Part(public(data.url or ""), inner.parts[0].relation)
    return Source("url", (part,), {"url": public(data.url or "")}, inner.hash)


def _simulate(data: Data, seed: int, folder: Path) -> Source:
    module = ".".join((*folder.parts, "simulator"))
    try:
        simulate = importlib.import_module(module).simulate
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise
        raise SourceError(f"{folder}: no simulator.py; write one, or choose another data.source") from None
    tables = simulate(data.simulate, data.start, data.as_of, seed)  # refuses its settings at once
    first = iter([tables])

    def attach(connection: duckdb.DuckDBPyConnection) -> None:
        again = next(first, None) or simulate(data.simulate, data.start, data.as_of, seed)
        connection.register("simulated", _reader(again, folder))

    settings = {"settings": dict(data.simulate), "start": str(data.start), "seed": seed}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()
    return Source("simulate", (Part(f"{folder}/simulator.py", "simulated"),), settings, digest, attach)


def _reader(tables: Any, folder: Path) -> Any:
    import pyarrow as pa

    first = next(tables, None)
    if first is None:
        raise SourceError(f"{folder}/simulator.py: it made no table; check data.start and data.as_of")

    def batches() -> Any:
        yield from first.to_batches()
        for table in tables:
            yield from table.to_batches()

    return pa.RecordBatchReader.from_batches(first.schema, batches())
