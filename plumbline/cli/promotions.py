"""Commands that bring a merged model into a running service."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Annotated

import typer

from plumbline.cli.options import (
    CommandGroup,
    Json,
    Usecase,
    Usecases,
    duration,
    keep_json,
    keep_text,
    say,
)

group = CommandGroup("Serving")

log = logging.getLogger("plumbline")

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
        "--replace",
        help="Let a new process take over where the commit has other features or another contract.",
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


EveryOption = Annotated[str, typer.Option(metavar="TIME", help="Time between looks: 30s, 5m, 1h.")]
OnceOption = Annotated[
    bool, typer.Option("--once", help="Look once, and end with what came of it.")
]


@group.command("agent", "", "my_table --every 5m", "--once --json agent.json")
def agent(
    usecase: Usecases = None,
    every: EveryOption = "60s",
    once: OnceOption = False,
    json: Json = None,
) -> int:
    """On the server: promote what was merged and accepted, as `promote` does.

    Asks git's remote `origin` for the branch of `serve.promote` and, where its newest accepted commit has another
    bundle than the service, promotes that; a commit with other features is checked out, and a new process takes
    over. A bundle that was refused is not tried again. All use cases that are served here if none is named. With
    --once it exits with 1 if a challenger is refused, with 2 if something was in the way.
    """
    from plumbline.core.errors import PlumblineError
    from plumbline.ops.promotion import pull_agent
    from plumbline.ops.serving import follow

    root, pause = Path("."), duration("--every", every)
    names = list(usecase or []) or follow.served(root)
    if not names:
        raise PlumblineError("nothing was served here yet; start with `plumbline serve`")
    while True:
        try:
            report = pull_agent.look(root, names, lambda line: say([line]))
            say(f"{r.usecase}: {r.commit[:9]}: {r.status or r.reason}" for r in report.results)
            keep_json(json, report)
            if once:
                return report.code
        except (PlumblineError, OSError) as error:
            if once:
                raise
            log.warning("%s", error)
        time.sleep(pause)


AgainstOption = Annotated[
    str | None,
    typer.Option(metavar="REV", help="Only those that are others than at this revision."),
]
NamesOption = Annotated[bool, typer.Option("--names", help="Print the use cases' names alone.")]
CommitArgument = Annotated[str, typer.Argument(metavar="REV", help="A revision; HEAD if omitted.")]


@group.command("bundles", "", "model-v2 --against model-v1", "--against main~1 --names")
def bundles(
    rev: CommitArgument = "HEAD",
    against: AgainstOption = None,
    names: NamesOption = False,
    json: Json = None,
) -> None:
    """List the bundles that a commit's dvc.lock records, by use case."""
    from plumbline.ops.promotion import promotion_checks

    listed = promotion_checks.bundles(Path("."), rev, against)
    say(name if names else f"{name}: {md5}" for name, md5 in listed.items())
    keep_json(json, {"bundles": listed})
