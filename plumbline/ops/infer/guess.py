"""The inferred use case, as it is handed on: texts, section, evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Evidence:
    """A guess and what speaks for it."""

    subject: str  # a column, or a part of the declaration: key, time, label, entities, ...
    guess: str
    reason: str


@dataclass(frozen=True)
class RefusedGuess:
    """What was considered, and why it was not taken."""

    subject: str
    considered: str
    reason: str


@dataclass(frozen=True)
class Guess:
    """A use case inferred from one table.

    `modules`: the texts of its package by module, `__init__` among them. `section`: its part of params.yaml as
    values, `section_text` as commented YAML. `source_name`: the file's name in sources/<name>/.
    """

    name: str
    file: Path
    label: str
    problem: str
    modules: Mapping[str, str]
    section: Mapping[str, Any]
    section_text: str
    source_name: str
    evidence: tuple[Evidence, ...]
    refused: tuple[RefusedGuess, ...]

    @property
    def left_out(self) -> list[str]:
        """The columns that no feature uses, with the reason."""
        return [f"{e.subject}: {e.reason}" for e in self.evidence if e.guess == "left out"]


@dataclass
class Notes:
    """What is guessed and refused on the way."""

    evidence: list[Evidence] = field(default_factory=list)
    refused: list[RefusedGuess] = field(default_factory=list)

    def add(self, subject: str, guess: str, reason: str) -> None:
        """A guess and its reason."""
        self.evidence.append(Evidence(subject, guess, reason))

    def refuse(self, subject: str, considered: str, reason: str) -> None:
        """What was considered and not taken."""
        self.refused.append(RefusedGuess(subject, considered, reason))
