"""The challenger is the champion: it alone answers, and MLflow's alias follows. An edge."""

from __future__ import annotations

from pathlib import Path

from plumbline.core.errors import PlumblineError, RefusedError
from plumbline.ops.promotion.promotion_run import PromotionRun
from plumbline.ops.rollback import registry

BEHIND = "behind"


def crown(run: PromotionRun) -> None:
    """Check that the routes say so, and point the alias; a registry that is down is noted."""
    bundle = run.promotion.bundle
    routes = run.routes()
    if routes.champion != bundle or routes.challenged or routes.canary:
        raise RefusedError("the routes were changed by another command")
    outcome = register(run.root, run.name, bundle, run.store.model(bundle), run.promotion.commit)
    run.note("champion", version=routes.version, registry=outcome)
    if outcome.startswith(BEHIND):
        run.progress(f"registry: {outcome}")


def register(root: Path, name: str, md5: str, model: Path, commit: str) -> str:
    """Point MLflow's champion at the bundle; what came of it."""
    if registry.off():
        return "off"
    try:
        return f"version {registry.promote(root, name, md5, model, commit)}"
    except (PlumblineError, OSError) as error:
        return f"{BEHIND}: {error}; `plumbline promote {name} {commit[:9]}` again moves it"
