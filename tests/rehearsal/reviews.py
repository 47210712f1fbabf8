"""A pull request's way from the push to the comment: what runs, and what a reviewer would see."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.rehearsal import workflows
from tests.rehearsal.hub import Hub
from tests.rehearsal.uses import git
from tests.rehearsal.workflows import Run

WORKFLOWS = ROOT / ".github" / "workflows"
COLOURS = {"success": "green", "failure": "red", "skipped": "grey"}


@dataclass
class Seen:
    """A pull request's comments as they stand, and the runs that led to them, the last ones."""

    number: int
    comments: list[str]
    runs: list[Run]

    def save(self, file: Path) -> None:
        """Write it as JSON."""
        file.write_text(json.dumps(asdict(self), default=str))

    @classmethod
    def load(cls, file: Path) -> Seen:
        """What was saved."""
        given = json.loads(file.read_text())
        return cls(given["number"], given["comments"], [Run.load(run) for run in given["runs"]])

    @property
    def comment(self) -> str:
        """The project's one comment."""
        ours = [c for c in self.comments if "CML watermark plumbline" in c]
        assert len(ours) == 1, f"{len(ours)} comments of ours\n{self.log()}"
        return ours[0]

    @property
    def review(self) -> workflows.Job:
        """The job that ran the change."""
        return self.runs[0].jobs["review"]

    def checks(self) -> dict[str, str]:
        """Each job's colour."""
        jobs = [(run, job) for run in self.runs for job in run.jobs.values()]
        return {f"{run.workflow}/{job.name}": COLOURS[job.result] for run, job in jobs}

    def log(self) -> str:
        """What every step printed."""
        return "\n".join(job.output() for run in self.runs for job in run.jobs.values())

    def summary(self, lines: int = 3) -> str:
        """For a person: the checks, and how the comment begins."""
        start = [c for c in self.comments if "CML watermark plumbline" in c] or [
            "(no comment of ours)"
        ]
        shown = [line for line in start[-1].splitlines() if line.strip()][:lines]
        checks = ", ".join(f"{name} {colour}" for name, colour in self.checks().items())
        return "\n".join([f"checks: {checks}", *(f"| {line}" for line in shown)])


def review(hub: Hub, event: Mapping[str, Any]) -> Seen:
    """Run the pull request's workflow, then the one that comments."""
    number = event["number"]
    ref = f"refs/pull/{number}/merge"
    head = event["pull_request"]["head"]["ref"]
    sha = git("rev-parse", ref, cwd=hub.origin)
    context = {"ref": ref, "sha": sha, "base_ref": "main", "head_ref": head}
    built = workflows.run(
        hub, WORKFLOWS / "pull-request.yml", "pull_request", dict(event), **context
    )
    return Seen(number, hub.api.bodies(number), [built]) if hub.mute else comment(hub, event, built)


def comment(hub: Hub, event: Mapping[str, Any], built: Run) -> Seen:
    """Run the workflow that comments, after a run of the pull request's."""
    number = event["number"]
    head = event["pull_request"]["head"]
    finished = {
        "id": built.number,
        "event": built.event_name,
        "conclusion": built.conclusion,
        "html_url": f"{hub.api.url}/{hub.api.repository}/actions/runs/{built.number}",
        "head_branch": head["ref"],
        "head_sha": head["sha"],
        "head_repository": head["repo"],
        "pull_requests": [],
    }
    report = {"workflow_run": finished, "repository": event["repository"]}
    ref = {"ref": "refs/heads/main", "sha": git("rev-parse", "main", cwd=hub.origin)}
    message = workflows.run(hub, WORKFLOWS / "comment.yml", "workflow_run", report, **ref)
    return Seen(number, hub.api.bodies(number), [built, message])


def replay(hub: Hub, event: Mapping[str, Any], earlier: Run) -> Run:
    """A run as it was in another place: its jobs and artifacts, for this pull request."""
    built = Run(hub.next_run(), earlier.workflow, earlier.event_name, dict(event), earlier.folder)
    built.folder = hub.folder / "runs" / str(built.number)
    shutil.copytree(earlier.folder / "artifacts", built.folder / "artifacts")
    built.jobs = earlier.jobs
    hub.runs[built.number] = built
    return built


def stable(text: str) -> str:
    """A comment without what no two runs share: commits, md5s, seconds, bytes."""
    text = re.sub(r"\b[0-9a-f]{40}\b", "0" * 40, text)
    text = re.sub(r"`?\b[0-9a-f]{32}\b`?(\.dir\b)?", "…", text)
    text = re.sub(r"(?<=<summary>Time and).*?(?=</details>)", _masked, text, flags=re.DOTALL)
    text = re.sub(r"\| CPU of .*\n.*", _masked, text)
    return re.sub(r" \\?\(`?[0-9a-f]{10}`?\\?\)", "", text)


def _masked(match: re.Match[str]) -> str:
    """A table's figures, each as one sign."""
    return re.sub(r"(?<=\| )[\d.,]+(?= \|)", "…", match[0])
