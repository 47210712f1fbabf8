"""The routes as they were before a promotion that failed or was stopped. An edge; each part can be done twice."""

from __future__ import annotations

from plumbline.ops.promotion import canary_step, shadow_step
from plumbline.ops.promotion.promotion_run import PromotionRun
from plumbline.ops.serving import routing
from plumbline.serve.routes.document import Routes


def put_back(run: PromotionRun) -> str:
    """End our canary, remove our shadow, and let the champion before answer; what was done. PlumblineError where that fails."""
    promotion, done = run.promotion, []
    canary_step.stop(run)
    routes = _now(run)
    if any(a.name == shadow_step.ARM and a.bundle == promotion.bundle for a in routes.arms):
        run.change(action="remove", name=shadow_step.ARM)
        done.append("the shadow is removed")
    routes = _now(run)
    if promotion.bundle in {a.bundle for a in routes.live if a.weight}:
        run.change(action="switch", bundle=promotion.before)
        done.append(f"{promotion.before} answers all again")
    elif routes.version != promotion.version and not done:
        done.append(f"{routes.champion} answers all")
    return "; ".join(done) or "untouched"


def _now(run: PromotionRun) -> Routes:
    """Of the running service, or on disk where none runs."""
    return Routes.model_validate(routing.show(run.root, run.name)["routes"])
