"""Open a feature store on servers: one message where a server or its client library is not there."""

from __future__ import annotations

import importlib
import importlib.util
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from plumbline.core.errors import PlumblineError
from plumbline.features import store
from plumbline.ops.online_store.settings import Settings

SECONDS = 5.0  # for a server to accept a connection
CLIENTS = {"redis": ("redis", "hiredis"), "postgres": ("psycopg", "psycopg_pool")}
PORTS = {"postgresql": 5432, "mysql": 3306}
RAISED = (
    ("redis.exceptions", "RedisError"),
    ("psycopg", "Error"),
    ("sqlalchemy.exc", "SQLAlchemyError"),
    ("pydantic", "ValidationError"),
    ("feast.errors", "FeastError"),
    ("google.protobuf.message", "DecodeError"),
    ("sqlite3", "Error"),
)
"""What the libraries raise where the cause is the server, the network, the settings or a damaged file."""
CREDENTIALS = re.compile(
    r"AUTH|no permissions|invalid (username|password)|authentication failed|no password supplied|permission denied"
    r"|role \S+ does not exist|Authentication required",
    re.IGNORECASE,
)
UNREACHABLE = re.compile(
    r"refused|timed? ?out|not known|no route|reset|closed|connecting|connection (failed|is lost)",
    re.IGNORECASE,
)


@contextmanager
def opened(settings: Settings) -> Iterator[Any]:
    """Feast's store, connected while the block runs; PlumblineError where it cannot be."""
    _refuse_missing(settings)
    _probe(settings)
    with errors(settings):
        feast = store.library()
        from feast.repo_config import RepoConfig

        config = RepoConfig(**settings.content, repo_path=settings.folder)
        connected = feast.FeatureStore(config=config)
        connected.list_entities()
    try:
        yield connected
    finally:
        _close(connected)


def _close(connected: Any) -> None:
    """Close what Feast keeps open: the connections of the online store and of the registry."""
    online = getattr(connected._provider, "online_store", None)
    for name in ("_conn", "_client"):
        client = getattr(online, name, None)
        if client is not None:
            client.close()
    for engine in {connected.registry.write_engine, connected.registry.read_engine}:
        engine.dispose()


@contextmanager
def errors(settings: Settings) -> Iterator[None]:
    """Raise what a client library raises as one PlumblineError, without secrets or a traceback."""
    try:
        yield
    except _kinds() as error:
        raise PlumblineError(f"{settings.place}: {_explained(settings, error)}") from None


def _kinds() -> tuple[type[BaseException], ...]:
    kinds: list[type[BaseException]] = [OSError, ImportError]
    for module, name in RAISED:
        with suppress(ImportError):
            kinds.append(getattr(importlib.import_module(module), name))
    return tuple(kinds)


def _explained(settings: Settings, error: BaseException) -> str:
    """What is wrong and what to do, by the kind of error."""
    reason = _reason(settings, error)
    if isinstance(error, ImportError):
        return f"its client library cannot be imported ({reason}); run `make install`"
    if CREDENTIALS.search(reason):
        return f"the server refuses the credentials ({reason}); correct the user, its password or its rights"
    if isinstance(error, OSError) or UNREACHABLE.search(reason):
        return f"a server cannot be reached ({reason}); check that it is up, and its address"
    return f"{reason}; correct {settings.folder}/feature_store.yaml or the server"


def _reason(settings: Settings, error: BaseException) -> str:
    """The first line of an error, without secrets; of settings that do not fit, where and why."""
    if type(error).__name__ == "ValidationError" and hasattr(error, "errors"):
        parts = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return settings.redacted("; ".join(parts))
    cause = getattr(error, "orig", None) or error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return settings.redacted(lines[0] if lines else type(cause).__name__)


def _refuse_missing(settings: Settings) -> None:
    """PlumblineError where a client library is not installed."""
    for module in CLIENTS[settings.kind]:
        if importlib.util.find_spec(module) is None:
            raise PlumblineError(
                f"{settings.place}: an online store of type {settings.kind} needs the package "
                f"'{module}', which is not installed; run `make install`"
            )


def _probe(settings: Settings) -> None:
    """PlumblineError, within seconds, where nothing listens at an address: the libraries wait longer."""
    for host, port in filter(None, _addresses(settings)):
        try:
            socket.create_connection((host, port), SECONDS).close()
        except OSError as error:
            raise PlumblineError(
                f"{settings.place}: nothing answers at {host}:{port} ({error.strerror or error}); check "
                "that the server is up, and its address"
            ) from None


def _addresses(settings: Settings) -> Iterator[tuple[str, int] | None]:
    """Host and port of each server; a socket in the file system is left to the library."""
    online = settings.content["online_store"]
    if settings.kind == "redis":
        for part in str(online.get("connection_string", "localhost:6379")).split(","):
            if "=" not in part:
                yield _address(settings, part.strip(), 6379)
    else:
        yield _address(settings, f"{online.get('host')}:{online.get('port', 5432)}", 5432)
    parts = urlsplit(str(settings.content["registry"].get("path", "")))
    scheme = parts.scheme.partition("+")[0]
    if parts.hostname and scheme in PORTS:
        with suppress(ValueError):
            yield parts.hostname, parts.port or PORTS[scheme]


def _address(settings: Settings, text: str, default: int) -> tuple[str, int] | None:
    host, _, port = text.rpartition(":") if ":" in text else (text, "", str(default))
    if host.startswith("/"):
        return None
    if not host or not port.isdigit() or int(port) > 65_535:
        raise PlumblineError(
            f"{settings.place}: expected an address HOST:PORT, found {settings.redacted(text)!r}"
        )
    return host.strip("[]"), int(port)
