"""The prediction log of a project's service. An edge: looks at folders."""

from __future__ import annotations

from pathlib import Path

from plumbline.core.errors import PlumblineError, suggest
from plumbline.ops.serving import first_routes
from plumbline.serve.log import day_files
from plumbline.serve.log.reader import LogReader

LOG = "log"


def place(root: Path, usecase: str) -> Path:
    """Where the log of a use case lies."""
    return first_routes.folder(root, usecase) / LOG


def names(root: Path) -> list[str]:
    """The use cases that have a log."""
    services = root / first_routes.FOLDER
    logs = services.glob(f"*/{LOG}") if services.is_dir() else ()
    return sorted(log.parent.name for log in logs if day_files.listed(log))


def open_log(root: Path, usecase: str) -> LogReader:
    """The log of a use case; PlumblineError where nothing was served."""
    if not day_files.listed(place(root, usecase)):
        known = names(root)
        hint = suggest(usecase, known) if known else f"`plumbline serve {usecase}` begins one"
        raise PlumblineError(f"{place(root, usecase)}: no prediction log; {hint}")
    return LogReader(place(root, usecase))
