"""The report on a finished run: which pull requests it is for, the comment, the commit's status. An edge.

A comparison that is refused, or is not there, is said so in the same places: the report of an earlier commit
does not stay as if it were of this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.ops.hosting import comments, heads, statuses
from plumbline.ops.hosting.comments import RunOrigin
from plumbline.ops.hosting.github import Answer, GitHub
from plumbline.review import artifact as artifacts
from plumbline.review.comparison import Comparison


def post(hub: GitHub, root: Path, artifact: Path, run: RunOrigin) -> Iterator[str]:
    """Report on each pull request of the run's head, a line for each.

    PlumblineError, after it was reported, where the comparison is refused; ForbiddenError where the token may
    only read.
    """
    pulls = hub.pull_requests(run.owner, run.branch, run.sha)
    try:
        result = artifacts.read(artifact) if artifact.exists() else None
    except PlumblineError as error:
        _refuse(hub, pulls, run, str(error))
        raise
    addressed = _addressed(hub, pulls, run, result)
    if not addressed:
        name = f" and its base at {result.base.name}" if result and pulls else ""
        yield f"no open pull request has its head at {run.sha[:10]}{name}: nothing to say"
    for pull in addressed:
        try:
            how = _report(hub, root, pull, run, (result, artifact))
        except artifacts.RefusedArtifactError as error:
            _refuse(hub, [pull], run, str(error))
            raise
        yield f"pull request {pull['number']}: {how}"


def _addressed(
    hub: GitHub, pulls: Sequence[Answer], run: RunOrigin, result: Comparison | None
) -> list[Answer]:
    if result:
        return comments.of_base(pulls, result.base.name)
    return comments.without_report(hub, pulls, run.sha)


def _report(
    hub: GitHub, root: Path, pull: Answer, run: RunOrigin, found: tuple[Comparison | None, Path]
) -> str:
    base, (result, artifact) = str(pull["base"]["ref"]), found
    judged = heads.judged(root, result, base, run.sha, hub.token) if result else None
    text = artifacts.report(judged, artifact) if judged else comments.missing(run)
    link = comments.data_pages(hub, run)
    text = f"{text.rstrip()}\n\n{link}" if link else text
    statuses.post(hub, run.sha, base, judged, run.page)
    return comments.post(hub, int(pull["number"]), text, run.sha)


def _refuse(hub: GitHub, pulls: Sequence[Answer], run: RunOrigin, why: str) -> None:
    """Say on each pull request of the head that there is no comparison that counts."""
    for pull in pulls:
        statuses.post(hub, run.sha, str(pull["base"]["ref"]), None, run.page)
        comments.post(hub, int(pull["number"]), comments.refused(run, why), run.sha)
