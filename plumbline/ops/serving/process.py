"""The process `plumbline serve`: settings checked, use cases loaded, sockets bound or taken over, then served."""

from __future__ import annotations

import gc
import ipaddress
import logging
import resource
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plumbline import config
from plumbline.core.errors import ParamsError, PlumblineError
from plumbline.ops.serving import compose, lean, places
from plumbline.ops.serving.compose import Prepared, Setting
from plumbline.ops.serving.running import Running
from plumbline.ops.serving.successor import Successor
from plumbline.serve.clock import Kind
from plumbline.serve.http import control, gauges, handover, metrics, server, tokens
from plumbline.serve.http.control import Control
from plumbline.serve.http.endpoint import Gate
from plumbline.serve.http.phase import Phase
from plumbline.serve.http.rate import Rate
from plumbline.serve.http.server import Listening
from plumbline.serve.params import PROCESS, Serve

log = logging.getLogger("plumbline")
FILES = 65_536
"""Open files, at most."""


@dataclass(frozen=True)
class Start:
    """How a process is started. `replace`: take over from the one that runs; `exposed`: other machines may
    reach it without a token.
    """

    names: Sequence[str]
    overrides: Mapping[str, Any]
    clock: Kind = "system"
    replace: bool = False
    exposed: bool = False
    writer: str = ""

    @property
    def takeover(self) -> list[str]:
        """The words of `plumbline serve` for a process that takes over from this one, on its socket."""
        given = {k: v for k, v in self.overrides.items() if v is not None and k != "port"}
        options = [word for k, v in given.items() for word in (f"--{k.replace('_', '-')}", str(v))]
        exposed = ["--exposed"] if self.exposed else []
        return [*self.names, "--replace", "--clock", self.clock, *options, *exposed]


@dataclass(frozen=True)
class Loaded:
    """A process that is warm: everything but the sockets, the log and the routes."""

    own: Serve
    entrance: Gate
    tls: ssl.SSLContext | None
    prepared: Sequence[Prepared]

    def serve(
        self, sockets: Sequence[socket.socket], by: Path, successor: Successor | None = None
    ) -> None:
        """Until the end; `by`: the control socket; `successor`: may be started by it."""
        own = self.own
        with ExitStack() as held:
            metrics = self.entrance.metrics
            services = {one.usecase.name: one.open(held, metrics) for one in self.prepared}
            for one in services.values():
                gauges.register(metrics, one.parts)
            listening = Listening(sockets, self.tls, own.lame_duck, own.body_timeout)
            slices = [one.slice for one in self.prepared]
            process = Running(services, self.entrance, listening, Control(by), slices, successor)
            gc.collect()
            gc.freeze()
            log.info("ready: %s", process.address)
            server.run(lambda: process.serve(held))


def run(project: Path, start: Start) -> None:
    """Serve until SIGTERM, Ctrl-C, or a successor; PlumblineError where that cannot begin."""
    own = checked(project, start)
    loaded = load(project, start)
    taken = handover.take(places.control(project)) if start.replace else None
    sockets = taken.sockets if taken else [bound(own)]
    if taken:
        warn_of_other_address(own, sockets)
        taken.finish()
    successor = Successor(project, start.takeover)
    loaded.serve(sockets, places.control(project), successor)
    successor.stay()


def warn_of_other_address(own: Serve, taken: Sequence[socket.socket]) -> None:
    """The socket that was taken over stays where it is."""
    port = taken[0].getsockname()[1]
    if own.port not in (0, port):
        log.warning(
            "port %d: the running service's socket is on port %d and stays there", own.port, port
        )


def checked(project: Path, start: Start) -> Serve:
    """The process's settings; PlumblineError where it cannot be started so."""
    settings = read(start)
    own = settings[start.names[0]]
    gate(own, start.exposed)
    tls(own)
    path = places.control(project)
    if control.running(path) != start.replace:
        raise PlumblineError(_wrong_start(path, start.replace))
    return own


def load(project: Path, start: Start) -> Loaded:
    """Everything slow. No library that nothing here uses is imported by this process any more."""
    lean.refuse()
    _allow_files()
    settings = read(start)
    own = settings[start.names[0]]
    setting = Setting(start.clock, start.replace, start.writer)
    prepared = [compose.prepare(project, n, settings[n], setting) for n in start.names]
    return Loaded(own, gate(own, start.exposed, start.writer), tls(own), prepared)


def _allow_files() -> None:
    """A connection is a file: as many as the system lets this user have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if most == resource.RLIM_INFINITY else min(most, FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def read(start: Start) -> dict[str, Serve]:
    """The settings of each use case; ParamsError where they cannot share a process."""
    settings = {}
    for name in start.names:
        section = config.load(name).serve
        settings[name] = Serve.model_validate({**section.model_dump(), **start.overrides})
    first, *others = settings
    for other in others:
        for key in PROCESS:
            own, its = getattr(settings[first], key), getattr(settings[other], key)
            if own != its:
                raise ParamsError(
                    f"params.yaml, {other}.serve.{key}: got {its!r}, expected {own!r} as for {first}: one process "
                    "serves both; set it in `serve` at the top, or serve them apart"
                )
    return settings


def gate(own: Serve, exposed: bool, process: str = "") -> Gate:
    """What stands before every answer; PlumblineError where other machines could reach a service that asks for no token."""
    known = tokens.read(Path(own.token_file)) if own.token_file else None
    if known is None and not exposed and not _is_loopback(own.host):
        raise PlumblineError(
            f"host {own.host}: other machines can reach it, and no token is needed; name a file with tokens in "
            "serve.token_file, or start with --exposed where something in front of it asks who comes"
        )
    rate = Rate(own.rate, own.burst, time.monotonic) if own.rate else None
    counters = metrics.Metrics(process)
    return Gate(Phase(), counters, known, rate, own.max_body, own.max_connections)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def tls(own: Serve) -> ssl.SSLContext | None:
    """The certificate and its key; PlumblineError where they are none."""
    if own.tls_cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(own.tls_cert, own.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise PlumblineError(
            f"serve.tls_cert {own.tls_cert}, serve.tls_key {own.tls_key}: expected a certificate and its key in PEM "
            f"({error})"
        ) from None
    return context


def bound(own: Serve) -> socket.socket:
    """The listening socket; PlumblineError where the address is taken, or not this machine's."""
    try:
        return server.bind(own.host, own.port)
    except OSError as error:
        raise PlumblineError(
            f"{own.host}, port {own.port}: it cannot be bound ({error.strerror}); choose another with --port, or "
            "end what listens there"
        ) from None


def _wrong_start(path: Path, replace: bool) -> str:
    if replace:
        return f"{path}: no service is running here that could be replaced; leave out --replace"
    return f"{path}: a service is running here; take over from it with --replace, or end it with SIGTERM"
