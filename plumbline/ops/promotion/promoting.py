"""`plumbline promote`: the steps one after the other, stopped at the first that fails, resumed after a kill. An edge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from plumbline import config
from plumbline.core.errors import PlumblineError, RefusedError
from plumbline.ops.promotion import (
    canary_step,
    champion_step,
    golden_step,
    load_step,
    promotion_checks,
    promotion_records,
    put_back,
    replace_step,
    shadow_step,
)
from plumbline.ops.promotion.promotion_document import Promotion, PromotionStatus, StepName
from plumbline.ops.promotion.promotion_run import PromotionOptions, PromotionRun
from plumbline.ops.rollback import journal
from plumbline.ops.serving import places, routing
from plumbline.repo import revisions
from plumbline.serve.promote_params import Promote
from plumbline.serve.routes.bundle_store import BundleStore
from plumbline.serve.routes.document import Routes

Progress = Callable[[str], None]
Step = Callable[[PromotionRun], None]
STEPS: Mapping[StepName, Step] = {
    "checks": promotion_checks.check,
    "golden": golden_step.check,
    "load": load_step.check,
    "shadow": shadow_step.watch,
    "canary": canary_step.watch,
    "replace": replace_step.replace,
    "champion": champion_step.crown,
}
NEW_PROCESS = "other features: a new process takes over"


def promote(
    root: Path, usecase: str, rev: str | None, options: PromotionOptions, progress: Progress
) -> Promotion:
    """Promote the bundle that `rev` (HEAD) records, or go on with a promotion that was interrupted.

    PlumblineError where it cannot begin, or another commit's is unfinished: nothing has changed then.
    """
    rules = config.load(usecase).serve.promote
    with promotion_records.alone(root, usecase):
        promotion = _unfinished(root, usecase, rev) or _new(root, usecase, rev or "HEAD")
        run = PromotionRun(root, rules, promotion, options, progress)
        if promotion.status == "already":
            return _already(run)
        promotion_records.save(root, promotion)
        return _walked(run)


def stop(root: Path, usecase: str, progress: Progress) -> Promotion:
    """End an unfinished promotion, and put the routes back. PlumblineError where there is none."""
    rules: Promote = config.load(usecase).serve.promote
    with promotion_records.alone(root, usecase):
        promotion = promotion_records.last(root, usecase)
        if promotion is None or promotion.ended:
            raise PlumblineError(f"{usecase}: no promotion is unfinished; there is nothing to stop")
        run = PromotionRun(root, rules, promotion, PromotionOptions(), progress)
        return _back(run, "stopped", "stopped by hand")


def _unfinished(root: Path, usecase: str, rev: str | None) -> Promotion | None:
    promotion = promotion_records.last(root, usecase)
    if promotion is None or promotion.ended:
        return None
    if rev is not None and revisions.commit(root, rev) != promotion.commit:
        raise PlumblineError(
            f"{usecase}: the promotion of {promotion.rev} ({promotion.commit[:9]}) is unfinished; go on with "
            f"`plumbline promote {usecase}`, or end it with `plumbline promote {usecase} --stop`, first"
        )
    return promotion


def _new(root: Path, usecase: str, rev: str) -> Promotion:
    commit = revisions.commit(root, rev)
    bundle = promotion_checks.recorded(root, usecase, commit, rev)
    routes = Routes.model_validate(routing.show(root, usecase)["routes"])
    already = routes.champion == bundle and not routes.challenged and not routes.canary
    return Promotion(
        id=promotion_records.next_id(root, usecase, commit),
        usecase=usecase,
        rev=rev,
        commit=commit,
        bundle=bundle,
        before=routes.champion,
        version=routes.version,
        who=journal.who(),
        began=promotion_records.now(),
        status="already" if already else "running",
    )


def _already(run: PromotionRun) -> Promotion:
    """It is the champion; the registry may be behind."""
    promotion = run.promotion
    model = BundleStore(places.folder(run.root, run.name)).model(promotion.bundle)
    outcome = champion_step.register(run.root, run.name, promotion.bundle, model, promotion.commit)
    return promotion.model_copy(update={"reason": f"it is the champion; registry: {outcome}"})


def _walked(run: PromotionRun) -> Promotion:
    if run.promotion.status == "failing":
        return _back(run, "failed", run.promotion.reason)
    for name, step in STEPS.items():
        if _done(run, name):
            continue
        try:
            run.begin(name)
            if reason := _skipped(run, name):
                run.end(name, "skipped", reason)
                continue
            step(run)
            run.end(name, "passed")
        except (PlumblineError, OSError) as error:
            return _failed(run, name, error)
    return _ended(run, "promoted", "")


def _done(run: PromotionRun, name: StepName) -> bool:
    step = run.promotion.step(name)
    return step is not None and step.status in ("passed", "skipped")


def _skipped(run: PromotionRun, name: StepName) -> str:
    """Why a step is left out; "" where it is not."""
    new = run.evidence("golden").get("definitions") == golden_step.NEW
    if name in ("shadow", "canary") and new:
        return NEW_PROCESS
    if name == "replace" and not new:
        return "features as the champion's"
    if name == "shadow" and not run.rules.shadow_events:
        return "serve.promote.shadow_events is 0"
    if name == "load" and not run.rules.load_test and run.options.load is None:
        return "none was asked for"
    return ""


def _failed(run: PromotionRun, name: StepName, error: Exception) -> Promotion:
    """Note the failure before the routes are put back: a kill in between goes on there."""
    reason = f"{name}: {error}"
    with suppress(OSError):  # a full disk does not keep the routes from being put back
        run.end(name, "failed", str(error))
        run.save(status="failing", reason=reason, refused=isinstance(error, RefusedError))
    return _back(run, "failed", reason)


def _back(run: PromotionRun, status: PromotionStatus, reason: str) -> Promotion:
    try:
        routes = put_back.put_back(run)
    except (PlumblineError, OSError) as error:
        with suppress(OSError):
            run.save(status="failing", reason=reason, routes=f"NOT put back: {error}")
        raise PlumblineError(
            f"{reason}; the routes are NOT put back: {error}; run `plumbline promote {run.name}` again, or press the "
            "red button"
        ) from None
    run.progress(f"routes: {routes}")
    return _ended(run, status, reason, routes)


def _ended(run: PromotionRun, status: PromotionStatus, reason: str, routes: str = "") -> Promotion:
    """In the audit log and the record; PlumblineError where the disk takes neither: what was done stays done."""
    try:
        promotion_records.audit(run.root, run.promotion, "end", status, reason)
        run.save(status=status, reason=reason, routes=routes)
    except OSError as error:
        raise PlumblineError(
            f"{run.name}: {status}{': ' if reason else ''}{reason}; routes: {routes or 'as promoted'}; it could not be "
            f"recorded ({error.strerror}): make room, and run `plumbline promote {run.name}` again"
        ) from None
    return run.promotion
