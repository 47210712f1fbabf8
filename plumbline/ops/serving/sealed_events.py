"""Served events in sealed days, for whoever asks for one: as the log had them, without its files. An edge: DuckDB."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from plumbline import config
from plumbline.core import duckdb_session, sealed_days
from plumbline.core.errors import ParamsError
from plumbline.core.sealed_days import SealedDay, SealedKind
from plumbline.core.sql import literal_path, quote
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.runtime import dvc_yaml
from plumbline.serve.log import export
from plumbline.serve.log.description import LogDescription
from plumbline.serve.online import checks
from plumbline.serve.protocols import LoggedEvent, LoggedOutcome

EPOCH = datetime(1970, 1, 1)
STRUCTS = ("aggregates", "computed", "derived")
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class SealedEvent:
    """A row of a sealed day, the description of its values, and its day's file from the project's root."""

    row: LoggedEvent
    description: LogDescription
    file: Path


@dataclass(frozen=True)
class SealedAbout:
    """What sealed days have of a key or a request: rows of predictions, and the outcomes of their keys."""

    events: list[SealedEvent]
    outcomes: list[LoggedOutcome]


def folder(root: Path, usecase: str) -> Path:
    """Where the sealed days of a use case lie; by the usual place where dvc.yaml names no source."""
    own = None
    if (root / dvc_yaml.FILE).is_file():
        own = artifacts.declared(usecase, Role.SOURCE, root)
    return root / (own or f"sources/{usecase}") / sealed_days.FOLDER


def names(root: Path) -> list[str]:
    """The use cases that have sealed days; those at the usual place also where params.yaml lists none."""
    listed = {p.parent.name for p in root.glob(f"sources/*/{sealed_days.FOLDER}")}
    params = root / config.FILE
    with suppress(ParamsError):
        listed.update(config.selected([], params) if params.is_file() else ())
    return sorted(name for name in listed if sealed_days.listed(folder(root, name)))


def about(root: Path, usecase: str, request_id: str | None, key: str | None) -> SealedAbout:
    """The predictions of the last day that has the request, or of the key, and what became of them.

    SourceError where a day's bytes are not here.
    """
    days = [d for d in sealed_days.listed(folder(root, usecase)) if d.statement.rows["predictions"]]
    if not days or (request_id is None and key is None):
        return SealedAbout([], [])
    _refuse_missing(days)
    with tempfile.TemporaryDirectory() as scratch, duckdb_session.connect(Path(scratch)) as session:
        found = _predictions(session, days, request_id, key)
        if request_id is not None:
            found = [one for one in found if one["file"] == found[-1]["file"]]
            rest = {str(one["key"]) for one in found}
            found += [
                o
                for k in sorted(rest)
                for o in _predictions(session, days, None, k)
                if o not in found
            ]
        keys = sorted({str(one["key"]) for one in found})
        columns = _key_column(days)
        events = {str(e[columns]): e for e in _having(session, days, "events", columns, keys)}
        late = _having(session, days, "outcomes", columns, keys)
        kinds = _kinds(days)
    rows = [
        _event(usecase, one, events[str(one["key"])], columns, kinds)
        for one in found
        if str(one["key"]) in events
    ]
    rows.sort(key=lambda one: one.row.sequence)
    return SealedAbout(rows, [outcome(one, columns) for one in late])


def _refuse_missing(days: Sequence[SealedDay]) -> None:
    """SourceError where the bytes of a day are not here."""
    for one in days:
        if not all(one.file(kind).is_file() for kind in ("events", "outcomes", "predictions")):
            sealed_days.intact([one])


def _predictions(
    session: Any, days: Sequence[SealedDay], request_id: str | None, key: str | None
) -> list[dict[str, Any]]:
    files = ", ".join(literal_path(one.file("predictions")) for one in days)
    column, value = (
        ("request_id", request_id) if request_id is not None else ("CAST(key AS VARCHAR)", key)
    )
    query = (
        f"SELECT * EXCLUDE filename, filename AS file FROM read_parquet([{files}], union_by_name=true, filename=true) "
        f"WHERE {column} = ? ORDER BY sequence"
    )
    return _rows(session, query, [value])


def _having(
    session: Any, days: Sequence[SealedDay], kind: SealedKind, key: str, keys: Sequence[str]
) -> list[dict[str, Any]]:
    files = ", ".join(literal_path(one.file(kind)) for one in days if one.statement.rows[kind])
    if not files or not keys:
        return []
    query = f"SELECT * FROM read_parquet([{files}], union_by_name=true) WHERE list_contains(?, CAST({quote(key)} AS VARCHAR))"
    return _rows(session, query, [list(keys)])


def _rows(session: Any, query: str, values: list[Any]) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = session.sql(query, params=values).to_arrow_table().to_pylist()
    return result


def _key_column(days: Sequence[SealedDay]) -> str:
    """The key's column: the first one of the outcomes."""
    return str(pq.read_schema(days[-1].file("outcomes")).names[0])


def _kinds(days: Sequence[SealedDay]) -> dict[SealedKind, dict[str, str]]:
    """By kind the contract's type of each column of the newest day."""
    types = {kind: name for name, kind in export.TYPES.items()}
    kinds: tuple[SealedKind, SealedKind] = ("events", "outcomes")
    return {
        kind: {
            f.name: types[f.type] for f in pq.read_schema(days[-1].file(kind)) if f.type in types
        }
        for kind in kinds
    }


def _event(
    usecase: str,
    given: Mapping[str, Any],
    event: Mapping[str, Any],
    key: str,
    kinds: Mapping[SealedKind, dict[str, str]],
) -> SealedEvent:
    structs = {name: _present(given.get(name) or {}, name) for name in STRUCTS}
    description = LogDescription(
        usecase=usecase,
        key=key,
        time=next(
            (n for n, v in event.items() if given.get("time") is not None and v == given["time"]),
            None,
        ),
        event={n: kinds["events"].get(n, "string") for n in event},
        outcome={
            n: k
            for n, k in kinds["outcomes"].items()
            if n not in (key, "sequence", "received", "known_at")
        },
        aggregates=tuple(structs["aggregates"]),
        computed=tuple(structs["computed"]),
        derived=tuple(structs["derived"]),
        classes=(),
        libraries={},
    )
    row = as_logged(given, event, structs)
    return SealedEvent(row, description, Path(given["file"]))


def as_logged(
    given: Mapping[str, Any], event: Mapping[str, Any], structs: Mapping[str, Mapping[str, Any]]
) -> LoggedEvent:
    """A row of predictions as the log had it; `structs`: its histories and features by name. The answer is not kept."""
    own = {n: given[n] for n in (*export.COMMON, "key", *export.EVENT) if n in given}
    own |= {name: tuple(values.values()) for name, values in structs.items()}
    own |= {name: tuple(given[name] or ()) for name in ("raw", "score", "flags")}
    own |= {"received": micros(given["received"]), "answer": b""}
    return LoggedEvent(digest=checks.digest(event), event=event, **own)


def _present(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The fields that the row's definitions had; a derived feature may be null all the same."""
    return {n: v for n, v in values.items() if v is not None or name == "derived"}


def outcome(given: Mapping[str, Any], key: str) -> LoggedOutcome:
    """`matched` is true: its event is among the sealed ones."""
    own = (key, "sequence", "received", "known_at")
    return LoggedOutcome(
        sequence=given["sequence"],
        received=micros(given["received"]),
        request_id="",
        key=given[key],
        digest=b"",
        known_at=micros(given["known_at"]),
        values={n: v for n, v in given.items() if n not in own},
        matched=True,
    )


def micros(time: datetime) -> int:
    """Microseconds since 1970 of a naive time in UTC."""
    return (time - EPOCH) // MICROSECOND
