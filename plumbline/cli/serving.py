"""Commands that answer events: the service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from plumbline.cli.options import CommandGroup, Usecases

group = CommandGroup("Serving")


HostOption = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Address to bind; serve.host if omitted.")
]
PortOption = Annotated[
    int | None, typer.Option(metavar="PORT", help="Port, 0 for any; serve.port if omitted.")
]
ReplaceOption = Annotated[
    bool,
    typer.Option("--replace", help="Take over the socket of the running service, without loss."),
]
WorkersOption = Annotated[
    int,
    typer.Option(
        min=1,
        metavar="N",
        help="Processes; more than one share the state in Redis, see serve.state.",
    ),
]
ClockOption = Annotated[
    Literal["system", "events"],
    typer.Option(help="Time by the system, or by the newest event, to replay old data."),
]
TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="File with an access token per line; serve.token_file if omitted."
    ),
]
ExposedOption = Annotated[
    bool, typer.Option("--exposed", help="Bind to other machines' reach without any token.")
]


@group.command("serve", "my_table", "my_table --port 8443 --replace", "my_table --clock events")
def serve(
    usecase: Usecases = None,
    host: HostOption = None,
    port: PortOption = None,
    replace: ReplaceOption = False,
    workers: WorkersOption = 1,
    clock: ClockOption = "system",
    token_file: TokenFileOption = None,
    exposed: ExposedOption = False,
) -> None:
    """Serve use cases by HTTP: POST /v1/USECASE/score takes events and answers with scores.

    The settings are in params.yaml, `serve`. SIGTERM ends it once all that was accepted is answered and
    logged.
    """
    from plumbline import config
    from plumbline.ops.serving import process, supervisor

    tokens = None if token_file is None else str(token_file)
    given: dict[str, Any] = {"host": host, "port": port, "token_file": tokens}
    overrides = {name: value for name, value in given.items() if value is not None}
    names = list(dict.fromkeys(config.selected(usecase or [])))
    start = process.Start(names, overrides, clock, replace, exposed)
    if workers == 1:
        process.run(Path("."), start)
    else:
        supervisor.run(Path("."), start, workers)
