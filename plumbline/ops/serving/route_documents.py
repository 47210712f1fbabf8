"""The routes on disk, shown and changed while no service runs. An edge; imports little, for the red button."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.ops.serving import places
from plumbline.serve.routes import changes, document, routes_file
from plumbline.serve.routes.document import Routes

NOBODY = "no service runs: the document was changed, and the next start takes it"
RED_BUTTON = "red-button"


def show(root: Path, usecase: str) -> dict[str, Any]:
    """The routes, and how they were read."""
    return _state(*_read(root, usecase))


def change(
    root: Path, usecase: str, request: Mapping[str, Any], admit: Callable[[set[str]], None]
) -> dict[str, Any]:
    """Change the document, once the new bundles are admitted; PlumblineError where a service runs."""
    place = places.folder(root, usecase)
    _read(root, usecase)
    with routes_file.alone(place):
        routes, _ = _read(root, usecase)
        if routes.canary and request["action"] != RED_BUTTON:  # nobody watches it any more
            routes = document.to_bundle(routes, routes.champion)
        new = changes.changed(routes, request)
        admit({a.bundle for a in new.arms} - {a.bundle for a in routes.arms})
        routes_file.write(place, routes_file.entry(new, changes.words(request)))
    return _state(new, (NOBODY,))


def red_button(root: Path, usecase: str) -> dict[str, Any]:
    """Back to the champion before; no bundle is looked at before the next start."""
    return change(root, usecase, {"action": RED_BUTTON}, lambda _: None)


def _read(root: Path, usecase: str) -> tuple[Routes, tuple[str, ...]]:
    place = places.folder(root, usecase)
    known = routes_file.read(place)
    if known.routes is None:
        raise PlumblineError(
            f"{place / routes_file.FILE}: no routes of {usecase} yet; its first `plumbline serve {usecase}` makes them"
        )
    return known.routes, known.notes


def _state(routes: Routes, notes: tuple[str, ...]) -> dict[str, Any]:
    return {"routes": routes.plain(), "lines": list(document.lines(routes)), "notes": notes}
