"""The trusted verdict as a commit's status on the host, for each branch that the commit may go into. An edge."""

from __future__ import annotations

from plumbline.core.safe_text import one_line, unlinked
from plumbline.ops.hosting.github import Answer, GitHub
from plumbline.review import verdict_line
from plumbline.review.comparison import Comparison

CONTEXT = "judged for {base}"
"""By branch: a commit that passes for one says nothing for another."""
LONGEST = 140
"""Characters of a description; GitHub answers 422 to more."""
GREEN = ("yes", "overridden")
MISSING = "the run left no comparison"


def post(hub: GitHub, sha: str, base: str, result: Comparison | None, page: str) -> Answer:
    """Set the status; `result` None: the run left no comparison. `page`: of the run that was judged."""
    text = verdict_line.verdict(result) if result else MISSING
    state = "success" if result and result.gate.verdict in GREEN else "failure"
    description = unlinked(one_line(text, LONGEST - 20))[:LONGEST]
    return hub.status(sha, state, CONTEXT.format(base=one_line(base, 100)), description, page)
