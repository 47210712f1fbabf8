"""The command on sources that are read in place: what they have, beside what their manifest lists."""

from __future__ import annotations

from typing import Annotated

import typer

from plumbline.cli.options import CommandGroup, Json, Usecase, keep_json, say

group = CommandGroup("Run")


@group.command(
    "manifest", "my_table", "my_table --update", "my_table --rehash --json manifest.json"
)
def manifest(
    usecase: Usecase,
    update: Annotated[
        bool, typer.Option("--update", help="Write the manifest after what changes was printed.")
    ] = False,
    rehash: Annotated[
        bool,
        typer.Option("--rehash", help="Read every byte again, whatever is known of a file."),
    ] = False,
    json: Json = None,
) -> int:
    """Compare a source that is read in place with its manifest, or write the manifest.

    The manifest (`data.manifest` in params.yaml) lists path, size, hash and rows of each file in `data.path`, a
    folder or an s3:// prefix; it is what `dvc repro` depends on. Exits with 1 if a file is replaced, truncated,
    absent or not listed, and nothing is written.
    """
    from plumbline.ops import source_manifests

    done = source_manifests.surveys(usecase, again=rehash)
    for survey in done:
        say(source_manifests.lines(survey))
    differing = [survey for survey in done if survey.changes]
    if update:
        say(source_manifests.write(survey) for survey in differing)
    keep_json(json, source_manifests.document(usecase, done, written=update))
    if differing and update:
        say([f"Next: git add the manifest, `dvc repro data@{usecase}`, and commit both."])
    elif differing:
        say(["nothing was written; `--update` accepts these"])
    return 1 if differing and not update else 0
