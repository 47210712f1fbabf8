"""The routes that an experiment sets, of a running service or on disk. An edge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from plumbline.ops.experiments.experimenting import Project
from plumbline.ops.serving import routing


def set_weights(project: Project, shares: Mapping[str, int]) -> dict[str, Any]:
    """Set the weights of the routes; the routes since then."""
    request = {"action": "set", "weights": dict(shares)}
    routes: dict[str, Any] = routing.change(project.root, project.usecase.name, request)["routes"]
    return routes


@contextmanager
def kept(project: Project, shares: Mapping[str, int]) -> Iterator[None]:
    """These weights from now on; as before where the block fails, unless somebody changed the routes meanwhile."""
    before = _now(project)
    after = set_weights(project, shares)
    with ExitStack() as undo:
        undo.callback(_put_back, project, before, after)
        yield
        undo.pop_all()


def _put_back(project: Project, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Set the weights of before, unless the routes are no longer those of after."""
    if _now(project)["version"] == after["version"]:
        live = [arm for arm in before["arms"] if arm["mode"] == "live"]
        set_weights(project, {arm["name"]: arm["weight"] for arm in live})


def _now(project: Project) -> dict[str, Any]:
    routes: dict[str, Any] = routing.show(project.root, project.usecase.name)["routes"]
    return routes
