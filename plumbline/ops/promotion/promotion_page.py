"""A promotion as Markdown: for a job's page, or a comment. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from plumbline.ops.promotion.promotion_document import Promotion, PromotionStep, figures
from plumbline.report import markdown
from plumbline.report.blocks import Block, Facts, Table, Tone, Verdict

TONES: dict[str, Tone] = {"promoted": "good", "already": "good", "failed": "bad", "failing": "bad"}
COLUMNS = ("step", "result", "evidence")


def page(promotion: Promotion) -> str:
    """The whole page."""
    return markdown.comment(list(_blocks(promotion)))


def _blocks(promotion: Promotion) -> Iterator[Block]:
    reason = f": {promotion.reason}" if promotion.reason else ""
    verdict = f"{promotion.usecase}, {promotion.rev}: {promotion.status}{reason}"
    yield Verdict(verdict, TONES.get(promotion.status, "plain"))
    yield Facts(
        [
            ("commit", promotion.commit[:10]),
            ("bundle", promotion.bundle),
            ("champion before", promotion.before),
            *([("routes", promotion.routes)] if promotion.routes else []),
        ]
    )
    if promotion.steps:
        rows = [[s.name, s.status, _evidence(s)] for s in promotion.steps]
        yield Table("Steps", COLUMNS, rows)


def _evidence(step: PromotionStep) -> str:
    shown = [f"{name} {value}" for name, value in figures(step)]
    return "; ".join([*([step.reason] if step.reason else []), *shown])
