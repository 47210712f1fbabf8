"""Commands on the routes of a service: which bundle answers whom, the red button, the canary."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from plumbline.cli.options import CommandGroup, Json, Usecase, duration, keep_json, pairs, say

group = CommandGroup("Serving")

PERIOD = 1.0
"""Seconds between looks at a canary."""
Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="WORDS",
        help="`set`: ARM=PERCENT, ...; `add`, `shadow`: REV [ARM]; `remove`: ARM.",
    ),
]


@group.command(
    "routes",
    "my_table",
    "my_table add HEAD challenger",
    "my_table set challenger=5",
    "my_table shadow model-v2",
    "my_table remove challenger",
)
def routes(
    usecase: Usecase,
    action: Annotated[
        Literal["show", "set", "add", "shadow", "remove"],
        typer.Argument(metavar="ACTION", help="show, set, add, shadow or remove."),
    ] = "show",
    words: Words = None,
    json: Json = None,
) -> None:
    """Show or change which bundle answers what share of the entities.

    REV is a git revision, a bundle's folder, a release's archive, or the md5 of a bundle in the store. A bundle
    is admitted where its golden events give the recorded scores to the bit. A running service changes at
    once; where none runs, the document is changed.
    """
    from plumbline.ops.serving import routing, service_calls

    root = Path(".")
    request = _change_request(root, usecase, action, words or [])
    state = (
        routing.show(root, usecase) if request is None else routing.change(root, usecase, request)
    )
    say(service_calls.lines(state))
    keep_json(json, state)


@group.command("red-button", "my_table")
def red_button(usecase: Usecase, json: Json = None) -> None:
    """Take the newest bundle out of service at once.

    Goes back to the champion where a challenger answers anyone, else to the champion before it. Needs
    neither git, DVC, MLflow nor the network; `plumbline rollback` follows at leisure. Once it is done, MLflow's
    champion follows, where MLflow can be reached.
    """
    from plumbline.ops.serving import service_calls

    state = service_calls.red_button(Path("."), usecase)
    say([f"all entities are answered by {state['routes']['champions'][0]}"])
    say(service_calls.lines(state))
    keep_json(json, state)
    from plumbline.ops.rollback import alias_after  # imports much: after the press

    outcome = alias_after.follow(Path("."), usecase, state["routes"]["champions"][0])
    say([f"registry: {outcome}"])


RevArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="REV",
        help="The challenger: a git revision, a bundle's folder or archive, or an md5; shows the canary if "
        "omitted.",
    ),
]
StepOption = Annotated[
    str, typer.Option(metavar="TIME", help="Time at each step at least: 30s, 10m, 2h.")
]
StepsOption = Annotated[
    str, typer.Option(metavar="PERCENTS", help="The canary's share at each step.")
]
LimitOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE",
        help="Another limit of the rules, as errors=0.02; docs/routes.md names them; repeatable.",
    ),
]
StopOption = Annotated[bool, typer.Option("--stop", help="End it; the champion answers all.")]
DetachOption = Annotated[
    bool, typer.Option("--detach", help="Start it, and do not wait for its end.")
]


@group.command(
    "canary",
    "my_table model-v2",
    "my_table HEAD --step 10m --detach",
    "my_table",
    "my_table --stop",
)
def canary(
    usecase: Usecase,
    rev: RevArgument = None,
    step: StepOption = "15s",
    steps: StepsOption = "1,5,25,100",
    limit: LimitOption = None,
    stop: StopOption = False,
    detach: DetachOption = False,
    json: Json = None,
) -> int:
    """Let a challenger answer 1, 5, 25 and 100 % of the entities, and abort if it is worse.

    Compares errors, scoring time, refusals, scores and alarms with the champion's, and aborts where no data
    come. Waits for the end; Ctrl-C leaves it running. Exits with 1 if it was aborted.
    """
    from plumbline.core.errors import PlumblineError
    from plumbline.ops.serving import routing, service_calls

    root = Path(".")
    if stop and rev:
        raise PlumblineError("canary: --stop takes no REV")
    if rev is None:
        state = service_calls.canary(root, usecase, {"action": "stop" if stop else "status"})
    else:
        plan = {
            "steps": _percents(steps),
            "seconds": duration("--step", step),
            **_limits(limit or []),
        }
        service_calls.canary(root, usecase, {})  # where no service runs, nothing is brought
        request = {"action": "start", "plan": plan, "bundle": routing.bring(root, usecase, rev)}
        state = service_calls.canary(root, usecase, request)
        if not detach:
            state = _followed(root, usecase, state)
    say(state["canary"]["lines"] if state["canary"] else ["no canary since the service started"])
    keep_json(json, state)
    aborted = state["canary"] is not None and state["canary"]["status"] == "aborted"
    return int(aborted and not stop)


def _followed(root: Path, usecase: str, state: dict[str, Any]) -> dict[str, Any]:
    """Print each step until the end."""
    from plumbline.ops.serving import service_calls

    step = None
    while state["canary"]["status"] == "running":
        if state["canary"]["step"] != step:
            step = state["canary"]["step"]
            say(state["canary"]["lines"][:1])
        time.sleep(PERIOD)
        state = service_calls.canary(root, usecase, {})
    return state


def _change_request(
    root: Path, usecase: str, action: str, words: list[str]
) -> dict[str, Any] | None:
    """The request of an action; None for `show`."""
    from plumbline.core.errors import PlumblineError
    from plumbline.ops.serving import routing

    most = {"show": 0, "set": 100, "remove": 1}.get(action, 2)
    if len(words) > most or (action != "show" and not words):
        raise PlumblineError(f"routes {action}: see `plumbline routes --help` for what it takes")
    if action == "show":
        return None
    if action == "set":
        return {"action": "set", "weights": _weights(words)}
    if action == "remove":
        return {"action": "remove", "name": words[0]}
    mode = "shadow" if action == "shadow" else "live"
    name = words[1] if len(words) > 1 else ("shadow" if action == "shadow" else "challenger")
    md5 = routing.bring(root, usecase, words[0])
    return {"action": "add", "name": name, "bundle": md5, "mode": mode}


def _weights(words: list[str]) -> dict[str, int]:
    from plumbline.core.errors import PlumblineError

    given = pairs("routes set", words)
    odd = {n: w for n, w in given.items() if not w.isdecimal()}
    if odd:
        name, value = next(iter(odd.items()))
        raise PlumblineError(
            f"routes set {name}={value}: expected a whole percentage from 0 to 100"
        )
    return {n: int(w) for n, w in given.items()}


def _percents(text: str) -> list[int]:
    from plumbline.core.errors import PlumblineError

    words = text.split(",")
    if not all(word.strip().isdecimal() for word in words):
        raise PlumblineError(f"--steps {text}: expected percentages like 1,5,25,100")
    return [int(word) for word in words]


def _limits(words: list[str]) -> dict[str, float]:
    from plumbline.core.errors import PlumblineError

    given = pairs("--limit", words)
    try:
        return {name: float(value) for name, value in given.items()}
    except ValueError:
        raise PlumblineError(f"--limit: expected NAME=NUMBER, found {', '.join(words)}") from None
