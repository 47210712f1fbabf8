"""The command on experiments: planned, declared, looked at, ended."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from plumbline.cli.options import (
    CommandGroup,
    Json,
    Usecase,
    day,
    keep_json,
    keep_text,
    pairs,
    say,
)

if TYPE_CHECKING:
    from plumbline.ops.experiments.experiment_document import ExperimentReport
    from plumbline.ops.experiments.experimenting import Project
    from plumbline.ops.experiments.terms import Terms

group = CommandGroup("Serving")

Action = Annotated[
    Literal["plan", "new", "status", "stop"],
    typer.Argument(metavar="ACTION", help="plan, new, status or stop."),
]
Name = Annotated[str | None, typer.Argument(metavar="NAME", help="The experiment; not for `plan`.")]
Metric = Annotated[
    str | None,
    typer.Option(
        metavar="METRIC",
        help="alarms, score, label, cost, brier, error, latency, flagged, unscored, decision:NAME, column:NAME.",
    ),
]
Effect = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        help="Smallest effect to find: 10% of the present mean, or 0.002 in its unit.",
    ),
]
Better = Annotated[
    Literal["higher", "lower"],
    typer.Option(metavar="WAY", help="Whether higher or lower is better."),
]
Treatment = Annotated[
    list[str] | None,
    typer.Option(
        "--treatment",
        metavar="ARM=PERCENT",
        help="An arm of the routes and its share; repeatable. A shadow: ARM.",
    ),
]
Control = Annotated[str, typer.Option(metavar="ARM", help="The arm that it is compared with.")]
Paired = Annotated[
    bool, typer.Option("--paired", help="The treatments are shadows: compare on the same events.")
]
Guardrails = Annotated[
    list[str] | None,
    typer.Option(
        "--guardrail",
        metavar="METRIC=LIMIT",
        help="By how much it may be worse, in its unit: +0.01 higher, -0.01 lower; repeatable.",
    ),
]
Hypothesis = Annotated[str | None, typer.Option(metavar="TEXT", help="What is expected, and why.")]
Start = Annotated[
    str | None,
    typer.Option(metavar="DAY", help="First day; that after the last served if omitted."),
]
Length = Annotated[int, typer.Option("--days", metavar="N", help="Planned days.")]
Days = Annotated[
    str | None, typer.Option("--from", metavar="FIRST:LAST", help="`plan`: past days to plan from.")
]
Until = Annotated[
    str | None, typer.Option(metavar="DAY", help="`status`, `stop`: the last day that counts.")
]
Keep = Annotated[
    str | None,
    typer.Option(metavar="ARM", help="`stop`: the arm that stays; the winner if omitted."),
]
Apply = Annotated[
    bool, typer.Option("--routes", help="`new`, `stop`: also set the weights of the routes.")
]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write the page to FILE.")
]
Markdown = Annotated[
    Path | None,
    typer.Option("--markdown", metavar="FILE", help="Write the report to FILE as text."),
]


@group.command(
    "experiment",
    "plan my_table --metric alarms --effect 10%",
    "new my_table fewer-alarms --metric alarms --better lower --treatment challenger=50 --effect 10% --days 28",
    "status my_table fewer-alarms --html reports/fewer-alarms.html",
    "stop my_table fewer-alarms --keep challenger",
)
def experiment(
    action: Action,
    usecase: Usecase,
    name: Name = None,
    metric: Metric = None,
    effect: Effect = None,
    better: Better = "higher",
    treatment: Treatment = None,
    control: Control = "champion",
    paired: Paired = False,
    guardrail: Guardrails = None,
    hypothesis: Hypothesis = None,
    start: Start = None,
    days: Length = 28,
    power: Annotated[float, typer.Option(metavar="SHARE", help="Power.")] = 0.8,
    alpha: Annotated[float, typer.Option(metavar="SHARE", help="Error allowed in all.")] = 0.05,
    past: Days = None,
    until: Until = None,
    keep: Keep = None,
    routes: Apply = False,
    json: Json = None,
    html: Html = None,
    markdown: Markdown = None,
) -> int:
    """Compare arms on what is served: by entity (A/B), or on the same events (--paired).

    `plan` says how many days and events it takes at this traffic. `new` writes experiments/USECASE/NAME.yaml, which
    is committed and reviewed. `status` judges it on sealed days and the log; its intervals hold at every look.
    `stop` ends it, with a report beside the declaration. Exits with 1 if a guardrail is broken, or entities did
    not come to the arms as planned.
    """
    from plumbline.ops.experiments import experimenting
    from plumbline.ops.experiments.experimenting import Project

    project = Project.of(Path("."), usecase)
    if action in ("plan", "new"):
        terms = _terms(locals())
        return (
            _plan(project, terms, json) if action == "plan" else _new(project, name, terms, routes)
        )
    last, one = day(until) if until else None, _named(action, name)
    if action == "status":
        return _shown(experimenting.status(project, one, last), json, html, markdown)
    report = experimenting.ending(project, one, keep, last)
    code = _shown(report, json, html, markdown)
    _stop(project, report, routes)
    return code if report.status == "invalid" else 0


def _stop(project: Project, report: ExperimentReport, routes: bool) -> None:
    """Set the routes of an experiment that ends, or say which, and write its files."""
    from plumbline.ops.experiments import experiment_routes, experimenting

    shares = {report.keep or report.control: 100} if report.design == "ab" else {}
    if routes and shares:
        experiment_routes.set_weights(project, shares)
    _say_routes(project, shares, routes)
    files = experimenting.stop(project, report)
    say([f"wrote {', '.join(map(str, files))}; commit both, in the pull request that acts on it"])


def _terms(given: Mapping[str, Any]) -> Terms:
    """The options of `plan` and `new`, read."""
    from plumbline.core.errors import PlumblineError
    from plumbline.ops.experiments import terms
    from plumbline.ops.replay import day_range

    if not given["metric"] or not given["effect"]:
        raise PlumblineError(f"experiment {given['action']}: --metric and --effect are needed")
    size, relative = terms.effect(given["effect"])
    return terms.Terms(
        metric=given["metric"],
        effect=size,
        relative=relative,
        better=given["better"],
        treatments=terms.treatments(given["treatment"] or [], given["paired"]),
        control=given["control"],
        paired=given["paired"],
        guardrails=terms.guardrails(pairs("--guardrail", given["guardrail"] or [])),
        hypothesis=given["hypothesis"],
        start=day(given["start"]) if given["start"] else None,
        days=given["days"],
        power=given["power"],
        alpha=given["alpha"],
        past=day_range.parsed(given["past"]),
    )


def _plan(project: Project, terms: Terms, json: Path | None) -> int:
    from plumbline.ops.experiments import pilots, plan_document

    plan = pilots.plan(project, terms)
    say(plan_document.lines(plan))
    keep_json(json, plan)
    return 0


def _new(project: Project, name: str | None, terms: Terms, routes: bool) -> int:
    from contextlib import nullcontext

    from plumbline.ops.experiments import experiment_routes, experimenting, pilots

    one = _named("new", name)
    declared = pilots.declared(project, terms)
    experimenting.check_new(project, one, declared)
    sets = routes and declared.shares
    with experiment_routes.kept(project, declared.shares) if sets else nullcontext():
        file = experimenting.new(project, one, declared)
    _say_routes(project, declared.shares, routes)
    say([f"wrote {file}: {declared.start} to {declared.last}; commit it before the first day"])
    return 0


def _say_routes(project: Project, shares: Mapping[str, int], routes: bool) -> None:
    """How the routes are, or how they are set."""
    if not shares:
        return
    words = " ".join(f"{arm}={share}" for arm, share in shares.items())
    command = f"plumbline routes {project.usecase.name} set {words}"
    say(
        [
            f"the routes are {words}"
            if routes
            else f"the routes are as before; `{command}` sets them"
        ]
    )


def _shown(
    report: ExperimentReport, json: Path | None, html: Path | None, markdown: Path | None
) -> int:
    from plumbline.ops.experiments import experiment_page
    from plumbline.report import html as html_page
    from plumbline.report import markdown as text_page

    blocks = experiment_page.blocks(report)
    say(experiment_page.lines(report))
    keep_json(json, report)
    keep_text(html, html_page.render(blocks))
    keep_text(markdown, text_page.file(blocks))
    return int(report.status in ("guardrail", "invalid"))


def _named(action: str, name: str | None) -> str:
    from plumbline.core.errors import PlumblineError

    if name is None:
        raise PlumblineError(f"experiment {action}: expected the name of the experiment")
    return name
