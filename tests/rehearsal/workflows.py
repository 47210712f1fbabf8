"""Runs a workflow file of .github/workflows job by job and step by step, as GitHub's runner does.

Each job gets a folder of its own and the variables and files that a runner gives (GITHUB_ENV, _PATH,
_OUTPUT, _STEP_SUMMARY); `if:`, `env:`, `needs:`, outputs and `${{ }}` are evaluated; the token may
write only what the job's `permissions` say. `uses:` steps become functions of `tests/rehearsal/uses.py`;
an unknown action, key or expression is refused. SUBSTITUTES names the only commands that do not run
as they stand: what installs (this Python is lent, or one over it), and the tests (they would run themselves).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tests.rehearsal.hub import Hub
from tests.rehearsal.records import Job, Run
from tests.rehearsal.runner import Runner, needed

__all__ = ["Job", "Run", "run"]


def run(hub: Hub, file: Path, event_name: str, event: dict[str, Any], **github: Any) -> Run:
    """Run a workflow for an event; `github` overrides of that context (ref, sha, base_ref, ...)."""
    workflow = yaml.load(file.read_text(), Loader=yaml.BaseLoader)  # noqa: S506 (texts only: `on` is no boolean)
    built = Run(hub.next_run(), workflow["name"], event_name, event, hub.folder / "runs")
    built.folder = hub.folder / "runs" / str(built.number)
    built.folder.mkdir(parents=True)
    (built.folder / "event.json").write_text(json.dumps(event))
    todo = dict(workflow["jobs"])
    while todo:
        ready = [n for n, j in todo.items() if not set(needed(j)) & todo.keys()]
        assert ready, f"{file.name}: jobs that need one another"
        for name in ready:
            built.jobs[name] = Runner(hub, built, workflow, name, github).run(todo.pop(name))
    hub.runs[built.number] = built
    hub.ended(file.name, event_name, built.conclusion, github)
    return built
