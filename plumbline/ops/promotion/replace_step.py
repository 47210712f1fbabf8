"""A challenger of other features: a new process of its checkout takes over from the running one. An edge."""

from __future__ import annotations

from plumbline.core.errors import RefusedError
from plumbline.ops.promotion.promotion_run import PromotionRun
from plumbline.ops.serving import takeover


def replace(run: PromotionRun) -> None:
    """Let it take over, once; PlumblineError where it does not come up: then the old one serves on."""
    if run.routes().champion != run.promotion.bundle:
        run.note("replace", pid=takeover.take_over(run.root))
        if run.routes().champion != run.promotion.bundle:  # it was routed here before
            run.change(action="switch", bundle=run.promotion.bundle)
    routes = run.routes()
    if routes.champion != run.promotion.bundle:
        raise RefusedError(
            f"the new process answers by {routes.champion}: is its commit checked out?"
        )
    run.note("replace", version=routes.version)
