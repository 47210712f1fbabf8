"""What a command asks of the routes, the same for a running service and for a document on disk. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from plumbline.core.errors import PlumblineError, suggest
from plumbline.serve.routes import document
from plumbline.serve.routes.document import Arm, Routes

ChangeRequest = Mapping[str, Any]


def _add(routes: Routes, request: ChangeRequest) -> Routes:
    return document.with_arm(
        routes,
        Arm(name=request["name"], bundle=request["bundle"], mode=request.get("mode", "live")),
    )


def _set(routes: Routes, request: ChangeRequest) -> Routes:
    if routes.canary:
        raise PlumblineError(
            "a canary is under way, which sets the weights; end it with `plumbline canary USECASE --stop` first"
        )
    return document.with_weights(routes, request["weights"])


CHANGES: Mapping[str, Callable[[Routes, ChangeRequest], Routes]] = {
    "add": _add,
    "set": _set,
    "remove": lambda routes, request: document.without_arm(routes, request["name"]),
    "switch": lambda routes, request: document.to_bundle(routes, request["bundle"]),
    "red-button": lambda routes, _: document.red_button(routes),
}
"""By action: `add` an arm (name, bundle, mode), `set` weights, `remove` an arm (name), `switch` all to a bundle."""


def changed(routes: Routes, request: ChangeRequest) -> Routes:
    """The routes after an action; PlumblineError where it is unknown, lacks something, or cannot be."""
    action = str(request.get("action"))
    if action not in CHANGES:
        raise PlumblineError(f"routes: no action '{action[:40]}'; {suggest(action, CHANGES)}")
    try:
        return CHANGES[action](routes, request)
    except KeyError as missing:
        raise PlumblineError(f"routes {action}: expected {missing.args[0]}, found none") from None
    except (ValueError, TypeError, AttributeError) as error:
        first = " ".join(str(error).split())[:200]
        raise PlumblineError(f"routes {action}: not what it takes ({first})") from None


def words(request: ChangeRequest) -> str:
    """The action as the journal has it.

    >>> words({"action": "set", "weights": {"b": 5}})
    'set b=5'
    """
    action = str(request.get("action"))
    if action == "set":
        return "set " + ", ".join(f"{n}={w}" for n, w in request["weights"].items())
    named = (str(request[key]) for key in ("mode", "name", "bundle") if request.get(key))
    return " ".join([action, *named])
