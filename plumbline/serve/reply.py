"""An answer to a request, before there is HTTP: a status and a body of JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

JSON = b"application/json"
encode = msgspec.json.Encoder(order="deterministic").encode


@dataclass(frozen=True, slots=True)
class Reply:
    """`reason`: of a refusal, the word that the metrics count it by; `headers` beside type and length."""

    status: int
    body: bytes
    kind: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()
    reason: str = ""


def of(value: Any, status: int = 200) -> Reply:
    """A value as JSON."""
    return Reply(status, encode(value))


def refusal(
    status: int,
    reason: str,
    message: str,
    problems: Iterable[Mapping[str, Any]] = (),
    headers: tuple[tuple[bytes, bytes], ...] = (),
) -> Reply:
    """A request that is not answered: `error` says why and what to do, `problems` where.

    >>> refusal(422, "events", "the request holds no event").body
    b'{"error":"the request holds no event","problems":[],"reason":"events"}'
    """
    body = {"error": message, "problems": list(problems), "reason": reason}
    return Reply(status, encode(body), headers=headers, reason=reason)
