"""`plumbline mlflow-ui` serves MLflow's pages over what was recorded, on this machine only."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.project import environment


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def fetch(address: str, seconds: float) -> str:
    """The page, as soon as the server answers."""
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                return answer.read().decode()
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


@pytest.mark.capability("E2")
def test_the_pages_open(tmp_path: Path) -> None:
    port = free_port()
    words = [sys.executable, "-m", "plumbline", "mlflow-ui", "--port", str(port)]
    server = subprocess.Popen(
        words,
        cwd=tmp_path,
        env=environment(ROOT),
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert "<title>MLflow</title>" in fetch(f"http://127.0.0.1:{port}/", 120)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(120)
