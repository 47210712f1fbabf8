"""The command that scores served rows again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plumbline.cli.options import CommandGroup, Json, Usecase, day, keep_json, say

group = CommandGroup("Serving")


Days = Annotated[
    str | None,
    typer.Option(metavar="FIRST:LAST", help="UTC days of receipt, both included; all if omitted."),
]
WhatIfModel = Annotated[
    str | None,
    typer.Option(
        metavar="BUNDLE",
        help="What if this bundle had answered: a revision, an md5, a folder, an archive.",
    ),
]
Thresholds = Annotated[
    list[str] | None,
    typer.Option(
        metavar="X",
        help="What if the alarm began here: a number, or review=X, block=X; repeatable.",
    ),
]
Costs = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COSTS",
        help="Price decisions by these: KEY=VALUE as in train.costs, or a YAML file; repeatable.",
    ),
]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DAY", help="Take labels known before DAY; all if omitted."),
]
FromEvents = Annotated[
    bool,
    typer.Option(
        "--from-events", help="Also add up the histories again, from the tiles and all rows."
    ),
]
RowsOut = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write a row per served row to FILE (Parquet)."),
]
Admitted = Annotated[
    list[str] | None,
    typer.Option(metavar="SHA256", help="Hash of a bundle whose functions may run; repeatable."),
]


@group.command(
    "replay",
    "my_table",
    "my_table --days 2025-07-01:2025-07-31 --json replay.json",
    "my_table --model model-v2",
    "my_table --threshold 0.7 --costs false_positive=900",
)
def replay(
    usecase: Usecase,
    days: Days = None,
    model: WhatIfModel = None,
    threshold: Thresholds = None,
    costs: Costs = None,
    as_of: AsOf = None,
    from_events: FromEvents = False,
    out: RowsOut = None,
    admit: Admitted = None,
    json: Json = None,
) -> int:
    """Score again what was served, from the log and sealed days.

    Each row by the bundle that it names, found in the service's copies, the checkout, or git and DVC. Exits
    with 1 if a row is not equal to the bit; says which and why. With --model, --threshold or --costs: also which
    decisions would have been others, and what that would have cost or saved.
    """
    from plumbline.core.errors import PlumblineError
    from plumbline.ops.replay import day_range, replaying, text_report
    from plumbline.ops.replay.what_if_options import WhatIfOptions

    until = day(as_of) if as_of else None
    what_if = WhatIfOptions(model, threshold or (), costs or (), until)
    if until and not what_if.wanted:
        raise PlumblineError("--as-of: is of a what-if; add --model, --threshold or --costs")
    options = replaying.ReplayOptions(
        day_range.parsed(days), out, tuple(admit or ()), what_if, from_events
    )
    report = replaying.replay(Path("."), usecase, options)
    say(text_report.lines(report))
    if out:
        say([f"wrote {report.rows:,} rows to {out}"])
    keep_json(json, report)
    past = report.histories
    wrong = bool(past and past.equal < past.compared)
    return 1 if report.differing or report.changed_days or wrong else 0
