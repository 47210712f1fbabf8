"""`remote`: take the DVC remote from DVC_REMOTE_URL, as a workflow does; without one, nothing is shared."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from plumbline.hosting import remote

URL = "DVC_REMOTE_URL"


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("remote", help=f"set the DVC remote to {URL}, for this clone only")
    parser.set_defaults(run=run)


def run(_chosen: argparse.Namespace) -> None:
    """Write .dvc/config.local; its credentials come from the remote's own variables."""
    url = os.environ.get(URL, "").strip()
    file = remote.use(Path("."), url)
    if url:
        print(f"{file}: the remote is that of {URL}; what it sends is hashed")
    else:
        print(f"::notice::{URL} is not set: no remote, everything is computed here")
