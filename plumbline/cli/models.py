"""Commands on a bundle by itself: what is in it, and raw events scored by it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plumbline.cli.options import CommandGroup, Json, keep_json, say

group = CommandGroup("Operations")

BundlePath = Annotated[
    Path, typer.Argument(metavar="BUNDLE", help="Folder, or archive of `plumbline release`.")
]


@group.command("bundle", "models/my_table", "my_table-model-v1.tar.gz --at model-v1 --source")
def bundle(
    path: BundlePath,
    at: Annotated[
        str | None,
        typer.Option(metavar="TAG", help="Check that this tag of the checkout records it."),
    ] = None,
    source: Annotated[
        bool, typer.Option("--source", help="Print the source of its functions too.")
    ] = False,
    json: Json = None,
) -> int:
    """Show what a bundle declares, brings and was made with.

    Executes nothing of it. The last line is the hash that `score --admit` takes. Exits with 1 if the tag
    does not record it.
    """
    from plumbline.ops import packed_bundle

    with packed_bundle.opened(path) as folder:
        one = packed_bundle.summary(folder, Path("."), at)
        if source:
            say(packed_bundle.sources(folder))
    say(packed_bundle.lines(one, at))
    keep_json(json, one)
    return int(one.at is False)


@group.command(
    "score",
    "models/my_table events.parquet --out answers.parquet",
    "my_table-model-v1.tar.gz events.csv --out answers.csv --admit HASH",
)
def score(
    path: BundlePath,
    events: Annotated[Path, typer.Argument(metavar="EVENTS", help="Parquet or CSV file.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Parquet or CSV file to write.")],
    admit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HASH", help="A bundle's hash, whose functions may be executed; repeatable."
        ),
    ] = None,
    new_entities: Annotated[
        bool,
        typer.Option(
            "--new-entities", help="Histories may be absent: no entity was ever seen before."
        ),
    ] = False,
    json: Json = None,
) -> None:
    """Score raw events with a bundle alone.

    The events have the contract's columns and the histories of their entities. A bundle's functions run
    where the checkout declares the same, or with --admit; see docs/models.md.
    """
    from plumbline.ops import score_events

    count, origin = score_events.score(path, events, out, admit or (), new_entities=new_entities)
    say(
        [
            f"{count:,} events scored, features by the use case {score_events.WORDS[origin]}; wrote {out}"
        ]
    )
    keep_json(json, {"rows": count, "usecase": origin, "out": str(out)})
