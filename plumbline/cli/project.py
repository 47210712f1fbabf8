"""Commands for a project that installs the library: start it, note the library's code, move to a newer one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plumbline.cli import tables
from plumbline.cli.options import CommandGroup, say
from plumbline.cli.tables import Delay, Key, Label, Time

group = CommandGroup("Run")


@group.command(
    "init",
    "shop --from orders.csv --label returned",
    "shop --from orders.csv --label returned --time ordered_at --key order_id --commit",
)
def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new or an empty folder.")],
    table: Annotated[
        Path, typer.Option("--from", metavar="FILE", help="Your table: CSV or Parquet.")
    ],
    label: Label = None,
    time: Time = None,
    key: Key = None,
    delay: Delay = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The use case; after the file if omitted.")
    ] = None,
    commit: Annotated[bool, typer.Option("--commit", help="Make the first commit.")] = False,
) -> None:
    """Write a project of your own around a table: graph, use case, workflows, locks; git and DVC.

    The use case is inferred as `plumbline new --from` does. The library stays installed and is not copied.
    `make repro` in the folder ends with a model.
    """
    from plumbline.ops import infer
    from plumbline.ops.init import create

    create.refuse_used(folder)
    wanted = label or tables.ask_label(table)
    usecase = name or create.usecase_of(table)
    guess = infer.infer(table, wanted, time=time, key=key, delay=delay, name=usecase)
    say(tables.report(guess))
    say(create.create(folder, guess, commit=commit))


@group.command("sync", "")
def sync() -> None:
    """Note the installed library's code in environment/, so that stages whose code changed run again.

    For a project that installs the library. Run it after a change of the library, of requirements.txt
    or of what stages/ imports; a stage refuses to run with a library that is not noted.
    """
    from plumbline.repo import library_file

    written = library_file.sync(Path("."))
    say(f"{file}: written; commit it" for file in written)
    if not written:
        say(["environment/: up to date"])


@group.command("upgrade", "", "--apply", "--apply --keep Makefile --take dvc.yaml")
def upgrade(
    apply: Annotated[
        bool, typer.Option("--apply", help="Write it; without it, only show it.")
    ] = False,
    keep: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Your text of a file, where both changed it."),
    ] = None,
    take: Annotated[list[str] | None, typer.Option(metavar="FILE", help="The library's.")] = None,
) -> int:
    """Move a project to the installed library: show what it would rewrite; what you changed stays.

    For a project that `plumbline init` wrote. A place that you and the library both changed is shown
    with both texts, and nothing is written until it is settled. Exits with 1 where there is one.
    """
    from plumbline.ops.init import upgrade as upgrades
    from plumbline.repo import environment_files

    planned = upgrades.plan(Path("."), keep or (), take or ())
    say(upgrades.lines(planned))
    versions = f"{planned.old} -> {planned.new}"
    if not apply:
        count = len(planned.changes)
        say([f"{versions}: {count} files change; --apply writes them, then `dvc repro`"])
        return int(bool(planned.conflicts))
    written = upgrades.apply(Path("."), planned)
    say(f"{path}: written" for path in written)
    say(environment_files.notes(Path(".")))
    say([f"{versions}: done; next: `dvc repro`, then commit"])
    return 0
