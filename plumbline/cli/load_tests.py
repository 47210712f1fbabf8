"""The command that loads a server and judges its latency."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from plumbline.cli.options import CommandGroup, FirstUsecase, Json, keep_json, say

group = CommandGroup("Serving")


UrlOption = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="The server's address; as params.yaml says if omitted."),
]
RateOption = Annotated[float, typer.Option(metavar="N", help="Requests a second.")]
SecondsOption = Annotated[float, typer.Option(metavar="N", help="How long.")]
WarmupOption = Annotated[
    float, typer.Option(metavar="SECONDS", help="Before that, and not counted.")
]
ConnectionsOption = Annotated[
    int, typer.Option(metavar="N", help="Requests at most that are under way at once.")
]
KeepAliveOption = Annotated[
    bool,
    typer.Option("--keep-alive/--no-keep-alive", help="Or a new connection per request."),
]
BatchOption = Annotated[int, typer.Option(metavar="N", help="Events in a request.")]
EvenOption = Annotated[
    bool,
    typer.Option("--even", help="Requests at equal distances, not as of independent callers."),
]
ClockOption = Annotated[
    Literal["system", "events"],
    typer.Option(
        help="Move the events to now with new keys; or send each as it is, for a server with "
        "`--clock events`.",
    ),
]
TableOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Parquet file of events; the current table if omitted."),
]
PidOption = Annotated[
    int | None,
    typer.Option(metavar="N", help="The server's process; found by its port if omitted."),
]
EchoOption = Annotated[
    bool, typer.Option("--echo/--no-echo", help="Measure an echo on the same stack before.")
]
TokenFileOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="File whose first line is a token.")
]
CaOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Certificates to trust, for https.")
]
TimeoutOption = Annotated[float, typer.Option(metavar="SECONDS", help="Of one request.")]
GateOption = Annotated[
    str | None,
    typer.Option(
        metavar="LIMITS",
        help="Like p99=10,errors=0: p50, p95, p99, max (ms), errors, cpu (µs a request), cpu_ratio (to "
        "the echo), memory (MiB).",
    ),
]


@group.command(
    "loadtest",
    "",
    "my_table --rate 500 --seconds 60 --connections 64",
    "my_table --gate p99=10,errors=0 --json load.json",
    "my_table --clock events --seconds 20",
)
def loadtest(
    usecase: FirstUsecase = None,
    url: UrlOption = None,
    rate: RateOption = 200.0,
    seconds: SecondsOption = 30.0,
    warmup: WarmupOption = 2.0,
    connections: ConnectionsOption = 16,
    keep_alive: KeepAliveOption = True,
    batch: BatchOption = 1,
    even: EvenOption = False,
    clock: ClockOption = "system",
    table: TableOption = None,
    pid: PidOption = None,
    echo: EchoOption = True,
    token_file: TokenFileOption = None,
    ca: CaOption = None,
    timeout: TimeoutOption = 10.0,
    gate: GateOption = None,
    json: Json = None,
) -> int:
    """Send events to a server at a fixed rate and report the latencies.

    Requests are sent when they are due, whatever the answers do, and latency is counted from that moment. The
    events are served, counted and logged like any other: load a server of its own, not production. Exits
    with 1 if the gate is not passed.
    """
    from plumbline import config
    from plumbline.core import usecase_loader
    from plumbline.repo import artifacts
    from plumbline.studies.loadtest import gates, load_events, study, text_report

    name = usecase or config.first()
    plan = study.LoadPlan(
        url=url or study.address(config.load(name).serve), rate=rate, seconds=seconds, warmup=warmup, connections=connections,
        keep_alive=keep_alive, each=batch, arrivals="even" if even else "poisson",
        clock=clock, timeout=timeout, pid=pid, with_echo=echo,
        token=study.token(token_file), ca=str(ca) if ca else None,
        limits=gates.parsed(gate) if gate is not None else {},
    )  # fmt: skip
    study.check(plan)
    features = usecase_loader.load_features(name)
    events = load_events.read(
        features, table or artifacts.path(name, artifacts.Role.CURRENT_TABLE), study.needed(plan)
    )
    record = study.measure(features, events, plan)
    say(text_report.lines(record))
    keep_json(json, record)
    return int(not all(limit.passed for limit in record.gate))
