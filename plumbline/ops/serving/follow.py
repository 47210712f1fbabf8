"""Services brought to the checkout's bundles, after a rollback: running ones at once, others at their next start.

What it needs is imported with it, so that it works where `git checkout` took its own code away.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.ops.serving import places, routing, takeover
from plumbline.serve.routes import routes_file
from plumbline.serve.routes.bundle_store import BundleStore


def served(root: Path) -> list[str]:
    """The use cases that were ever served here."""
    files = (routes_file.FILE, routes_file.JOURNAL)
    base = root / places.FOLDER
    return sorted({path.parent.name for file in files for path in base.glob(f"*/{file}")})


def follow(root: Path, progress: Callable[[str], None]) -> list[str]:
    """Route every use case that was ever served to the checkout's bundle; those that could not be, each named."""
    refused = []
    for name in served(root):
        try:
            line = _moved(root, name)
        except (PlumblineError, OSError) as error:
            refused.append(name)
            line = f"{name} is NOT moved: {error}"
        progress(f"serving: {line}")
    return refused


def _moved(root: Path, name: str) -> str:
    for module in [m for m in sys.modules if m.partition(".")[0] == "usecases"]:
        del sys.modules[module]  # of the commit before
    md5 = routing.bring(root, name, None)
    state = routing.show(root, name)
    running = "notes" not in state
    where = "the running service" if running else "no service runs, the document"
    live = [a for a in state["routes"]["arms"] if a["weight"]]
    if {a["bundle"] for a in live} == {md5} and not state["routes"]["canary"]:
        return f"{name}: {where} has bundle {md5} already"
    store = BundleStore(places.folder(root, name))
    if running and not takeover.same_features(store, md5, state["routes"]["champions"][0]):
        return f"{name}: a new process took over, {_taken_over(root, name, md5)}"
    after = routing.change(root, name, {"action": "switch", "bundle": md5})
    unwritten = f"; not on disk yet: {after['unwritten']}" if after.get("unwritten") else ""
    return f"{name}: {where} is switched to bundle {md5}{unwritten}"


def _taken_over(root: Path, name: str, md5: str) -> str:
    """Features are others: a process of this checkout, which answers by its bundle. PlumblineError where it does not."""
    pid = takeover.take_over(root)
    if routing.show(root, name)["routes"]["champions"][0] != md5:
        routing.change(root, name, {"action": "switch", "bundle": md5})
    champion = routing.show(root, name)["routes"]["champions"][0]
    if champion != md5:
        raise PlumblineError(f"process {pid} answers by {champion}, expected {md5}")
    return f"process {pid} answers by bundle {md5}"
