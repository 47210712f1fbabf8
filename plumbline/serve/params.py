"""The `serve` section of params.yaml. No stage reads it."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from plumbline.core.params_base import Count, Days, Section
from plumbline.serve.promote_params import Promote


def _variable(value: object) -> object:
    """A password in a URL written here by mistake is refused, and not shown."""
    if value is None or (isinstance(value, str) and re.fullmatch(r"[A-Z_][A-Z0-9_]*", value)):
        return value
    text = ": expected the name of an environment variable, like REDIS_URL, never its value"
    raise PydanticCustomError("grammar", "{text}", {"text": text})


class Serve(Section):
    """Settings of `plumbline serve`.

    Set at the top of params.yaml for all use cases; what a use case's own `serve` section sets goes before. What
    belongs to the process (host to `lame_duck`) must be the same for all use cases that one process serves.
    """

    # address to bind; other machines need tokens
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8400  # 0: any that is free
    token_file: str | None = None  # file with an access token per line; None: no token is needed
    tls_cert: str | None = None  # PEM file with the certificate chain; None: plain HTTP
    tls_key: str | None = None  # PEM file with its private key
    max_body: Annotated[int, Field(ge=1024)] = 2_097_152  # bytes of a request's body
    max_connections: Count = 1000  # open at once; above, 503
    # requests per second and token; None: no limit
    rate: Annotated[float, Field(gt=0)] | None = None
    burst: Count = 100  # requests at once, before `rate` counts
    body_timeout: Annotated[float, Field(gt=0)] = 10.0  # seconds in which a request must have come
    # seconds in which clients are moved off before a process stops or is replaced
    lame_duck: Annotated[float, Field(ge=0)] = 1.0
    max_events: Count = 1000  # of one request
    late_days: Days = 7  # age up to which an event is taken, days
    # whole days without any event before the event's own, above which state is stale
    max_age: Days = 1
    # what happens to an event on stale state; refuse: 503
    stale: Literal["flag", "refuse"] = "flag"
    # whether rows are on disk before the answer; else in the journal, which a killed process does not lose
    durable: bool = False
    unlogged: bool = False  # whether to answer, flagged, while the log is broken; else 503
    # name of the environment variable with the URL of Redis; None: state in the process
    state: Annotated[str | None, BeforeValidator(_variable)] = None
    # share of the events whose decision withholds the outcome that pass all the same, drawn at random; 0: none
    explore: Annotated[float, Field(ge=0, lt=1)] = 0.0
    # decisions after which the outcome is never known, or "alarm"
    withhold: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] = ("block",)
    route_by: str | None = None  # entity by whose id an arm is chosen; None: the first declared
    promote: Promote = Promote()  # what a challenger passes on its way to champion

    @model_validator(mode="after")
    def _both(self) -> Serve:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key together, found one of them")
        return self


PROCESS = (
    "host", "port", "token_file", "tls_cert", "tls_key", "max_body", "max_connections", "rate", "burst",
    "body_timeout", "lame_duck",
)  # fmt: skip
"""The settings that belong to the process, not to one use case."""
