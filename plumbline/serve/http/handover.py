"""The change of processes: listening sockets go from the old one to the new one, and nothing is lost.

1. The new process loads everything, and asks by the control socket.
2. The old one sends its listening sockets (SCM_RIGHTS). From now on every answer closes its connection.
3. The old one stops accepting; new connections wait in the kernel. It answers all that it accepted, and
   closes its log.
4. The new one reads what the log has gained, and accepts.

Where the new process has died meanwhile, the old one accepts again.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.serve.http import control

TIMEOUT = 120.0
"""Seconds that the old process may take to answer what it accepted."""
MOST = 16
"""Listening sockets."""


@dataclass(frozen=True)
class Taken:
    """The listening sockets of a process that is about to end; `finish` waits until it has."""

    sockets: Sequence[socket.socket]
    pid: int
    connection: socket.socket

    def finish(self) -> None:
        """Return once nothing is in work in the old process; PlumblineError where it died before."""
        with self.connection, self.connection.makefile("rb") as lines:
            try:
                answer = json.loads(lines.readline() or b'{"ok": false, "error": "it ended"}')
            except (OSError, ValueError) as error:
                answer = {"ok": False, "error": str(error)}
        if not answer.get("ok"):
            raise PlumblineError(
                f"process {self.pid} did not hand over: {answer.get('error')}; its log is whole up to its last answer: "
                "start `plumbline serve` again"
            )


def take(path: Path) -> Taken:
    """Ask the running process for its sockets; PlumblineError where there is none, or it refuses."""
    connection = control.connected(path, TIMEOUT)
    connection.sendall(b'{"do": "handover"}\n')
    message, files, _, _ = socket.recv_fds(connection, 4096, MOST)
    sockets = [socket.socket(fileno=number) for number in files]
    first = json.loads(message.partition(b"\n")[0] or b"{}")
    if not sockets:
        raise PlumblineError(f"{path}: no socket was handed over: {first.get('error', 'it ended')}")
    for one in sockets:
        one.setblocking(False)
    return Taken(sockets, int(first["pid"]), connection)


def give(transport_socket: Any, sockets: Sequence[socket.socket]) -> None:
    """Send the listening sockets to the process at the other end of a control connection."""
    with _plain(transport_socket) as connection:
        text = json.dumps({"sockets": len(sockets), "pid": os.getpid()}).encode() + b"\n"
        socket.send_fds(connection, [text], [one.fileno() for one in sockets])


def waits(transport_socket: Any) -> bool:
    """Whether the other end still waits."""
    with _plain(transport_socket) as connection:
        try:
            return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False


def _plain(transport_socket: Any) -> socket.socket:
    return socket.socket(fileno=os.dup(transport_socket.fileno()))
