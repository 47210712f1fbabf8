"""What a service says of itself: its routes, its model, its figures."""

from __future__ import annotations

from typing import Any

from plumbline.serve.requests.parts import Parts
from plumbline.serve.routes.router import Router


def routes(router: Router) -> dict[str, Any]:
    """The arms, and the champion's model."""
    now, loaded = router.routes, router.current.loaded
    champion = loaded[now.champion]
    manifest = champion.scorer.bundle.manifest
    return {
        "problem": manifest.problem,
        "champion": now.champion,
        "definitions": champion.definitions,
        "features": list(manifest.order),
        "threshold": manifest.threshold.value if manifest.threshold else None,
        "provenance": dict(manifest.provenance),
        "route_version": now.version,
        "arms": [
            {"name": a.name, "bundle": a.bundle, "weight": a.weight, "mode": a.mode}
            for a in now.arms
        ],
    }


def figures(parts: Parts) -> dict[str, Any]:
    """How state, log and shadows stand."""
    status, shadows = parts.log.status, parts.live.shadows
    return {
        "watermark": parts.state.watermark,
        "last_sequence": parts.log.last_sequence,
        "log": {
            "broken": status.broken,
            "appended": status.appended,
            "waiting": status.waiting,
            "unlogged_requests": status.unlogged_requests,
        },
        "shadows": {
            "waiting": len(shadows),
            "scored": dict(shadows.scored),
            "dropped": dict(shadows.dropped),
            "failed": dict(shadows.failed),
        },
        "live_check": parts.live_check.state.model_dump(mode="json") if parts.live_check else None,
    }
