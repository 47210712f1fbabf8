"""The yardstick: a server on the same stack that decodes a body, scores nothing, and answers.

`python -m plumbline.studies.loadtest.echo PORT` serves on loopback: what HTTP and JSON cost on this machine now.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from plumbline.core.errors import PlumblineError

SECONDS = 20.0


@contextmanager
def serving() -> Iterator[tuple[str, int]]:
    """An echo on a free port of this machine while the block runs: its address and process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    words = [sys.executable, "-m", "plumbline.studies.loadtest.echo", str(port)]
    process = subprocess.Popen(words, env=os.environ, stdin=subprocess.DEVNULL)
    try:
        _wait(process, port)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise PlumblineError("the echo did not start; run without it: --no-echo")


def serve(port: int) -> None:
    """Serve on loopback until a signal ends it."""
    import msgspec
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    decode, encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode

    async def answer(request: Request) -> Response:
        events = decode(await request.body())["events"]
        return Response(encode({"answers": [{"score": 0.5}] * len(events)}), 200, HEADERS)

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])
    uvicorn.run(
        app, host="127.0.0.1", port=port, loop="uvloop", http="httptools", log_level="error",
        access_log=False, lifespan="off",
    )  # fmt: skip


HEADERS = {"content-type": "application/json"}

if __name__ == "__main__":
    serve(int(sys.argv[1]))
