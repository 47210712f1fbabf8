"""Commands that bring a merged model into a running service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plumbline.cli.options import CommandGroup, Json, Usecase, keep_json, keep_text, say

group = CommandGroup("Serving")

RevArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="REV", help="A merged commit; HEAD, or the unfinished promotion's, if omitted."
    ),
]
StatusOption = Annotated[bool, typer.Option("--status", help="Show the last promotion.")]
StopOption = Annotated[
    bool, typer.Option("--stop", help="End the unfinished promotion, and put the routes back.")
]
ReplaceOption = Annotated[
    bool,
    typer.Option(
        "--replace", help="Let a new process take over where the commit has other features."
    ),
]
LoadOption = Annotated[
    Path | None,
    typer.Option(
        "--load", metavar="FILE", help="Record of a load test of the bundle, as evidence."
    ),
]
MarkdownOption = Annotated[
    Path | None, typer.Option("--markdown", metavar="FILE", help="Write the steps to FILE as text.")
]


@group.command(
    "promote",
    "my_table",
    "my_table model-v2 --load load.json --json promotion.json --markdown promotion.md",
    "my_table --status",
    "my_table --stop",
)
def promote(
    usecase: Usecase,
    rev: RevArgument = None,
    status: StatusOption = False,
    stop: StopOption = False,
    replace: ReplaceOption = False,
    load: LoadOption = None,
    json: Json = None,
    markdown: MarkdownOption = None,
) -> int:
    """Bring a merged commit's bundle to champion: golden events, shadow, canary, champion.

    Stops at the first step that fails and puts the routes back. Each step, with its evidence, is entered into the
    audit log. After a kill, run it again: it goes on where it was. The rules are in params.yaml, `serve.promote`.
    Exits with 1 if a step refuses the challenger, with 2 if something was in the way.
    """
    from plumbline.core.errors import PlumblineError
    from plumbline.ops.promotion import (
        promoting,
        promotion_document,
        promotion_page,
        promotion_records,
    )
    from plumbline.ops.promotion.promotion_run import PromotionOptions

    root = Path(".")
    if (status or stop) and (rev or (status and stop)):
        raise PlumblineError("promote: --status and --stop take no REV, and not each other")
    if status:
        known = promotion_records.last(root, usecase)
        say(promotion_document.lines(known) if known else [f"{usecase}: nothing was promoted here"])
        keep_json(json, known or {"usecase": usecase, "status": "none"})
        return 0
    if stop:
        promotion = promoting.stop(root, usecase, lambda line: say([line]))
    else:
        options = PromotionOptions(load=load, replace=replace)
        promotion = promoting.promote(root, usecase, rev, options, lambda line: say([line]))
    keep_json(json, promotion)
    keep_text(markdown, promotion_page.page(promotion))
    if promotion.status == "failed" and not promotion.refused:
        raise PlumblineError(f"{usecase}: {promotion.reason}; routes: {promotion.routes}")
    say([next(promotion_document.lines(promotion))])
    return int(promotion.status == "failed")
