"""The challenger as a canary of the running service, which watches it whatever becomes of this process. An edge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plumbline.core.errors import PlumblineError, RefusedError
from plumbline.ops.promotion.promotion_run import PromotionRun
from plumbline.ops.promotion.shadow_evidence import plan_of
from plumbline.ops.serving import service_calls
from plumbline.serve.routes import routes_file

Answer = Mapping[str, Any]
PASSED, ABORTED = "canary passed", "canary aborted"
UNWATCHED = "the service was started again, and nobody watched it"
REPAIRED = "was not watched to its end"
"""What the routes' journal says where a service starts and finds a canary."""
NO_VERDICT = ("no data: ", UNWATCHED)
"""Ends that say nothing of the challenger."""


def watch(run: PromotionRun) -> None:
    """Until the challenger answers all; RefusedError where it was worse, PlumblineError where nobody can tell."""
    ended = _ended(run) if "version" in run.evidence("canary") else None
    if ended is None:
        ended = _followed(run, _started(run))
    run.note("canary", steps=list(run.rules.steps), result=ended)
    if ended != PASSED:
        reason = ended.removeprefix(f"{ABORTED}: ")
        raise (PlumblineError if reason.startswith(NO_VERDICT) else RefusedError)(reason)


def _started(run: PromotionRun) -> Answer:
    """The service's answer, with our canary under way, or over."""
    bundle = run.promotion.bundle
    state = service_calls.canary(run.root, run.name, {})
    if _is_own(state, bundle):
        return state
    version = int(state["routes"]["version"])
    if state["routes"]["champions"][0] != run.promotion.before:
        raise RefusedError("the routes were changed by another command")
    run.note("canary", version=version)
    request = {"action": "start", "bundle": bundle, "plan": plan_of(run.rules).plain()}
    return service_calls.canary(run.root, run.name, request)


def _followed(run: PromotionRun, state: Answer) -> str:
    """How it ended."""
    step = None
    while _is_own(state, run.promotion.bundle) and state["canary"]["status"] == "running":
        if state["canary"]["step"] != step:
            step = state["canary"]["step"]
            run.progress(f"canary: at {state['canary']['plan']['steps'][step]} %")
        run.wait()
        state = service_calls.canary(run.root, run.name, {})
    one = state["canary"]
    if one is None or one["challenger"] != run.promotion.bundle:
        return _ended(run) or f"{ABORTED}: {UNWATCHED}"
    run.note("canary", lines=one["lines"])
    return PASSED if one["status"] == "passed" else f"{ABORTED}: {one['reason']}"


def _ended(run: PromotionRun) -> str | None:
    """How the canary that was noted ended, by the journal of the routes; None: it runs, or never began."""
    began = int(run.evidence("canary")["version"])
    history = routes_file.history(run.store.folder)
    later = [one for one in history if one.routes.version > began]
    bundle, canaries = run.promotion.bundle, [one.routes.canary for one in later]
    ours = [i for i, canary in enumerate(canaries) if canary and canary.challenger == bundle]
    after = later[ours[-1] + 1 :] if ours else []
    if not after:
        return None
    what = after[0].what
    if what.startswith((PASSED, ABORTED)):
        return what
    return f"{ABORTED}: {UNWATCHED if REPAIRED in what else what}"


def stop(run: PromotionRun) -> None:
    """End our canary, where it runs."""
    try:
        state = service_calls.canary(run.root, run.name, {})
    except PlumblineError:
        return  # without a service there is none: its next start returns to the champion
    if _is_own(state, run.promotion.bundle) and state["canary"]["status"] == "running":
        service_calls.canary(run.root, run.name, {"action": "stop"})


def _is_own(state: Answer, bundle: str) -> bool:
    mark = state["routes"]["canary"]
    return mark is not None and mark["challenger"] == bundle
