"""Commands that run a model in production: retrain, propose, release, publish, alert, audit."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from plumbline.cli.options import (
    CommandGroup,
    Json,
    Usecase,
    Usecases,
    day,
    keep_json,
    keep_text,
    say,
    usecase_names,
)

group = CommandGroup("Operations")

log = logging.getLogger("plumbline")


@group.command("alert", "", "--dry-run", "my_table --test", "--retrain reports/retrain.json")
def alert(
    usecase: Usecases = None,
    test: Annotated[
        bool, typer.Option("--test", help="Send a test message through every channel.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be sent, send nothing.")
    ] = False,
    retrain: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Verdicts of this output of `retrain`, not the last run's."
        ),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Record of what was sent; .plumbline/alerts.json if omitted."
        ),
    ] = None,
    today: Annotated[
        date | None, typer.Option(parser=day, metavar="DATE", help="Use DATE as today's date.")
    ] = None,
) -> int:
    """Send monitor findings to the configured channels.

    `alerts` in params.yaml names the channels. What was sent is not sent again before `repeat_days`
    have passed. A channel that cannot be reached is a warning; with --test it exits with 1.
    """
    from plumbline.ops.alerts import send, sent_log

    names, when = usecase or [], today or datetime.now().astimezone().date()
    if test:
        report = send.test(names)
    else:
        file = state or sent_log.FILE
        report = send.send(names, when, retrain=retrain, state=file, dry_run=dry_run)
    for line in report.lines:
        if line.warning:
            log.warning("alert: %s", line.text)
        else:
            say([f"alert: {line.text}"])
    if not report.configured:
        say(["alerts: no channel is configured in params.yaml; see docs/monitoring.md"])
    elif not report.lines:
        say(["alerts: nothing to report"])
    return int(test and any(line.warning for line in report.lines))


@group.command("audit", "", "--lock requirements-comment.txt --json advisories.json")
def audit(
    lock: Annotated[Path, typer.Option(metavar="FILE", help="Lock file.")] = Path(
        "requirements.txt"
    ),
    osv_url: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="OSV query service; that of osv.dev if omitted."),
    ] = None,
    accepted: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Accepted advisories, each with a reason; .ci/advisories if omitted.",
        ),
    ] = None,
    json: Json = None,
) -> int:
    """List known vulnerabilities of the locked dependencies.

    Exits with 1 if there is one that is not accepted, and with 2 if the service could not be reached.
    """
    from dataclasses import asdict

    from plumbline.ops import audit as advisories

    known = advisories.read_accepted(accepted or advisories.ACCEPTED)
    reported = advisories.audit(lock, osv_url or advisories.SERVICE, known)
    for one in reported:
        fix = f"mended in {', '.join(one.mended)}" if one.mended else "no version mends it"
        say([f"{one.name} {one.version}: {one.id}; {fix}"])
    say(
        [
            f"{len(reported)} known vulnerabilities beside {len(known)} accepted; the canary was flagged"
        ]
    )
    keep_json(json, {"advisories": [asdict(one) for one in reported], "accepted": sorted(known)})
    return 1 if reported else 0


@group.command("doctor", "", "my_table --clock events", "--github --json settings.json")
def doctor(
    usecase: Usecases = None,
    hosted: Annotated[
        bool,
        typer.Option("--github", help="Check the settings of the repository on GitHub instead."),
    ] = False,
    branch: Annotated[str, typer.Option(metavar="NAME", help="The protected branch.")] = "main",
    clock: Annotated[
        Literal["system", "events"],
        typer.Option(
            help="The clock that the service will have; `events` takes histories of any age."
        ),
    ] = "system",
    json: Json = None,
) -> int:
    """Check that this machine and this checkout can serve, or the settings of the host.

    Locked libraries, disk, clock, port, feature store, control socket; of each use case bundle, definitions, tiles
    and routes. A line each: ok, a problem and what to do, or cannot tell. Exits with 1 if there is a problem.
    With --github: the checklist in docs/pull-requests.md, by GITHUB_REPOSITORY and GITHUB_TOKEN; exits with 1 if a
    setting is wrong, or cannot be read with this token.
    """
    if hosted:
        return _hosted(branch, json)
    from plumbline.ops.doctor import checkup
    from plumbline.ops.doctor.health import Checkup

    health = []
    for one in checkup.lines(Path("."), usecase or [], clock, datetime.now(UTC).date()):
        say([one.line])
        health.append(one)
    result = Checkup(health=health)
    keep_json(json, result)
    return int(result.problems > 0)


def _hosted(branch: str, json: Path | None) -> int:
    from dataclasses import asdict

    from plumbline.ops.hosting import doctor as checklist
    from plumbline.ops.hosting import github, settings

    findings = checklist.check(settings.read(github.from_environment(), branch))
    say(finding.line for finding in findings)
    keep_json(json, {"settings": [asdict(finding) for finding in findings]})
    return int(any(finding.result != "ok" for finding in findings))


@group.command("golden-check", "my_table", "my_table --model dist/model-v1/my_table")
def golden_check(
    usecase: Usecase,
    model: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Bundle; models/USECASE if omitted.")
    ] = None,
) -> int:
    """Check a model's answers to recorded requests, to the bit.

    Exits with 1 if an answer differs: the model must not serve. Exits with 2 if the check could not run.
    """
    from plumbline.core import usecase_loader
    from plumbline.core.errors import RefusedError
    from plumbline.core.safe_text import log_line
    from plumbline.ops.rollback import golden_check as golden
    from plumbline.repo import artifacts
    from plumbline.repo.artifacts import Role

    try:
        count = golden.check(
            usecase_loader.load(usecase),
            model or artifacts.path(usecase, Role.BUNDLE),
            artifacts.path(usecase, Role.TEST_TABLE),
            artifacts.path(usecase, Role.EVALUATE_REPORT),
        )
    except RefusedError as refusal:
        print(log_line(f"plumbline golden-check: {refusal}"), file=sys.stderr)
        return 1
    say(
        [
            f"{usecase}: {count} golden requests answered, one by one and together, to the bit as "
            "recorded: it may serve"
        ]
    )
    return 0


@group.command("issue", "nightly --result failure --log nightly.log", "nightly --result success")
def issue(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="A word, e.g. nightly.")],
    result: Annotated[
        str, typer.Option(metavar="WORD", help="`success` closes the issue, any other opens it.")
    ],
    title: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Kind and result if omitted.")
    ] = None,
    log: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its last lines are quoted.")
    ] = None,
    link: Annotated[str, typer.Option(metavar="ADDRESS", help="Where the run can be seen.")] = "",
) -> None:
    """Open, update or close the one issue of a kind."""
    from plumbline.ops.hosting import github, open_issue

    hub = github.from_environment()
    say([open_issue.report(hub, kind, result, title=title, log=log, link=link)])


@group.command("propose", "reports/retrain.json --base main")
def propose(
    retrain: Annotated[Path, typer.Argument(metavar="RETRAIN.json", help="Output of `retrain`.")],
    base: Annotated[str, typer.Option(metavar="BRANCH", help="Branch to merge into.")] = "main",
) -> None:
    """Turn a retrain's outcome into a pull request or an issue."""
    from plumbline.ops.hosting import github
    from plumbline.ops.retrain import proposals, retrain_document

    records = retrain_document.read(retrain).usecases
    hub = github.from_environment()
    for record in records:
        done = proposals.propose(Path("."), hub, record, base)
        say([f"{record.usecase}: {record.outcome}: {done}"])


@group.command("publish", "model-v1")
def publish(
    tag: Annotated[str, typer.Argument(metavar="TAG", help="Tag that `release` has packed.")],
    source: Annotated[
        Path | None, typer.Option("--from", metavar="FOLDER", help="dist/TAG if omitted.")
    ] = None,
) -> None:
    """Publish a packed tag as a release on GitHub.

    Checks the files against their checksums, and uploads those that the release does not have.
    """
    from plumbline.ops.hosting import github
    from plumbline.ops.retrain import publish as publishing

    folder = source or Path("dist") / tag
    publishing.checksums(folder)
    hub = github.from_environment()
    say(f"published {name}" for name in publishing.publish(hub, tag, folder))


@group.command("release", "model-v1", "model-v1 --into /tmp/model-v1")
def release(
    tag: Annotated[str, typer.Argument(metavar="TAG", help="Tag, e.g. model-v1.")],
    into: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="dist/TAG if omitted.")
    ] = None,
) -> None:
    """Push all tags, prove that a tag comes back, and pack it."""
    from plumbline.ops.release import release as releases

    for path in releases.release(Path("."), tag, into or Path("dist") / tag):
        say([f"wrote {path}"])


@group.command(
    "retrain",
    "--json reports/retrain.json --markdown reports/retrain.md",
    "--usecase my_table --as-of 2025-07-01 --json reports/retrain.json",
)
def retrain(
    json: Annotated[
        Path, typer.Option("--json", metavar="FILE", help="Write the outcome to FILE.")
    ],
    as_of: Annotated[
        date | None,
        typer.Option(parser=day, metavar="DATE", help="Use data up to this day; today if omitted."),
    ] = None,
    days: Annotated[
        int | None, typer.Option(metavar="N", help="Move every as-of date on by N days.")
    ] = None,
    usecase: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Only this use case; repeatable.", autocompletion=usecase_names
        ),
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the outcome to FILE as text.")
    ] = None,
) -> None:
    """Try champions on newer data, and retrain where needed.

    The monitor judges each champion; where it calls for one, a challenger is trained and committed on
    a branch of its own.
    """
    from plumbline.ops.retrain import retrain_texts, selection

    if as_of is not None and days is not None:
        raise typer.BadParameter("give --as-of or --days, not both")
    document = selection.retrain(Path("."), usecase or [], day=as_of, days=days)
    keep_json(json, document.plain())
    records = document.usecases
    if markdown:
        keep_text(markdown, retrain_texts.summary(records))
    for record in records:
        say([f"{record.usecase}: {record.outcome}: {'; '.join(record.reasons)}"])
        if record.branch:
            say([f"  committed on {record.branch}; look: git switch {record.branch}"])
    say([f"wrote {json}"])
