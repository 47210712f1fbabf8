"""Whether a commit's bundle may be promoted at all: merged, accepted, recorded; and a service that can. An edge."""

from __future__ import annotations

from pathlib import Path

from plumbline.core.errors import PlumblineError, RefusedError
from plumbline.ops.hosting import accepted
from plumbline.ops.promotion.promotion_run import PromotionRun
from plumbline.ops.rollback import journal, plan
from plumbline.ops.serving import places
from plumbline.repo import revisions
from plumbline.serve.http import control
from plumbline.serve.routes.document import Routes


def check(run: PromotionRun) -> None:
    """RefusedError where git does not allow it; PlumblineError where the service cannot take it now."""
    promotion, rules = run.promotion, run.rules
    reason = refusal(run.root, promotion.commit, promotion.rev, rules.branch, rules.gated)
    if reason:
        raise RefusedError(reason)
    if journal.load(run.root):
        raise PlumblineError("a rollback was interrupted here; `plumbline rollback` ends it first")
    _refuse_several(run.root)
    free(run.routes())
    how = "accepted" if rules.gated else "merged"
    run.note("checks", commit=promotion.commit, branch=rules.branch, known_by=how)


def refusal(root: Path, commit: str, rev: str, branch: str, gated: bool) -> str | None:
    """Why a commit may not be promoted; None where it may."""
    if gated:
        reason = accepted.refusal(root, commit, branch, accepted.from_environment())
        return (
            reason
            and f"{reason}; or set serve.promote.gated to false, where being merged is enough"
        )
    if commit in accepted.history(root, accepted.known_branch(root, branch)):
        return None
    return f"{rev}: commit {commit[:10]} is not on the first-parent history of {branch}; merge it first"


def recorded(root: Path, usecase: str, commit: str, rev: str) -> str:
    """The md5 of the bundle in the commit's dvc.lock; PlumblineError where it has none."""
    out = plan.bundles(revisions.outs(root, commit)).get(usecase)
    if out is None:
        raise PlumblineError(
            f"{rev}: its dvc.lock records no bundle of {usecase}; `dvc repro`, and commit dvc.lock"
        )
    return out.md5


def bundles(root: Path, rev: str, against: str | None) -> dict[str, str]:
    """The md5 of each use case's bundle at a revision; of those that are others than `against` has, if given."""
    own, before = (
        {
            n: out.md5
            for n, out in plan.bundles(revisions.outs(root, revisions.commit(root, r))).items()
        }
        if r is not None
        else {}
        for r in (rev, against)
    )
    return {name: md5 for name, md5 in own.items() if before.get(name) != md5}


def free(routes: Routes) -> None:
    """PlumblineError where the routes are being changed by something else."""
    if routes.canary:
        raise PlumblineError("a canary is under way; `plumbline canary USECASE --stop` ends it")
    if routes.challenged:
        raise PlumblineError(
            "another bundle than the champion answers already; give the champion 100 % with `plumbline routes set`, "
            "or press the red button, first"
        )


def _refuse_several(root: Path) -> None:
    stats = control.call(places.control(root), {"do": "stats"})
    if stats.get("workers"):
        raise PlumblineError(
            "several processes serve, and a canary needs one that sees all answers; serve without --workers"
        )
