"""Whether a service runs here, and answers. An edge: a Unix socket."""

from __future__ import annotations

import os
import socket
import struct
from contextlib import closing
from pathlib import Path

from plumbline.ops.doctor.health import Health, ok, problem

SOCKET = Path(".plumbline") / "serve" / "control.sock"
SECONDS = 5.0
TITLE = "control socket"


def control(root: Path) -> tuple[int | None, Health]:
    """The service's process, None where none runs; and whether its control socket answers."""
    path = root / SOCKET
    if not path.exists():
        return None, ok(TITLE, "no service runs here")
    try:
        with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as client:
            client.settimeout(SECONDS)
            client.connect(os.path.relpath(path))
            pid = _peer(client)
            client.sendall(b'{"do": "stats"}\n')
            answered = client.recv(1)
    except (ConnectionRefusedError, FileNotFoundError):
        return None, ok(TITLE, f"no service runs here; {path} was left by one that was killed")
    except PermissionError:
        found = f"{path} is another user's, as whom the service runs"
        return None, problem(TITLE, found, "run the commands on routes as that user")
    except OSError as error:
        return None, problem(TITLE, f"{path}: {error.strerror or error}", _restart(None))
    if not answered:
        return pid, problem(TITLE, f"process {pid} does not answer", _restart(pid))
    return pid, ok(TITLE, f"the service answers (process {pid})")


def _restart(pid: int | None) -> str:
    which = f" {pid}" if pid else ""
    return f"see its log; end process{which} by SIGTERM and start it again"


def _peer(client: socket.socket) -> int:
    """Who listens at the other end."""
    size = struct.calcsize("3i")
    pid, _, _ = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(pid)
