"""`comment ARTIFACT.json --event EVENT.json`: one comment on the pull request that a run was for.

The half that may write: it trusts the event, which the host wrote, and nothing of the artifact.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from plumbline.ops.hosting import comments, github
from plumbline.ops.hosting.github import ForbiddenError
from plumbline.review import artifact


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("comment", help="post a comparison on its pull request")
    parser.add_argument("artifact", type=Path, metavar="ARTIFACT.json", help="of the run")
    parser.add_argument(
        "--event", type=Path, required=True, metavar="EVENT.json", help="the workflow_run event"
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Check, render, find the pull request, post; a token that may only read is a warning."""
    origin = comments.origin(chosen.event)
    text = artifact.rendered(chosen.artifact)
    hub = github.from_environment()
    pull = hub.pull_request(origin.owner, origin.branch, origin.sha)
    if pull is None:
        print(f"::notice::no open pull request has its head at {origin.sha[:10]}: nothing to say")
        return
    try:
        how = comments.post(hub, int(pull["number"]), text, origin.sha)
    except ForbiddenError as error:
        print(f"::warning::the report is in the other job's summary only: {error}")
        return
    print(f"pull request {pull['number']}: {how}")
