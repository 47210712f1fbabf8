"""What may come to a pull request: each is played, checked, and gives what a reviewer sees."""

from __future__ import annotations

from collections.abc import Callable

from tests.rehearsal import changes, mainline, merges, pins, posting
from tests.rehearsal.hub import Hub
from tests.rehearsal.reviews import Seen

SCENARIOS: tuple[Callable[[Hub], Seen], ...] = (
    *(changes.helps, changes.hurts, changes.feature, changes.drift, changes.bad_data),
    *(
        changes.failing_stage,
        changes.second_push,
        changes.fork,
        changes.no_key,
        changes.forged_lock,
    ),
    *(posting.stale_run, posting.many_comments, posting.with_cml, posting.cml_absent),
    *(posting.cml_failing, posting.read_only, posting.forged_artifact),
    *(posting.missing_artifact, posting.two_bases),
    *(pins.same_bytes, pins.other_outs),
    *(merges.merged, merges.merged_from_fork),
    *(mainline.first_push, mainline.red_main, mainline.released_branch, mainline.merge_queue),
)
