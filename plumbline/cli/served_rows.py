"""The command that shows and exports what was served."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plumbline.cli.options import CommandGroup, Json, Usecase, day, keep_json, say

group = CommandGroup("Serving")


@group.command(
    "log",
    "my_table",
    "my_table --day 2025-07-01 --out served.parquet",
    "my_table --outcomes --out outcomes.parquet",
)
def log(
    usecase: Usecase,
    day_given: Annotated[
        str | None,
        typer.Option("--day", metavar="DAY", help="UTC day of receipt; all days if omitted."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the events, or the outcomes, to FILE (Parquet)."),
    ] = None,
    outcomes: Annotated[
        bool, typer.Option("--outcomes", help="Export outcomes, not events.")
    ] = False,
    json: Json = None,
) -> int:
    """Show what a service logged, day by day, and export it.

    Rows are sorted by sequence, the order in which they were served. A running service is not disturbed. Exits
    with 1 if the day has no rows.
    """
    from plumbline.ops.serving import logged
    from plumbline.serve.log import day_summary, export

    root = Path(".")
    reader = logged.open_log(root, usecase)
    wanted = day(day_given) if day_given else None
    summaries = day_summary.summaries(logged.place(root, usecase), wanted)
    say(day_summary.lines(summaries))
    if not summaries:
        days = reader.days()
        has = f"; it has {days[0]} to {days[-1]}" if days else ""
        say([f"{usecase}: nothing was received on {day_given or 'any day'}{has}"])
    keep_json(json, {"usecase": usecase, "days": [one.plain() for one in summaries]})
    if out and summaries:
        kind: export.Kind = "outcomes" if outcomes else "events"
        count = export.write(reader, wanted, kind, out)
        say([f"wrote {count:,} {kind} to {out}"])
    return 0 if summaries else 1
