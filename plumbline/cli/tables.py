"""Commands for a team's own table: look at it, start a use case from it, remove one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plumbline.cli.options import (
    CommandGroup,
    Json,
    Usecase,
    Usecases,
    keep_json,
    keep_text,
    say,
)

if TYPE_CHECKING:
    from plumbline.ops.infer.guess import Guess

group = CommandGroup("Run")

Label = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="What is predicted in the table; COLUMN=VALUE for one class against the rest. Asked for at a "
        "terminal if omitted.",
    ),
]
Time = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="When an event of the table happened; `none` for a plain table. Guessed if omitted.",
    ),
]
Key = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="What identifies a row of the table. Guessed if omitted."),
]

Delay = Annotated[
    str | None,
    typer.Option(
        "--label-delay",
        metavar="TIME",
        help="How long after an event its label is known: 7d, 12h, 30m. A day if omitted.",
    ),
]


@group.command(
    "new",
    "my_table",
    "my_table --from orders.csv --label returned",
    "my_table --from orders.csv --label returned --time ordered_at --key order_id --label-delay 12h",
    "irises --from iris.csv --label species=setosa",
)
def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Lower-case letters, digits and underscores.")
    ],
    table: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Infer it from this table, CSV or Parquet."),
    ] = None,
    label: Label = None,
    time: Time = None,
    key: Key = None,
    delay: Delay = None,
) -> None:
    """Start a use case: package, params section, source, profile.

    With --from it is inferred from a table (types, ranges, key, entities, histories, search space), and runs
    as it is. Every guess has its evidence in a comment; columns that give the label away are left out.
    """
    from plumbline.ops import infer, new_usecase

    if table is None:
        _without_table(label, time, key, delay)
        package, profile, _, source = new_usecase.create(name)
        say([f"Written: {package}/, {profile}, {source}/, and a section in params.yaml."])
        say([f"Next: put your table at {source}/{name}.csv, declare its columns in {package},"])
        say([f"add {name} to `usecases` in params.yaml, and run `dvc repro`."])
        return
    guess = infer.infer(
        table, label or ask_label(table), time=time, key=key, delay=delay, name=name
    )
    written = infer.write(guess)
    say(report(guess))
    say([f"Written: {', '.join(map(str, written))}"])
    say(
        [
            f"Next: read usecases/{name}/contract.py, run `dvc repro`, then `plumbline accept {name}`."
        ]
    )


def ask_label(table: Path) -> str:
    """The label, asked for at a terminal; PlumblineError with the candidates where there is none."""
    from plumbline.core.errors import PlumblineError
    from plumbline.ops import infer

    candidates = infer.label_candidates(table)
    if not candidates:
        raise PlumblineError(
            f"{table}: no column can be predicted: expected a number, or two values"
        )
    shown = ", ".join(candidates[:12]) + (" ..." if len(candidates) > 12 else "")
    if not _is_interactive():
        raise PlumblineError(
            f"{table}: which column is predicted? Name it with --label; it could be one of: {shown}"
        )
    say([f"Columns of {table} that can be predicted: {shown}"])
    answer: str = typer.prompt("Label", default=candidates[0])
    return answer


def report(guess: Guess) -> Iterator[str]:
    """What was guessed, left out and refused, in lines."""
    for one in guess.evidence:
        if one.guess != "left out":
            yield f"{one.subject}: {one.guess} ({one.reason})"
    yield from (f"left out: {line}" for line in guess.left_out)
    for refused in guess.refused:
        yield f"refused: {refused.subject} as {refused.considered}: {refused.reason}"


def _without_table(label: str | None, time: str | None, key: str | None, delay: str | None) -> None:
    from plumbline.core.errors import PlumblineError

    given = {"--label": label, "--time": time, "--key": key, "--label-delay": delay}
    for option, value in given.items():
        if value is not None:
            raise PlumblineError(
                f"{option} {value}: says something of a table; name it with --from"
            )


def _is_interactive() -> bool:
    """Whether a person can answer: no CI, and a terminal on both sides."""
    import os

    return not os.environ.get("CI") and sys.stdin.isatty() and sys.stdout.isatty()


@group.command("drop", "my_table", "my_table --dry-run")
def drop(
    usecase: Usecase,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be removed.")
    ] = False,
) -> None:
    """Remove a use case: package, section, source, profile, data, models, reports, registrations.

    Git's and DVC's history keep it: `plumbline rollback` to a commit before brings it back. Refuses where
    something of it is in no history: not committed, or not in DVC's cache.
    """
    from plumbline.ops import drop_usecase

    planned = drop_usecase.plan(Path("."), usecase)
    if dry_run:
        say(f"{path}: would be removed" for path in planned.paths)
        print(
            f"and {len(planned.entries)} entries of dvc.lock, the section of params.yaml, registrations"
        )
        return
    say(drop_usecase.drop(Path("."), planned))
    print(
        "History still has it: commit this; `plumbline rollback` to an earlier commit brings it back."
    )


@group.command(
    "profile",
    "orders.csv",
    "orders.csv --label returned --json profile.json",
    "export.txt --delimiter ';' --encoding cp1252",
    "my_table --html /tmp/my_table.html",
)
def profile(
    target: Annotated[
        str,
        typer.Argument(metavar="FILE|USECASE", help="A table, CSV or Parquet, or a use case."),
    ],
    label: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Look for what gives this one away.")
    ] = None,
    time: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The event time; guessed if omitted.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The key; guessed if omitted.")
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option(metavar="CHARACTER", help="Of a CSV; detected if omitted.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of a CSV; detected if omitted.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the page goes; reports/ if omitted.")
    ] = None,
    json: Json = None,
) -> None:
    """Look at a table before it is used: a page with its columns, time, key, label and what is odd.

    Histograms, missing values, days without rows, repeated rows, keys and times, constants, the likely key,
    event time, entities and label, and columns that give the label away.
    """
    from plumbline.ops.table_profile import table_blocks, targets
    from plumbline.ops.table_profile.profiling import TableQuestions
    from plumbline.report import html as pages

    questions = TableQuestions(label, time, key, delimiter, encoding)
    result = targets.profile(target, questions)
    place = html or targets.page(target)
    keep_text(place, pages.render(table_blocks.blocks(result)))
    keep_json(json, result)
    say([f"{result.table}: {result.rows:,} rows, {len(result.columns)} columns"])
    say(f"{one.subject}: {one.text}" for one in result.findings)
    say([str(place)])


@group.command("data-pages", "reports/data-pages", "reports/data-pages my_table")
def data_pages(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where they go; it is replaced.")
    ],
    usecases: Usecases = None,
) -> None:
    """Collect what a reviewer opens about the data: profile page, Data Docs, results, by data version.

    FOLDER gets a folder USECASE-VERSION for each use case whose data are in the work tree: profile.html and .json,
    data.json, validate.json and data-docs/. The pull request's workflow stores it, and the comment links to it.
    """
    from plumbline import config
    from plumbline.ops import data_pages as pages

    say(pages.collect(folder, config.selected(usecases or [])))
