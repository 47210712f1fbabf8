"""The columns of sealed files: from what the log says of its own rows, so that they do not depend on today's code. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from plumbline.core import sealed_days
from plumbline.serve.log import export
from plumbline.serve.log.description import LogDescription
from plumbline.serve.log.reader import AnyRow
from plumbline.serve.protocols import LoggedOutcome

OUTCOME = {"sequence": pa.int64(), "received": export.TIME, "known_at": export.TIME}
SERVED = {name: kind for name, kind in export.EVENT.items() if name != "answer"}
REFUSED = {"hour": export.TIME, "column": pa.string(), "problem": pa.string(), "count": pa.int64()}
STRUCTS = ("aggregates", "computed", "derived")


def schemas(one: LogDescription) -> dict[str, pa.Schema]:
    """By kind, the columns of rows with this description."""
    kinds = {name: export.TYPES[kind] for name, kind in one.event.items()}
    late = {name: export.TYPES[kind] for name, kind in one.outcome.items()}
    key = kinds.get(one.key, pa.string())
    time = {"time": export.TIME} if one.time else {}
    number = {"aggregates": pa.float64(), "computed": pa.float64(), "derived": pa.int64()}
    structs = {
        name: pa.struct([(field, number[name]) for field in getattr(one, name)])
        for name in STRUCTS
        if getattr(one, name)
    }
    return {
        "events": pa.schema([*kinds.items(), ("__sequence", pa.int64())]),
        "outcomes": pa.schema([(one.key, key), *late.items(), *_own(OUTCOME, one).items()]),
        "predictions": pa.schema(
            [*export.COMMON.items(), ("key", key), *time.items(), *SERVED.items(), *structs.items()]
        ),
    }


def values(one: AnyRow) -> Iterable[tuple[str, dict[str, Any]]]:
    """What a row of the log becomes: kind and values."""
    row: Any = one.row
    names: LogDescription = one.description
    if isinstance(row, LoggedOutcome):
        own = _own({name: getattr(row, name) for name in OUTCOME}, names)
        return [("outcomes", {names.key: row.key, **row.values, **own})]
    served = {name: getattr(row, name) for name in (*export.COMMON, "key", *SERVED)}
    served |= {name: names.named(name, getattr(row, name)) for name in STRUCTS}  # type: ignore[arg-type]
    served["time"] = row.event.get(names.time) if names.time else None
    result = [("predictions", served)]
    if row.mode == "live":
        result.append(("events", {**row.event, "__sequence": row.sequence}))
    return result


def _own(values: Mapping[str, Any], one: LogDescription) -> dict[str, Any]:
    """The log's own columns of an outcome, under names that the contract's do not have."""
    contract = {one.key, *one.outcome}
    return {sealed_days.own_name(name, contract): value for name, value in values.items()}
