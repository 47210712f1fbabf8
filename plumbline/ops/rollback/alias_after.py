"""MLflow's champion after the red button: the alias follows what answers now, where that can be done. An edge."""

from __future__ import annotations

from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.ops.rollback import journal, plan, registry
from plumbline.ops.rollback.plan import CHAMPION

REASON = "red button"


def follow(root: Path, usecase: str, md5: str) -> str:
    """Point the alias at the bundle's version; what came of it. The routes are moved already, whatever this says."""
    if registry.off():
        return "nothing to do: MLflow is off"
    try:
        known = plan.with_md5(registry.versions(root, usecase), md5)
        if known is None:
            return f"not moved: MLflow has no version of bundle {md5}"
        if CHAMPION not in known.aliases:
            registry.point(root, usecase, known.number)
            entry = journal.transition(usecase, known.number, md5, CHAMPION, REASON)
            journal.append(root, entry.model_dump())
    except (PlumblineError, OSError) as error:
        return f"not moved: {error}"
    return f"{CHAMPION} is version {known.number}"
