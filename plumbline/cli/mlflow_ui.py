"""`mlflow-ui`: MLflow's pages on this machine, over the runs that the stages recorded."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from typing import Any


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("mlflow-ui", help="open MLflow's pages over the recorded runs")
    parser.add_argument("--port", type=int, default=5000)
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Serve until interrupted; loopback only, since the server has no authentication."""
    from plumbline.tracking import projection as tracking

    store = tracking.address()
    words = ["-m", "mlflow", "ui", "--host", "127.0.0.1", "--port", str(chosen.port)]
    return subprocess.call([sys.executable, *words, "--backend-store-uri", store], env=os.environ)
