"""A challenger of other features: a new process of its checkout takes over from the running one. An edge."""

from __future__ import annotations

from plumbline.core.errors import PlumblineError
from plumbline.ops.promotion.promotion_run import PromotionRun


def replace(run: PromotionRun) -> None:
    """Let the checkout's process take over; PlumblineError where it does not come up: the old one serves on."""
    raise PlumblineError(f"{run.promotion.rev}: not possible yet")
