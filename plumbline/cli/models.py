"""Commands on models: what is in a bundle, raw events scored by it, and the stages of registered versions."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from plumbline.cli.options import CommandGroup, Json, keep_json, say

group = CommandGroup("Operations")
registered = CommandGroup("History")

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


EventsFile = Annotated[
    str,
    typer.Argument(
        metavar="EVENTS",
        help="CSV or Parquet file, folder, pattern or URL; or a bundle, and EVENTS after it.",
    ),
]
OutFile = Annotated[Path, typer.Option(metavar="FILE", help="Parquet or CSV file to write.")]
EventsAfterBundle = Annotated[
    str | None, typer.Argument(metavar="EVENTS", help="The events, where a bundle comes first.")
]
ModelRevision = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL",
        help="Git revision, bundle's md5, folder or archive; the checkout's bundle if omitted.",
    ),
]
UsecaseOption = Annotated[
    str | None, typer.Option(metavar="USECASE", help="Whose bundle, where there are several.")
]
ExplainOption = Annotated[
    int,
    typer.Option(metavar="N", min=0, help="Write what each feature added to the N highest scores."),
]
TilesOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Tiles that histories go on from; those of the model's commit if omitted.",
    ),
]
ColumnsOption = Annotated[
    Literal["source", "contract"] | None,
    typer.Option(
        metavar="SHAPE",
        help="Whose columns the file has, source or contract, where it could be both.",
    ),
]
AdmitOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="HASH", help="A bundle's hash, whose functions may be executed; repeatable."
    ),
]
NewEntitiesOption = Annotated[
    bool,
    typer.Option("--new-entities", help="Histories may be absent: no entity was ever seen before."),
]


@group.command(
    "score",
    "events.parquet --out answers.parquet",
    "events.csv --out answers.csv --model model-v1 --explain 20",
    "my_table-model-v1.tar.gz events.csv --out answers.csv --admit HASH",
)
def score(
    path: EventsFile,
    out: OutFile,
    events: EventsAfterBundle = None,
    model: ModelRevision = None,
    usecase: UsecaseOption = None,
    explain: ExplainOption = 0,
    tiles: TilesOption = None,
    columns: ColumnsOption = None,
    admit: AdmitOption = None,
    new_entities: NewEntitiesOption = False,
    json: Json = None,
) -> None:
    """Score a file of raw events, of any size.

    Events are held against the contract; those refused go to OUT.refused.parquet with the reasons. Histories
    are the file's columns, or go on from the tiles of the model's commit. A bundle's functions run where the
    checkout declares the same, or with --admit; see docs/models.md.
    """
    from plumbline.ops import score_events

    if events is not None and model is not None:
        raise typer.BadParameter("name the bundle once: before the file, or with --model")
    chosen, file = (model, path) if events is None else (path, events)
    options = score_events.ScoreOptions(
        chosen, usecase, tiles, new_entities, columns, explain, tuple(admit or ())
    )
    done = score_events.score(Path("."), file, out, options)
    say(score_events.lines(done))
    keep_json(json, done)


@registered.command(
    "registry",
    "status",
    "sync",
    "rebuild",
    "challenger my_table 3",
    'archived my_table 2 --reason "its source is gone"',
)
def registry(
    action: Annotated[
        Literal["status", "sync", "rebuild", "challenger", "champion", "archived"],
        typer.Argument(
            metavar="ACTION",
            help="Compare; bring MLflow up to date; build its registry anew; or the stage that a version "
            "gets: challenger, champion, archived.",
        ),
    ],
    usecase: Annotated[
        str | None, typer.Argument(metavar="USECASE", help="Of a version that gets a stage.")
    ] = None,
    version: Annotated[
        str | None, typer.Argument(metavar="VERSION", help="Its number, as `status` lists it.")
    ] = None,
    reason: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Why; an archived version needs one.")
    ] = None,
    json: Json = None,
) -> int:
    """Compare git's models with MLflow's registry, sync them, or give a version a stage.

    What is done is entered in .plumbline/audit.jsonl. Exits with 1 if git and MLflow do not agree.
    """
    from plumbline.ops.rollback import agree, plan, transitions

    root, moving = Path("."), action in ("challenger", "champion", "archived")
    if [moving] * 2 != [usecase is not None, version is not None] or (reason and not moving):
        raise typer.BadParameter(
            "challenger, champion and archived take USECASE VERSION; others nothing"
        )
    if usecase and version:
        say(transitions.move(root, usecase, version, action, reason))  # type: ignore[arg-type]
    elif action != "status":
        say(agree.sync(root) if action == "sync" else agree.rebuild(root))
    rows = agree.status(root)
    say(plan.table(rows))
    agrees = all(row.agrees for row in rows)
    keep_json(json, {"agrees": agrees, "models": [asdict(row) for row in rows]})
    return 0 if agrees else 1
