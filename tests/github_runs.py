"""What the stand-in for GitHub says of workflow runs.

Checked against GitHub's REST documentation, "List workflow runs for a workflow" (actions/workflow-runs): the
workflow is an id or a file's name; `branch`, `event` and `status` filter, `status` by a conclusion, too; the
answer is an object with `total_count` and `workflow_runs`, the newest first; pages by the header Link.
"""

from __future__ import annotations

from typing import Any

Entry = dict[str, Any]
ROUTE = r"actions/workflows/([^/]+)/runs"


def entry(workflow: str, sha: str, conclusion: str, event: str, branch: str) -> Entry:
    """A run as GitHub lists it, as far as the project reads it."""
    return {
        "path": f".github/workflows/{workflow}",
        "head_sha": sha,
        "head_branch": branch,
        "event": event,
        "status": "completed",
        "conclusion": conclusion,
    }


def listed(state: Any, path: tuple[str, ...], query: dict[str, list[str]], _: Any) -> Entry:
    """The runs that the filters leave."""
    wanted = {
        "path": f".github/workflows/{path[0]}",
        **{own: query[key][0] for own, key in FILTERS.items() if key in query},
    }
    runs = [run for run in reversed(state.runs) if wanted.items() <= run.items()]
    return {"total_count": len(runs), "workflow_runs": runs}


FILTERS = {"head_branch": "branch", "event": "event", "conclusion": "status"}
