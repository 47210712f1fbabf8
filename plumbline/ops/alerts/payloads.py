"""A message as Slack's and Teams' payloads. Pure.

Text from data is placed only where neither interprets markup: Slack's rich text, Teams' text runs. So it
cannot become a mention, a link or a format.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from plumbline.core.safe_text import one_line, unlinked
from plumbline.ops.alerts.alert_blocks import AlertMessage
from plumbline.report.blocks import Block, Bullets, Heading, Text, Verdict

SLACK_BLOCKS, SLACK_HEADER = 50, 150
SLACK_BYTES = 12_000
TEAMS_BYTES = 25_000
"""Teams takes 28 KB; of Slack's limits this is well below the shortest."""
LINE = 1000
CUT = "… cut: too long for one message. The report has all of it."
Piece = dict[str, Any]
SCHEMA = "http://adaptivecards.io/schemas/adaptive-card.json"


def slack(alert: AlertMessage) -> Piece:
    """A header, then rich text; `text` is what a notification shows."""
    shown = alert.title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    parts = _fitting(alert.blocks, _slack_block, SLACK_BYTES)[:SLACK_BLOCKS]
    return {"text": unlinked(one_line(shown, LINE)), "blocks": parts}


def teams(alert: AlertMessage) -> Piece:
    """An adaptive card, as a workflow with a webhook trigger accepts it."""
    card = {
        "$schema": SCHEMA,
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": _fitting(alert.blocks, _teams_block, TEAMS_BYTES),
    }
    kind = "application/vnd.microsoft.card.adaptive"
    attachment = {"contentType": kind, "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


PAYLOADS: Mapping[str, Callable[[AlertMessage], Piece]] = {"slack": slack, "teams": teams}


def _fitting(
    blocks: Sequence[Block], render: Callable[[Block], list[Piece]], most: int
) -> list[Piece]:
    """As many parts of the blocks as fit, and a note where some do not."""
    parts: list[Piece] = []
    for block in blocks:
        more = render(block)
        if len(json.dumps([*parts, *more])) > most:
            return parts + render(Text(CUT))
        parts += more
    return parts


def _slack_block(block: Block) -> list[Piece]:
    match block:
        case Verdict():
            text = one_line(block.text, SLACK_HEADER)
            return [
                {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": False}}
            ]
        case Heading():
            return [_rich(_section(block.text, bold=True))]
        case Text():
            return [_rich(_section(block.text))]
        case Bullets():
            lines = [_section(line) for line in block.lines]
            return [_rich({"type": "rich_text_list", "style": "bullet", "elements": lines})]
    return []


def _rich(element: Piece) -> Piece:
    return {"type": "rich_text", "elements": [element]}


def _section(text: str, *, bold: bool = False) -> Piece:
    piece: Piece = {"type": "text", "text": one_line(text, LINE) or "–"}
    return {
        "type": "rich_text_section",
        "elements": [piece | ({"style": {"bold": True}} if bold else {})],
    }


def _teams_block(block: Block) -> list[Piece]:
    match block:
        case Verdict():
            colour = {"good": "Good", "bad": "Attention", "plain": "Warning"}[block.tone]
            return [_run(block.text, size="Large", weight="Bolder", color=colour)]
        case Heading():
            return [_run(block.text, size="Medium", weight="Bolder")]
        case Text():
            return [_run(block.text)]
        case Bullets():
            return [_run(f"• {line}") for line in block.lines]
    return []


def _run(text: str, **style: str) -> Piece:
    piece = {"type": "TextRun", "text": one_line(text, LINE) or "–", **style}
    return {"type": "RichTextBlock", "inlines": [piece]}
