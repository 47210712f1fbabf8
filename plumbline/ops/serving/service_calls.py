"""Commands to a running service, and the red button. Imports next to nothing: a press takes the time that Python does.

The red button needs the control socket, or where no service runs, the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.ops.serving import places, press
from plumbline.serve.http import control


def sent(root: Path, request: Mapping[str, Any], timeout: float = 60.0) -> dict[str, Any] | None:
    """The running service's answer; None where none runs, or not of this use case. PlumblineError where it refuses."""
    path = places.control(root)
    if not control.running(path):
        return None
    try:
        answer = control.call(path, request, timeout)
    except TimeoutError:
        raise PlumblineError(
            f"{path}: the service has not answered within {timeout:g} s; end its process, and do this again: the "
            "document is changed then, and the next start takes it"
        ) from None
    return answer if answer.get("served") else None


def red_button(root: Path, usecase: str) -> dict[str, Any]:
    """Back to the champion before, at once; by `press`, where that came first."""
    pressed = press.taken(usecase)
    if pressed is not None:
        return _answered(root, usecase, pressed.answer)
    answer = sent(root, {"do": "red-button", "usecase": usecase}, timeout=10.0)
    if answer is not None:
        return answer
    return _on_disk(root, usecase)


def _answered(root: Path, usecase: str, answer: dict[str, Any] | None) -> dict[str, Any]:
    if answer is None:
        raise PlumblineError(
            f"{places.control(root)}: the red button was sent, and no answer came within {press.TIMEOUT:g} s; look at "
            f"`plumbline routes {usecase}` before you press again, as each press goes one further back; where that "
            "does not answer either, end the service's process"
        )
    if not answer.pop("ok", False):
        raise PlumblineError(str(answer.get("error")))
    return answer if answer.get("served") else _on_disk(root, usecase)


def _on_disk(root: Path, usecase: str) -> dict[str, Any]:
    from plumbline.ops.serving import route_documents

    return route_documents.red_button(root, usecase)


def canary(root: Path, usecase: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Start, stop or describe a canary; PlumblineError where no service runs."""
    answer = sent(root, {"do": "canary", "usecase": usecase, **request})
    if answer is None:
        raise PlumblineError(
            f"no service of {usecase} runs here, so there is no traffic to compare; start one with `plumbline serve "
            f"{usecase}`"
        )
    return answer


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
