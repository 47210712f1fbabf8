"""What a run of a workflow leaves: its jobs, their steps, and what each printed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Step:
    """One step's name, its outcome (success, failure, skipped) and what it printed."""

    name: str
    outcome: str
    output: str = ""


@dataclass
class Job:
    """One job: `result` is its check's colour."""

    name: str
    result: str = "success"
    steps: list[Step] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    workspace: Path = Path()

    def step(self, name: str) -> Step:
        """The step of this name."""
        return next(s for s in self.steps if s.name == name)

    def output(self) -> str:
        """All that its steps printed."""
        return "\n".join(f"--- {s.name}: {s.outcome}\n{s.output}" for s in self.steps)


@dataclass
class Run:
    """One run of a workflow, and the artifacts that it left."""

    number: int
    workflow: str
    event_name: str
    event: dict[str, Any]
    folder: Path
    jobs: dict[str, Job] = field(default_factory=dict)

    @classmethod
    def load(cls, given: dict[str, Any]) -> Run:
        """A run of what JSON kept of its fields."""
        given["folder"] = Path(given["folder"])
        for job in (jobs := given["jobs"]).values():
            job["steps"] = [Step(**step) for step in job["steps"]]
            job["workspace"] = Path(job["workspace"])
        given["jobs"] = {name: Job(**job) for name, job in jobs.items()}
        return cls(**given)

    @property
    def conclusion(self) -> str:
        """success, failure or skipped."""
        results = {job.result for job in self.jobs.values()}
        return (
            "failure" if "failure" in results else "success" if "success" in results else "skipped"
        )
