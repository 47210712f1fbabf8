"""What writes the answers of each arm: made once per arm and bundle."""

from __future__ import annotations

from plumbline.serve.online.answers import AnswerWriter
from plumbline.serve.routes.router import LoadedArm

MOST = 100
"""Writers that are kept; most are of routes that are long gone."""


class Writers:
    """The answer writers of a use case; `key`: the contract's key column."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._made: dict[tuple[str, str], AnswerWriter] = {}

    def of(self, arm: LoadedArm) -> AnswerWriter:
        """The writer of an arm's answers."""
        place = (arm.name, arm.bundle)
        made = self._made.get(place)
        if made is None:
            if len(self._made) >= MOST:
                self._made.clear()
            model = arm.loaded.scorer.bundle
            made = self._made[place] = AnswerWriter(self._key, model, arm.name, arm.bundle)
        return made
