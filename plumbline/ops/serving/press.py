"""The red button before anything else is imported: the request leaves as soon as Python runs.

The command line comes after, and prints the answer. Once a request has left it is never sent again: a second
press would go one champion further back.
"""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import Any

SOCKET = ".plumbline/serve/control.sock"
TIMEOUT = 10.0


@dataclass
class Press:
    """A press of this process. `answer`: None where the request left and no answer came."""

    usecase: str
    answer: dict[str, Any] | None = None


_pressed: list[Press] = []


def early(words: list[str]) -> None:
    """Press, where these words of the command line are a whole `red-button USECASE [--json FILE]`."""
    whole = len(words) == 2 or (len(words) == 4 and words[2] == "--json")
    if not whole or words[0] != "red-button" or words[1].startswith("-"):
        return
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with client:
        client.settimeout(TIMEOUT)
        try:
            client.connect(SOCKET)
        except OSError:
            return  # nobody serves here: the command says so, or changes the document
        press = Press(words[1])
        _pressed.append(press)
        request = {"do": "red-button", "usecase": words[1]}
        try:
            client.sendall(json.dumps(request).encode() + b"\n")
            with client.makefile("rb") as lines:
                press.answer = json.loads(lines.readline())
        except (OSError, ValueError):
            return


def taken(usecase: str) -> Press | None:
    """The press of this process, once."""
    return _pressed.pop() if _pressed and _pressed[-1].usecase == usecase else None
