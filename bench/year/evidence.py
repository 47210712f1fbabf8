"""What the rehearsal shows: each step with its day, its second and its evidence, as lines and as JSON."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path


@dataclass(frozen=True)
class Step:
    """A step of the loop: the simulated day, wall seconds since the beginning, and what shows it."""

    day: date
    seconds: float
    name: str
    evidence: str


@dataclass
class Diary:
    """The steps so far; each is printed as it happens."""

    began: float = field(default_factory=time.monotonic)
    steps: list[Step] = field(default_factory=list)

    def note(self, day: date, name: str, evidence: str) -> None:
        """Enter a step."""
        step = Step(day, round(time.monotonic() - self.began, 1), name, evidence)
        self.steps.append(step)
        print(f"{step.day} {step.seconds:7.1f} s  {name:18} {evidence}", flush=True)

    def seconds(self, first: str, last: str) -> float:
        """Wall seconds from the first step of a name to the last of another; NaN where one is missing."""
        starts = [s.seconds for s in self.steps if s.name == first]
        ends = [s.seconds for s in self.steps if s.name == last]
        return ends[-1] - starts[0] if starts and ends else float("nan")

    def write(self, path: Path) -> None:
        """The steps as JSON."""
        text = json.dumps([asdict(s) for s in self.steps], indent=1, default=str)
        path.write_text(text + "\n", encoding="utf-8")
