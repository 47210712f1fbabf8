"""Real servers on loopback in temporary folders, for the tests that need one: PostgreSQL, Redis."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

PLACES = ("/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/bin")


@contextmanager
def postgresql() -> Iterator[str]:
    """Its SQLAlchemy address (psycopg) while the block runs; the test is skipped where it is not
    installed. It listens on 127.0.0.1 only, with a password. As root it runs as the user postgres."""
    with tempfile.TemporaryDirectory(prefix="pg-") as name:
        folder, port = Path(name), _free_port()
        secret = folder / "password"
        secret.write_text("wallaby")
        _own(folder, secret)
        where = ["-D", str(folder / "db")]
        _call(
            "initdb",
            *where,
            "-U",
            "tester",
            f"--pwfile={secret}",
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
        )
        options = (
            f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        )
        _call("pg_ctl", *where, "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql+psycopg://tester:wallaby@127.0.0.1:{port}/postgres"
        finally:
            _call("pg_ctl", *where, "-w", "-m", "immediate", "stop")


@contextmanager
def redis() -> Iterator[str]:
    """Its address with a password, as Feast writes it, while the block runs; nothing is kept on disk.

    The test is skipped where it is not installed."""
    binary = shutil.which("redis-server")
    if not binary:
        pytest.skip("redis-server is not installed; apt-get install redis-server")
    with tempfile.TemporaryDirectory(prefix="redis-") as name:
        port = _free_port()
        words = [binary, "--bind", "127.0.0.1", "--port", str(port), "--requirepass", "wombat"]
        words += ["--save", "", "--appendonly", "no", "--dir", name]
        server = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        try:
            _wait_for(port)
            yield f"127.0.0.1:{port},password=wombat"
        finally:
            server.kill()
            server.wait()


def _wait_for(port: int) -> None:
    for _ in range(1200):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError(f"nothing answers on port {port}")


def _binary(name: str) -> str:
    result = shutil.which(name)
    newest = [p for place in PLACES for p in Path("/").glob(f"{place[1:]}/{name}")]
    if not result and not newest:
        pytest.skip(f"PostgreSQL ({name}) is not installed; apt-get install postgresql")
    return result or str(sorted(newest)[-1])


def _call(name: str, *words: str) -> None:
    user = {"user": "postgres"} if os.geteuid() == 0 else {}
    done = subprocess.run([_binary(name), *words], stdout=subprocess.DEVNULL, cwd="/", **user)
    assert done.returncode == 0, f"{name} failed"


def _own(folder: Path, *files: Path) -> None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() == 0:
        _binary("initdb")  # before the user is asked for, which the package makes
        for path in (folder, *files):
            shutil.chown(path, "postgres")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
