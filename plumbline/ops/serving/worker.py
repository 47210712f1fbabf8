"""One of several processes that serve together: `python -m plumbline.ops.serving.worker FD JSON`.

It loads everything, says so by the socket FD, and waits there for the listening sockets.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.core.safe_text import log_lines
from plumbline.ops.serving import places, process
from plumbline.ops.serving.process import Start
from plumbline.runtime import runner

READY = b"ready\n"
MOST = 16
"""Listening sockets."""


def main(number: str, text: str) -> int:
    """The exit code: 0 where it ended as it was to, 2 with one message on standard error."""
    runner.prepare()
    start = Start(**json.loads(text))
    project = Path(".")
    try:
        with socket.socket(fileno=int(number)) as channel:
            loaded = process.load(project, start)
            channel.sendall(READY)
            _, files, _, _ = socket.recv_fds(channel, 1, MOST)
            sockets = [socket.socket(fileno=one) for one in files]
            if sockets:  # else whoever started it has gone
                threading.Thread(target=_end_with, args=(channel,), daemon=True).start()
                loaded.serve(sockets, places.worker(project, start.writer))
    except PlumblineError as error:
        sys.stderr.write(log_lines(f"plumbline serve, {start.writer}: {error}") + "\n")
        return PlumblineError.exit_code
    return 0


def _end_with(channel: socket.socket) -> None:
    """End as on SIGTERM once whoever started this process has gone, however that ended."""
    with suppress(OSError):
        channel.recv(1)
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    sys.exit(main(*sys.argv[1:]))
