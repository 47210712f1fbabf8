"""Changes of routes from the command line: by a running service, or on disk where none runs. An edge.

The red button needs nothing but the control socket, or the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from plumbline.core import usecase_loader
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.ops.serving import bundles
from plumbline.ops.serving.first_routes import FOLDER, folder
from plumbline.serve.http import control
from plumbline.serve.routes import changes, document, routes_file
from plumbline.serve.routes.arms import Arms
from plumbline.serve.routes.bundle_store import BundleStore
from plumbline.serve.routes.document import Routes

SOCKET = "control.sock"
NOBODY = "no service runs: the document was changed, and the next start takes it"


def sent(root: Path, request: Mapping[str, Any], timeout: float = 60.0) -> dict[str, Any] | None:
    """The running service's answer; None where none runs, or not of this use case. PlumblineError where it refuses."""
    path = root / FOLDER / SOCKET
    if not control.running(path):
        return None
    answer = control.call(path, request, timeout)
    return answer if answer.get("served") else None


def show(root: Path, usecase: str) -> dict[str, Any]:
    """The routes, and what a running service says of them."""
    answer = sent(root, {"do": "routes", "usecase": usecase})
    return answer if answer is not None else _state(*_read(root, usecase))


def change(root: Path, usecase: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Change the routes (`changes`); where no service runs on disk, once all new bundles are admitted."""
    answer = sent(root, {"do": "routes", "usecase": usecase, **asked})
    return answer if answer is not None else _on_disk(root, usecase, asked)


def red_button(root: Path, usecase: str) -> dict[str, Any]:
    """Back to the champion before, at once."""
    answer = sent(root, {"do": "red-button", "usecase": usecase}, timeout=10.0)
    return answer if answer is not None else _on_disk(root, usecase, {"action": "red-button"})


def canary(root: Path, usecase: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Start, stop or describe a canary; PlumblineError where no service runs."""
    answer = sent(root, {"do": "canary", "usecase": usecase, **asked})
    if answer is None:
        raise PlumblineError(
            f"no service of {usecase} runs here, so there is no traffic to compare; start one with `plumbline serve "
            f"{usecase}`"
        )
    return answer


def bring(root: Path, usecase: str, name: str | None) -> str:
    """Put a bundle into the service's store; its md5."""
    place = folder(root, usecase)
    return bundles.bring(root, usecase_loader.load_features(usecase), BundleStore(place), name)


def lines(state: Mapping[str, Any]) -> Iterator[str]:
    """An answer as a person reads it."""
    yield from state["lines"]
    for name, counts in state.get("shadows", {}).items():
        yield f"after answers, {name}: " + ", ".join(f"{n:,} {key}" for key, n in counts.items())
    if state.get("canary"):
        yield from state["canary"]["lines"]
    yield from state.get("notes", ())
    if state.get("unwritten"):
        yield (
            f"not on disk yet: {state['unwritten']}; it answers by these routes already, and goes on trying to write "
            "them"
        )


def _on_disk(root: Path, usecase: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    place = folder(root, usecase)
    with routes_file.alone(place):
        routes, _ = _read(root, usecase)
        if routes.canary and asked.get("action") != "red-button":  # nobody watches it any more
            routes = document.to_bundle(routes, routes.champion)
        new = changes.changed(routes, asked)
        added = {a.bundle for a in new.arms} - {a.bundle for a in routes.arms}
        if asked.get("action") != "red-button":
            _admit(usecase_loader.load_features(usecase), place, added)
        routes_file.write(place, routes_file.entry(new, changes.words(asked)))
    return _state(new, (NOBODY,))


def _admit(usecase: FeatureSet, place: Path, md5s: set[str]) -> None:
    arms = Arms(usecase, BundleStore(place))
    for md5 in sorted(md5s):
        arms.admit(md5)


def _read(root: Path, usecase: str) -> tuple[Routes, tuple[str, ...]]:
    place = folder(root, usecase)
    known = routes_file.read(place)
    if known.routes is None:
        raise PlumblineError(
            f"{place / routes_file.FILE}: no routes of {usecase} yet; its first `plumbline serve {usecase}` makes them"
        )
    return known.routes, known.notes


def _state(routes: Routes, notes: tuple[str, ...]) -> dict[str, Any]:
    return {"routes": routes.plain(), "lines": list(document.lines(routes)), "notes": notes}
