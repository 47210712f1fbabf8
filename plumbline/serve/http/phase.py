"""What a process is doing: warming up, serving, or on its way out. One object, read by every answer."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass
from typing import Literal

Name = Literal["warming", "serving", "leaving"]


@dataclass
class Phase:
    """`leaving`: every answer closes its connection, so that clients go to whoever follows.

    `connections`: those that are open, which the server sets; `requests`: how many are in work.
    """

    name: Name = "warming"
    requests: int = 0
    connections: Sized = ()

    @property
    def ready(self) -> bool:
        """Whether new clients are welcome."""
        return self.name == "serving"
