"""`plumbline agent`: on the server, brings what was merged and accepted into the running service. An edge: git, DVC.

Nobody needs a key to the server: it asks git for the branch, and decides by the rules of its own checkout.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from plumbline import config
from plumbline.core.documents import Document
from plumbline.core.errors import PlumblineError
from plumbline.ops.hosting import accepted
from plumbline.ops.promotion import golden_step, promoting, promotion_checks, promotion_records
from plumbline.ops.promotion.promotion_document import Promotion, PromotionStatus
from plumbline.ops.promotion.promotion_run import PromotionOptions
from plumbline.ops.rollback import restore
from plumbline.ops.serving import places, routing
from plumbline.repo import dvc_command, object_stores
from plumbline.runtime import git
from plumbline.serve.promote_params import Promote
from plumbline.serve.routes.bundle_store import BundleStore

Progress = Callable[[str], None]
ORIGIN = "origin"
SERVED = ("features", "train", "evaluate")
"""The stages whose outs a service starts from."""


class AgentResult(Document):
    """What a look came to, for one use case. `status`: of its promotion; "refused": it was refused before."""

    usecase: str
    commit: str
    bundle: str
    status: PromotionStatus | None = None
    refused: bool = False
    reason: str = ""


class AgentReport(Document):
    """A look at git, and what followed."""

    results: tuple[AgentResult, ...]

    @property
    def code(self) -> int:
        """2 where something was in the way, 1 where a challenger is refused, else 0."""
        codes = [0 if r.status != "failed" else 1 if r.refused else 2 for r in self.results]
        return max(codes, default=0)


@dataclass(frozen=True)
class Candidate:
    """A use case, and the commit that its service is to answer by."""

    usecase: str
    commit: str
    bundle: str
    champion: str


def look(root: Path, names: Sequence[str], progress: Progress) -> AgentReport:
    """Fetch, and promote what is new, one use case after the other. PlumblineError where git cannot be asked."""
    results = []
    for name in names:
        rules = config.load(name).serve.promote
        commit = newest(root, rules)
        _refuse_rewritten(root, name, rules)
        results.append(_brought(root, candidate(root, name, commit), progress))
    return AgentReport(results=tuple(results))


def newest(root: Path, rules: Promote) -> str:
    """The newest commit of the branch that may be promoted; PlumblineError where there is none."""
    own = f"refs/remotes/{ORIGIN}/{rules.branch}"
    git.output(root, "fetch", "-q", "--no-tags", ORIGIN, f"+refs/heads/{rules.branch}:{own}")
    with suppress(PlumblineError):  # a host that keeps results of runs has no such ref
        git.output(root, "fetch", "-q", "--no-tags", ORIGIN, f"+{accepted.REF}:{accepted.REF}")
    commits = accepted.history(root, own)
    if not rules.gated:
        return commits[0]
    known = accepted.newest(root, commits, rules.branch, accepted.from_environment())
    if known is None:
        raise PlumblineError(
            f"{ORIGIN}/{rules.branch}: no commit was accepted yet; its run of main.yml, or who runs the gate elsewhere, "
            f"says so ({accepted.REF})"
        )
    return known


def candidate(root: Path, name: str, commit: str) -> Candidate:
    """What the commit has for a use case, and what answers now."""
    bundle = promotion_checks.recorded(root, name, commit, commit[:9])
    state = routing.show(root, name)
    if not state.get("served"):
        raise PlumblineError(
            f"no service of {name} runs here; start it with `plumbline serve {name}`"
        )
    return Candidate(name, commit, bundle, str(state["routes"]["champions"][0]))


def _refuse_rewritten(root: Path, name: str, rules: Promote) -> None:
    """PlumblineError where the branch does not have what was promoted last: its history was rewritten."""
    done = [p for p in promotion_records.known(root, name) if p.status == "promoted"]
    history = accepted.history(root, accepted.known_branch(root, rules.branch))
    if done and done[-1].commit not in history:
        raise PlumblineError(
            f"{ORIGIN}/{rules.branch} no longer has {done[-1].commit[:9]}, which was promoted last: its history was "
            f"rewritten; where that is right, promote by hand: `plumbline promote {name} REV`"
        )


def _brought(root: Path, one: Candidate, progress: Progress) -> AgentResult:
    last = promotion_records.last(root, one.usecase)
    if last is not None and not last.ended:
        return _result(
            one, promoting.promote(root, one.usecase, None, PromotionOptions(), progress)
        )
    if one.champion == one.bundle:
        return AgentResult(
            usecase=one.usecase, commit=one.commit, bundle=one.bundle, status="already"
        )
    before = _refused(root, one)
    if before:
        return AgentResult(
            usecase=one.usecase,
            commit=one.commit,
            bundle=one.bundle,
            reason=f"refused before: {before}",
        )
    if _definitions(root, one) == golden_step.NEW:
        return _replaced(root, one, progress)
    return _result(
        one, promoting.promote(root, one.usecase, one.commit, PromotionOptions(), progress)
    )


def _result(one: Candidate, promotion: Promotion) -> AgentResult:
    return AgentResult(
        usecase=one.usecase, commit=promotion.commit, bundle=promotion.bundle, status=promotion.status,
        refused=promotion.refused, reason=promotion.reason,
    )  # fmt: skip


def _refused(root: Path, one: Candidate) -> str:
    """Why this bundle is not tried again by itself: a rule refused it, or somebody took it out."""
    known = promotion_records.known(root, one.usecase)
    own = [p for p in known if p.bundle == one.bundle]
    promoted = [p for p in known if p.status == "promoted"]
    if promoted and promoted[-1].bundle == one.bundle:
        return "it was promoted last, and another bundle answers since"
    if own and (own[-1].refused or own[-1].status == "stopped"):
        return own[-1].reason
    return ""


def _definitions(root: Path, one: Candidate) -> str:
    store = BundleStore(places.folder(root, one.usecase))
    return golden_step.kind_of(root, one.usecase, one.commit, store.model(one.champion))


def _replaced(root: Path, one: Candidate, progress: Progress) -> AgentResult:
    """Check the commit out and let its own code promote it; where that fails, back to the commit before."""
    restore.refuse_dirty(root)
    head = restore.head(root)
    try:
        _check_out(root, one.commit, one.usecase)
        code, error = _command(root, one)
        promotion = promotion_records.last(root, one.usecase)
        assert promotion is not None
        result = _result(one, promotion)
    except PlumblineError as problem:
        code, error = 2, str(problem)
    if code == 0:
        progress(f"{one.usecase}: a new process of {one.commit[:9]} answers")
        return result
    _check_out(root, head.branch or head.commit, one.usecase)
    return AgentResult(
        usecase=one.usecase,
        commit=one.commit,
        bundle=one.bundle,
        status="failed",
        refused=code == 1,
        reason=error,
    )


def _check_out(root: Path, rev: str, name: str) -> None:
    """Code, and the outs that a service starts from."""
    git.output(root, "checkout", "-q", rev)
    stages = [f"{stage}@{name}" for stage in SERVED]
    if object_stores.settings(root).default:
        dvc_command.check(root, "fetch", "-q", *stages)
    dvc_command.check(root, "checkout", "-q", "--force", *stages)


def _command(root: Path, one: Candidate) -> tuple[int, str]:
    """`plumbline promote --replace` by the code that is checked out now; its exit code, and its last line."""
    words = [sys.executable, "-m", "plumbline", "promote", one.usecase, one.commit, "--replace"]
    done = subprocess.run(words, cwd=root, capture_output=True, text=True, check=False)
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return done.returncode, lines[-1] if lines else "no message"
