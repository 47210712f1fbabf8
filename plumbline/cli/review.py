"""Commands for reviewing a change: compare it with its base, report it, decide on it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plumbline.cli.options import (
    CommandGroup,
    Json,
    Usecases,
    annotate,
    keep_json,
    keep_text,
    say,
)

if TYPE_CHECKING:
    from plumbline.review.comparison import Comparison

group = CommandGroup("Review")

log = logging.getLogger("plumbline")


@group.command("accepted", "", "--check model-v2")
def accepted(
    check: Annotated[
        str | None,
        typer.Option("--check", metavar="REV", help="Check instead that REV was accepted."),
    ] = None,
    branch: Annotated[
        str, typer.Option(metavar="NAME", help="The branch that accepted commits are on.")
    ] = "main",
) -> int:
    """Print the commit that was accepted last, which HEAD is to be compared with.

    It is the newest before HEAD whose run of main.yml ended well. Without one it is the newest release;
    without that, a commit that has no model. With --check, exits with 1 where REV was not accepted.
    """
    from plumbline.ops.hosting import accepted as commits

    hub = commits.from_environment()
    if check:
        refusal = commits.refusal(Path("."), check, branch, hub)
        say([refusal or f"{check}: accepted"])
        return int(refusal is not None)
    base = commits.last(Path("."), branch, hub)
    log.info("accepted: %s: %s", base.commit[:10], base.reason)
    say([base.commit])
    return 0


@group.command("baseline", "origin/main", "HEAD^1 --lock")
def baseline(
    rev: Annotated[
        str, typer.Argument(metavar="REV", help="Commit, tag or branch to compare with.")
    ],
    lock: Annotated[
        bool,
        typer.Option(
            "--lock",
            help="Then put REV's dvc.lock in place, so that `dvc repro` runs what differs from REV.",
        ),
    ] = False,
) -> None:
    """Fetch or compute the models that `compare` needs.

    They are those of REV and of the last release; REV is run again where they cannot be fetched.
    """
    from plumbline.review import baseline as models

    say(models.bring(Path("."), rev))
    if lock:
        say([models.start_from(Path("."), rev)])


@group.command("comment", "artifact/change.json --event event.json")
def comment(
    artifact: Annotated[
        Path, typer.Argument(metavar="ARTIFACT.json", help="Comparison from a run; not trusted.")
    ],
    event: Annotated[
        Path,
        typer.Option(metavar="EVENT.json", help="The workflow_run event, written by the host."),
    ],
) -> None:
    """Post a comparison as one comment on its pull request.

    The artifact is checked as data; the pull request is that of the event. What the change alters in how it
    is judged comes from git: the head is fetched from `origin` and merged there, and nothing of it runs. Where
    there is no artifact, or it is refused, the comment says so. The verdict is also set as the commit's status, "judged for
    BRANCH". A token that may only read is a warning, not an error.
    """
    from plumbline.ops.hosting import comments, github, review_comment

    run, hub = comments.origin(event), github.from_environment()
    try:
        say(review_comment.post(hub, Path("."), artifact, run))
    except github.ForbiddenError as error:
        annotate("warning", f"the report is in the other job's summary only: {error}")


@group.command("compare", "main --json reports/change.json", "v1 v2 --json reports/v1-v2.json")
def compare(
    base: Annotated[str, typer.Argument(metavar="BASE", help="Commit, tag or branch.")],
    json: Annotated[
        Path, typer.Option("--json", metavar="FILE", help="Write the comparison to FILE.")
    ],
    head: Annotated[
        str | None, typer.Argument(metavar="HEAD", help="The same; the work tree if omitted.")
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Output of `dvc repro`, to name a stage that failed."),
    ] = None,
    committed: Annotated[
        bool,
        typer.Option(
            "--committed",
            help="Refuse if `dvc repro` changed the committed dvc.lock.",
        ),
    ] = False,
) -> None:
    """Compare two revisions' models, data and features.

    Exits with 0 whatever the verdict is; `gate` decides by exit code.
    """
    from plumbline.core import documents
    from plumbline.review import isolation, verdict_line

    output = _log(log)
    result = isolation.compare(Path("."), base, head, output, committed=committed)
    documents.write(json, result)
    say([verdict_line.verdict(result)])
    say([f"wrote {json}"])


def _log(path: Path | None) -> str | None:
    from plumbline.core.errors import PlumblineError

    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise PlumblineError(
            f"--log {path}: {error.strerror}; give what `dvc repro` printed"
        ) from None


@group.command("gate", "reports/change.json", "--lock-only")
def gate(
    comparison: Annotated[
        Path | None, typer.Argument(metavar="IN.json", help="What `compare` wrote.")
    ] = None,
    lock_only: Annotated[
        bool, typer.Option("--lock-only", help="Check dvc.lock alone, in seconds.")
    ] = False,
    json: Json = None,
) -> int:
    """Decide whether a change may be merged.

    Exits with 1, and prints the reasons, if it may not. dvc.lock is checked against the files as they
    are now.
    """
    from plumbline.review import recheck

    if (comparison is None) != lock_only:
        raise typer.BadParameter("give IN.json or --lock-only, and not both")
    if comparison is None:
        return _lock(json)
    result = recheck.comparison(Path("."), comparison)
    say(_decision(result))
    keep_json(json, result.gate.plain())
    return 1 if result.gate.verdict in ("no", "failed") else 0


def _lock(json: Path | None) -> int:
    from plumbline.review import recheck, verdict_line

    against = recheck.lock(Path("."))
    say(f"- {verdict_line.reason(reason)}" for reason in against)
    say(["dvc.lock: refused" if against else "dvc.lock: up to date"])
    keep_json(
        json, {"verdict": "no" if against else "yes", "reasons": [r.plain() for r in against]}
    )
    return 1 if against else 0


def _decision(result: Comparison) -> list[str]:
    """The verdict, and the reasons for it."""
    from plumbline.review import verdict_line

    gate = result.gate
    lines = [
        verdict_line.verdict(result),
        *(f"- {verdict_line.reason(r)}" for r in gate.reasons),
    ]
    for reason in gate.lifted:
        why = gate.overrides[reason.usecase or ""]
        lines.append(f"- overridden ({why}): {verdict_line.reason(reason)}")
    return lines


@group.command("looks", "", "my_table")
def looks(usecase: Usecases = None, json: Json = None) -> None:
    """Count the results that git has seen on the test window of the current model.

    Each evaluation whose figures are committed is a look at the window; what is chosen after many of them
    fits it by chance, too. The review warns beyond `gate.max_looks`.
    """
    from plumbline.review import look_words, revision
    from plumbline.review import looks as counting
    from plumbline.runtime import dvc_lock

    here = revision.side(Path("."), None)
    names = usecase or sorted(dvc_lock.usecases(here.entries))
    counts = {name: counting.of(here, name) for name in names}
    say(f"{name}: {look_words.sentence(one)}" for name, one in counts.items())
    keep_json(json, {name: one.plain() if one else None for name, one in counts.items()})


@group.command("report", "reports/change.json --markdown change.md --html change.html")
def report(
    comparison: Annotated[Path, typer.Argument(metavar="IN.json", help="What `compare` wrote.")],
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write Markdown to FILE.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write one HTML page to FILE.")
    ] = None,
) -> None:
    """Render a comparison as Markdown and as an HTML page."""
    from plumbline.core.errors import PlumblineError
    from plumbline.core.files import read_json
    from plumbline.report import html as page
    from plumbline.report import markdown as text
    from plumbline.review import comparison as documents
    from plumbline.review import comparison_blocks

    if not markdown and not html:
        raise PlumblineError("nothing to write: give --markdown FILE, --html FILE, or both")
    name = str(comparison)
    blocks = comparison_blocks.blocks(documents.parse(read_json(comparison), name), name)
    for path, render in ((markdown, text.comment), (html, page.render)):
        if path:
            keep_text(path, render(blocks))
            say([f"wrote {path}"])
