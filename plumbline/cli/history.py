"""Commands on the history of a project: back to a commit, where something came from, who was champion."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from plumbline.cli.options import (
    CommandGroup,
    Json,
    Store,
    Usecase,
    day,
    keep_json,
    keep_text,
    pairs,
    say,
)
from plumbline.core.errors import PlumblineError

group = CommandGroup("History")


class Place(StrEnum):
    """Where objects are stored."""

    WORKSPACE = "workspace"
    CACHE = "cache"
    REMOTE = "remote"
    SOURCE = "source"


Revision = Annotated[
    str | None,
    typer.Argument(metavar="REV", help="Commit, tag or branch; the work tree if omitted."),
]


@group.command(
    "backfill",
    "my_table --from 2025-03-01 --to 2025-03-31 --at model-v3 --out /tmp/march",
    "my_table --from 2025-03-01 --to 2025-03-31 --out /tmp/march --json march.json",
)
def backfill(
    usecase: Usecase,
    first: Annotated[
        date, typer.Option("--from", parser=day, metavar="DAY", help="First day of the events.")
    ],
    last: Annotated[
        date, typer.Option("--to", parser=day, metavar="DAY", help="Last day of them, included.")
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="A new folder, or an earlier backfill.")
    ],
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="REV",
            help="Tag or commit whose code and data count; the work tree if omitted.",
        ),
    ] = None,
    json: Json = None,
) -> None:
    """Compute the features of past events by a tag's code and data.

    Writes a Parquet file per month, in the form of the model tables, and backfill.json with the versions of the
    features. Rows that the tag's own tables have, too, are the same bytes. Days after the tag's as-of date are taken
    from the sealed days here. Writes all of it or nothing.
    """
    from plumbline.ops import backfill_range

    report = backfill_range.backfill(Path("."), usecase, first, last, at, out)
    say(f"{out / name}: {rows:,} rows" for name, rows in report.files.items())
    keep_json(json, report)


@group.command("champions", "", "my_table --json champions.json")
def champions(
    usecase: Annotated[
        str | None, typer.Argument(metavar="USECASE", help="Use case; all if omitted.")
    ] = None,
    branch: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Branch whose commits count; the one checked out, or main, if omitted.",
        ),
    ] = None,
    json: Json = None,
) -> None:
    """List which model was champion when, and why it changed."""
    from plumbline.ops.lineage import champions as champion
    from plumbline.ops.lineage import past

    events, notes = past.champions(Path("."), usecase, branch)
    say(champion.table(events))
    say(f"note: {note}" for note in notes)
    keep_json(json, {"events": [asdict(event) for event in events], "notes": notes})


@group.command(
    "lineage",
    "my_table",
    "my_table@champion --mermaid chain.mmd",
    "models/my_table --rev v1",
    "9f2c7e0a51",
    "my_table --key 1234",
)
def lineage(
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET",
            help="A use case, USECASE@champion, USECASE/VERSION, USECASE:KEY (an event), a tag, an md5, "
            "a file, or the id of a request that was served.",
        ),
    ],
    rev: Annotated[
        str | None,
        typer.Option(metavar="REV", help="Commit, tag or branch; the work tree if omitted."),
    ] = None,
    json: Json = None,
    mermaid: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the chain to FILE as a Mermaid graph."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Key of an event that was served, by TARGET."),
    ] = None,
) -> int:
    """Trace an output or a prediction back to its source's hash.

    Exits with 1 if the chain has a gap.
    """
    from plumbline.ops.lineage import render, served_event

    root = Path(".")
    chains = served_event.chains(root, target, rev, key)
    say(line for chain in chains for line in render.tree(chain))
    keep_json(json, {"target": target, "chains": [chain.plain() for chain in chains]})
    if mermaid:
        keep_text(mermaid, "\n".join(render.mermaid(chains)) + "\n")
    return 1 if any(chain.breaks for chain in chains) else 0


@group.command(
    "reproduce", "", "v1 --clean-room --json reproduction.json", "--env OMP_NUM_THREADS=4"
)
def reproduce(
    rev: Annotated[str, typer.Argument(metavar="REV", help="Commit, tag or branch.")] = "HEAD",
    clean_room: Annotated[
        bool, typer.Option("--clean-room", help="In a new environment with the commit's lock file.")
    ] = False,
    json: Json = None,
    env: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Environment variable of the run; repeatable."),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the clone, and print where it is.")
    ] = False,
) -> int:
    """Run a commit again in a fresh clone and compare outputs.

    Exits with 1 if an output differs.
    """
    import shutil
    import tempfile

    from plumbline.repo import reproduce as reproducing
    from plumbline.repo import reproduction_report

    variables = pairs("--env", env or ())
    folder = Path(tempfile.mkdtemp(prefix="plumbline-")).resolve()
    try:
        done = reproducing.reproduce(Path("."), rev, folder, variables, clean_room=clean_room)
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    say(reproduction_report.table(done))
    if keep:
        say([f"kept: {folder}"])
    keep_json(json, reproduction_report.document(done, variables, clean_room=clean_room))
    return 0 if done.same else 1


@group.command("resolve", "", "--no-repro")
def resolve(
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="STAGE", help="Run only these of the stages left to run."),
    ] = None,
    no_repro: Annotated[
        bool, typer.Option("--no-repro", help="Write dvc.lock and metrics, run nothing.")
    ] = False,
) -> None:
    """Settle a merge conflict in dvc.lock and run the rest.

    Takes each entry that a side executed on the merged files, and runs the stages that neither did.
    """
    from plumbline.ops.resolve import resolution

    choices = resolution.resolve(
        Path("."), lambda line: say([line]), targets or [], repro=not no_repro
    )
    dropped = sum(choice.entry is None for choice in choices)
    say([f"{len(choices) - dropped} entries taken, {dropped} dropped"])
    if no_repro:
        say(["next: `dvc checkout`, `dvc repro`, `git add dvc.lock metrics`, `git commit`"])
    else:
        say(["dvc.lock is what this tree gives; `git commit` ends the merge"])


@group.command("rollback", "model-v1", "main --dry-run", "main --store production", "--abandon")
def rollback(
    rev: Annotated[
        str | None,
        typer.Argument(
            metavar="REV", help="Commit, tag or branch; a branch is checked out as a branch."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would change, change nothing.")
    ] = False,
    abandon: Annotated[
        bool,
        typer.Option(
            "--abandon", help="End an interrupted rollback as it is, and print how things stand."
        ),
    ] = False,
    store: Store = None,
) -> int:
    """Roll back code, data, model, registry and feature store to a commit.

    Verifies every step, and leaves all as it was if one fails. Services follow: a running one answers by the
    commit's bundle at once. Exits with 1 where one refuses.
    """
    from plumbline.ops.online_store import settings
    from plumbline.ops.rollback import transaction
    from plumbline.repo import environment_files

    if abandon and (rev or dry_run):
        raise PlumblineError("rollback: --abandon takes neither REV nor --dry-run")
    if abandon:
        say(transaction.abandon(Path(".")))
    elif rev is None:
        raise PlumblineError("Missing argument 'REV'. Expected a commit, tag or branch")
    elif dry_run:
        say(transaction.lines(Path("."), rev, settings.chosen(store)))
    else:
        chosen = settings.chosen(store)
        refused = transaction.rollback(Path("."), rev, lambda line: say([line]), chosen)
        say(environment_files.notes(Path(".")))
        return int(bool(refused))
    return 0


@group.command("verify", "", "model-v1 --in cache --in remote", "--all-tags --repair")
def verify(
    rev: Revision = None,
    all_tags: Annotated[
        bool, typer.Option("--all-tags", help="The objects of every tag too.")
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Restore bad and missing objects from another place.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    where: Annotated[
        list[Place] | None,
        typer.Option(
            "--in",
            metavar="PLACE",
            help="Only in workspace, cache, remote or source (read in place); repeatable.",
        ),
    ] = None,
    remote: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="This remote, not the default one; repeatable."),
    ] = None,
) -> int:
    """Hash every recorded object again, and repair damage.

    Exits with 1 if an object is bad or missing, after repairs.
    """
    from json import dumps

    from plumbline.repo import verification

    result = verification.run(
        Path("."), rev, all_tags=all_tags, where=where or (), remotes=remote or (), mend=repair
    )
    if json:
        print(dumps(verification.document(result).plain(), indent=2))
    else:
        say(verification.text(result))
    return 1 if result.report.findings else 0
