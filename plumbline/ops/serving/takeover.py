"""A new process of the checkout in the place of the running one, asked for by the control socket. An edge."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.model import bundle
from plumbline.ops.serving import places
from plumbline.serve.http import control
from plumbline.serve.routes.bundle_store import BundleStore

PATIENCE, PAUSE = 180.0, 0.2
"""Seconds in which the new process must answer, and between looks."""


def same_features(store: BundleStore, one: str, other: str) -> bool:
    """Whether two bundles of the store have the same features and row functions: one process can score by both."""
    return features(store.model(one)) == features(store.model(other))


def features(model: Path) -> tuple[Any, Any]:
    """What must be equal where one process scores by several bundles."""
    manifest, carried = bundle.described(model)
    return manifest.definitions, carried.functions if carried else None


def take_over(root: Path, patience: float = PATIENCE) -> int:
    """Let the running process start its successor, and wait until that answers; its process id.

    PlumblineError where it ends before, or takes too long: the old process serves on.
    """
    path = places.control(root)
    pid = _started(path)
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        stats = _stats(path)
        if stats.get("pid") == pid:
            return pid
        code = (stats.get("successor") or {}).get("code")
        if code is not None:
            raise PlumblineError(
                f"the new process ended with exit code {code}, and its message is in the service's log; the old one "
                "serves on"
            )
        time.sleep(PAUSE)
    raise PlumblineError(
        f"process {pid} did not take over within {patience:.0f} s; see the service's log"
    )


def _started(path: Path) -> int:
    """The new process's id; PlumblineError where the running service cannot start one."""
    try:
        return int(control.call(path, {"do": "replace"})["pid"])
    except PlumblineError as error:
        raise PlumblineError(
            f"the running service starts no successor ({error}): it is one of several processes, or of an older version; "
            "start it in this checkout: `plumbline serve --replace`"
        ) from None


def _stats(path: Path) -> dict[str, Any]:
    """What the process that listens says of itself; {} where none does: between two of them nobody listens."""
    with suppress(PlumblineError, OSError, ValueError):
        return control.call(path, {"do": "stats"}, timeout=10.0)
    return {}
