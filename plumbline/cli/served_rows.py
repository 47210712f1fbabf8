"""The commands that show, export and seal what was served."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plumbline.cli.options import CommandGroup, Json, Usecase, day, keep_json, say

if TYPE_CHECKING:
    from plumbline.ops.sealing.seal import SealReport

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
    from plumbline.ops.sealing import seal as sealing
    from plumbline.ops.serving import logged
    from plumbline.serve.log import day_summary, export

    root = Path(".")
    reader = logged.open_log(root, usecase)
    wanted = day(day_given) if day_given else None
    last = sealing.last_sequence(root, usecase)
    summaries = [
        one.model_copy(update={"sealed": one.last_sequence <= last})
        for one in day_summary.summaries(logged.place(root, usecase), wanted)
    ]
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


@group.command("seal", "my_table", "my_table 2025-07-01", "my_table --log /backup/log")
def seal(
    usecase: Usecase,
    day_given: Annotated[
        str | None,
        typer.Argument(metavar="DAY", help="UTC day of receipt; all finished days if omitted."),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="The log; that of this project if omitted."),
    ] = None,
    accept_lost: Annotated[
        bool,
        typer.Option("--accept-lost", help="Rows that are missing in the log are lost for good."),
    ] = False,
    json: Json = None,
) -> int:
    """Seal finished days of the prediction log as training data.

    Writes the events, outcomes, predictions and refusals of each day to sources/USECASE/sealed/ and a pointer of DVC:
    commit the pointer, `dvc push` the bytes. A sealed day is never rewritten: named again, it is compared with the log.
    """
    from plumbline.core import sealed_days
    from plumbline.core.errors import PlumblineError
    from plumbline.ops.sealing import cached_days
    from plumbline.ops.sealing import seal as sealing
    from plumbline.ops.serving import logged

    root = Path(".").absolute()
    if log is None:
        logged.open_log(root, usecase)
    place = log or logged.place(root, usecase)
    wanted = day(day_given) if day_given else None
    one = sealing.Sealing(root, usecase, place, now=sealing.today(), accept_lost=accept_lost)
    report = one.run(wanted)
    say(_seal_lines(report))
    keep_json(json, report)
    place = root / report.folder
    cached_days.register(root, [sealed_days.pointer(place, one.day) for one in report.sealed])
    if report.refused:
        raise PlumblineError(report.refused)
    return 0


def _seal_lines(report: SealReport) -> Iterator[str]:
    for one in report.sealed:
        counts = ", ".join(f"{number:,} {kind}" for kind, number in one.rows.items())
        yield f"{one.day}: sealed: {counts}"
        for first, last in one.lost:
            yield f"{one.day}: rows {first} to {last} of the log were lost"
    yield from (f"{one}: the log has what is sealed" for one in report.same)
    if report.waiting:
        yield report.waiting
    if report.sealed:
        yield f"next: git add {report.folder} && git commit, then dvc push"
    elif not report.same and not report.waiting:
        yield f"{report.usecase}: every finished day is sealed"
