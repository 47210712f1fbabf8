"""POST /v1/USECASE/explain: why served events were scored so, from the log. Slow: it is done beside the loop."""

from __future__ import annotations

from typing import Any

import msgspec

from plumbline.serve.online import bodies
from plumbline.serve.online import explain as explanations
from plumbline.serve.online.refusals import EventRefused, Problem, printable, shown
from plumbline.serve.online.scorer import CompiledScorer
from plumbline.serve.protocols import LoggedEvent
from plumbline.serve.requests.conflicts import UnknownError
from plumbline.serve.requests.parts import Parts

MOST = 100
"""Events of one request id that are explained."""
REQUEST = "request_id"
_encode = msgspec.json.Encoder().encode


def explain(parts: Parts, body: bytes) -> bytes:
    """The explanations of the live answers to a request id, or about a key; UnknownError where none is logged."""
    wanted = _wanted(parts, body)
    parts.log.flush(1.0)
    rows = [
        row for row in _rows(parts, wanted) if isinstance(row, LoggedEvent) and row.mode == "live"
    ]
    if not rows:
        ((name, value),) = wanted.items()
        raise UnknownError(name, value)
    given = [explanations.explain(_scorer(parts, row), row).plain() for row in rows[:MOST]]
    return _encode({"explanations": given})


def _wanted(parts: Parts, body: bytes) -> dict[str, Any]:
    """One name, the key's or request_id, and its value."""
    key = parts.usecase.key
    wanted: dict[str, Any] = bodies.objects(body, "explain", 1)[0]
    kinds = {
        REQUEST: str,
        key: {"int": int, "string": str}.get(parts.usecase.column(key).type, str),
    }
    if len(wanted) != 1 or not wanted.keys() <= kinds.keys():
        names = ", ".join(map(printable, list(wanted)[:3])) or "nothing"
        raise EventRefused([Problem(None, "", names, f"one of {REQUEST} and {key}")])
    ((name, value),) = wanted.items()
    if not isinstance(value, kinds[name]) or isinstance(value, bool) or not _fits(value):
        raise EventRefused([Problem(None, name, shown(value), f"a {kinds[name].__name__}")])
    return wanted


def _fits(value: Any) -> bool:
    """Whether the log could hold it."""
    return -(2**63) <= value < 2**63 if isinstance(value, int) else value.isprintable()


def _rows(parts: Parts, wanted: dict[str, Any]) -> list[Any]:
    ((name, value),) = wanted.items()
    return (
        parts.reader.of_request(value)
        if name == REQUEST and name != parts.usecase.key
        else parts.reader.of_key(value)
    )


def _scorer(parts: Parts, row: LoggedEvent) -> CompiledScorer:
    """The scorer of the bundle that answered; UnknownError where it is not loaded any more."""
    loaded = parts.live.router.current.loaded.get(row.bundle)
    if loaded is None:
        raise UnknownError("bundle", row.bundle)
    return loaded.compiled
