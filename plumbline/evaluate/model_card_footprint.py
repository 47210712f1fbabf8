"""The model card's section on size and work of the bundle. Pure."""

from __future__ import annotations

from plumbline.model.footprint import Footprint
from plumbline.report.blocks import Block, Heading, Table, Text
from plumbline.report.numbers import count, figure


def section(footprint: Footprint | None) -> list[Block]:
    """What the bundle costs to keep and to ask, as counts that are the same on every machine."""
    if footprint is None:
        return []
    one = footprint
    text = (
        f"{count(one.trees, 'tree')} of {figure(one.nodes)} nodes, {one.depth} deep at most, over {one.used} of "
        f"{count(one.features, 'feature')}. The yardstick is 100 full trees of depth 6, XGBoost's default. Seconds are "
        "no part of the card, as they are never the same twice: `plumbline compare` and MLflow have them."
    )
    rows = [
        ("trees on disk, bytes", figure(one.bytes), _times(one.size)),
        ("nodes in memory, bytes", figure(one.node_bytes), _times(one.memory)),
        ("splits that a row passes through", figure(one.visits), _times(one.work)),
    ]
    return [
        Heading("Size and work"),
        Text(text),
        Table("The bundle beside the yardstick", ("what", "figure", "times the yardstick"), rows),
    ]


def _times(ratio: float) -> str:
    return f"{ratio:.2f}"
