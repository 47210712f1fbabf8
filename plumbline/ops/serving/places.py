"""Where a service keeps what it needs, below the project's root. Git ignores it."""

from __future__ import annotations

from pathlib import Path

from plumbline.ops.serving import first_routes

SOCKET = "control.sock"


def log(project: Path, name: str) -> Path:
    """The prediction log of a use case."""
    return first_routes.folder(project, name) / "log"


def state(project: Path, name: str) -> Path:
    """The checkpoint of the online state."""
    return first_routes.folder(project, name) / "state"


def control(project: Path) -> Path:
    """The socket by which a running service is changed."""
    return project / first_routes.FOLDER / SOCKET
