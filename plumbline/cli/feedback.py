"""The command that tells a service what became of events."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plumbline.cli.options import CommandGroup, Json, keep_json, say, usecase_names

group = CommandGroup("Serving")

FileArgument = Annotated[
    str, typer.Argument(metavar="FILE", help="CSV or Parquet file, folder, pattern or URL.")
]
UsecaseOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Use case; the first in params.yaml if omitted.",
        autocompletion=usecase_names,
    ),
]
UrlOption = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="The service's address; that of the service that runs here, or as params.yaml says, if omitted.",
    ),
]
KnownAtOption = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="Column that says when an outcome became known; data.outcomes.known_at, or known_at, if omitted.",
    ),
]
TokenFileOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="File whose first line is a token.")
]
CaOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Certificates to trust, for https.")
]
BatchOption = Annotated[int, typer.Option(min=1, metavar="N", help="Outcomes in a request.")]
TimeoutOption = Annotated[float, typer.Option(metavar="SECONDS", help="Of one request.")]


@group.command(
    "outcomes",
    "chargebacks.csv",
    "decisions.parquet --usecase my_table --known-at decided_at",
    "chargebacks.csv --url https://scores.example.com --token-file token --json sent.json",
)
def outcomes(
    file: FileArgument,
    usecase: UsecaseOption = None,
    url: UrlOption = None,
    known_at: KnownAtOption = None,
    token_file: TokenFileOption = None,
    ca: CaOption = None,
    batch: BatchOption = 500,
    timeout: TimeoutOption = 30.0,
    json: Json = None,
) -> int:
    """Tell a running service what became of events: chargebacks, decisions, corrections.

    FILE has the key, the columns not known at prediction time, and when each became known; without that column it
    is now. The same file may be sent again: what was taken counts once. Exits with 1 if rows are refused; the
    others are taken.
    """
    from plumbline import config
    from plumbline.core import usecase_loader
    from plumbline.ops.feedback import send_outcomes
    from plumbline.studies.loadtest import study

    name = usecase or config.first()
    params = config.load(name)
    own = params.data.outcomes.known_at if params.data.outcomes else None
    options = send_outcomes.SendOptions(
        url=url or send_outcomes.address(Path("."), study.address(params.serve)),
        known_at=known_at or own or send_outcomes.KNOWN_AT,
        token=study.token(token_file),
        ca=str(ca) if ca else None,
        timeout=timeout,
        most=min(batch, params.serve.max_events),
    )
    sent = send_outcomes.send(usecase_loader.load_features(name), file, options)
    say(send_outcomes.lines(sent))
    keep_json(json, sent)
    return int(sent.refused > 0)
