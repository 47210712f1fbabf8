"""Where a service keeps what it needs, below the project's root. Git ignores it."""

from __future__ import annotations

from pathlib import Path

FOLDER = ".plumbline/serve"
SOCKET = "control.sock"


def folder(project: Path, name: str) -> Path:
    """Where a service of the use case keeps its routes, bundles, log and state."""
    return project / FOLDER / name


def log(project: Path, name: str) -> Path:
    """The prediction log of a use case."""
    return folder(project, name) / "log"


def state(project: Path, name: str) -> Path:
    """The checkpoint of the online state."""
    return folder(project, name) / "state"


def features_state(project: Path, name: str, features: str) -> Path:
    """The checkpoint of the state of other features, by the md5 of their definitions."""
    return state(project, name) / features


def control(project: Path) -> Path:
    """The socket by which a running service is changed."""
    return project / FOLDER / SOCKET


def worker(project: Path, name: str) -> Path:
    """The control socket of one of several processes."""
    return project / FOLDER / f"{name}.sock"


def figures(project: Path, pid: int) -> Path:
    """Where the processes that this one started put their counters together."""
    return project / FOLDER / f"figures-{pid}"
