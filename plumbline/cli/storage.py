"""Commands on stored objects: the remote of this clone, what is pushed to it, what nobody needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plumbline.cli.options import CommandGroup, Json, annotate, keep_json, pairs, say

if TYPE_CHECKING:
    from plumbline.repo.garbage import Survey

group = CommandGroup("Operations")

SHOWN = 20
URL = "DVC_REMOTE_URL"


@group.command("gc", "", "--apply", "--apply --cloud")
def gc(
    apply: Annotated[
        bool, typer.Option("--apply", help="Remove them; without it, only list them.")
    ] = False,
    cloud: Annotated[bool, typer.Option("--cloud", help="On the default remote too.")] = False,
    json: Json = None,
) -> None:
    """Free stored objects that no branch, tag or file here needs, and the partitions that stages keep.

    Refuses where it cannot tell what is needed.
    """
    from plumbline.core import partition_cache
    from plumbline.repo import garbage, known_entries, object_stores

    settings = object_stores.settings(Path("."))
    object_stores.refuse_links(settings)
    garbage.refuse_doubt(settings.root, cloud=cloud)
    survey = garbage.survey(settings, cloud=cloud)
    say(_free(survey, apply))
    partitions = partition_cache.place()
    spare = partition_cache.size(partitions) if partitions else 0
    say(
        [
            f"partitions: {'removing' if apply else 'would free'} {spare:,} bytes; a stage computes them again"
        ]
    )
    free = {place: dict(objects) for place, objects in survey.free.items()}
    answer = {"needed": len(survey.needed), "free": free, "partitions": spare, "applied": apply}
    keep_json(json, answer)
    garbage.collect(settings, survey, cloud=cloud, apply=apply)
    if apply and partitions:
        partition_cache.clear(partitions)
    if apply and (gone := known_entries.prune(settings.root, settings.folder().sizes())):
        say([f"{gone} remembered entries of dvc.lock, whose objects are gone, were removed"])
    if not apply:
        say(["nothing was removed; `--apply` removes it, from the remote for ever"])


def _free(survey: Survey, apply: bool) -> Iterator[str]:
    """What is free in each place, the largest first."""
    from plumbline.repo import garbage

    needed, commits = len(survey.needed), len(survey.commits)
    yield f"{needed:,} objects are needed by the work tree and {commits:,} commits"
    for place, free in survey.free.items():
        verb = "removing" if apply and not survey.doubtful else "would free"
        if place == garbage.CACHE and survey.doubtful:
            verb = f"shared with {survey.shared}; staying:"
        yield f"{place}: {verb} {len(free):,} objects, {sum(free.values()):,} bytes"
        largest = sorted(free, key=lambda oid: (-free[oid], oid))
        yield from (f"  {oid}  {free[oid]:,}" for oid in largest[:SHOWN])
        if len(largest) > SHOWN:
            yield f"  and {len(largest) - SHOWN:,} more"


@group.command("clean", "", "--apply")
def clean(
    apply: Annotated[
        bool, typer.Option("--apply", help="Remove them; without it, only list them.")
    ] = False,
) -> None:
    """List or remove products that a command makes again.

    Caches, MLflow's local files, and outputs whose bytes are in DVC's cache. Nothing else is touched.
    """
    from plumbline.repo import products

    listed = products.find(Path("."))
    say(listed.files)
    say(f"kept: {path}; its bytes are not in the cache" for path in listed.kept)
    if apply:
        products.remove(Path("."), listed)
        say([f"{len(listed.files):,} removed; `dvc checkout` puts outputs back"])
    else:
        say(["nothing was removed; `--apply` removes these"])


@group.command("push", "", "--all-tags")
def push(
    all_tags: Annotated[
        bool, typer.Option("--all-tags", help="The objects of every tag too.")
    ] = False,
) -> int:
    """Push every recorded object, and verify the remote.

    Exits with 1 if an object is missing or bad there.
    """
    from plumbline.ops import push as pushing

    report = pushing.push(Path("."), all_tags=all_tags)
    say(f"{f.kind:10} {f.where}: {f.use.path}" for f in report.findings)
    checked = sum(part.checked for part in report.parts if part.where.startswith("remote"))
    say([f"{len(report.findings)} not as recorded; {checked:,} objects on the remote"])
    return 1 if report.findings else 0


@group.command(
    "remote", "/mnt/team/store", "s3://bucket/store --set endpointurl=https://s3.example.com"
)
def remote(
    url: Annotated[
        str | None,
        typer.Argument(
            metavar="ADDRESS",
            help="A folder, s3://BUCKET/PATH, ssh://USER@HOST/PATH, ...; that of the environment "
            f"variable {URL}, or none, if omitted.",
        ),
    ] = None,
    name: Annotated[str, typer.Option(metavar="NAME", help="Name of the remote.")] = "storage",
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="An option of DVC's for the remote; repeatable."
        ),
    ] = None,
) -> int:
    """Set this clone's remote, with every fetch hashed.

    Writes .dvc/config.local. Exits with 1 if the remote does not answer.
    """
    from plumbline.repo import configure

    if url is None:
        return _from_environment()
    say([configure.remote(Path("."), name, url, pairs("--set", options or ()))])
    reason = configure.answers(Path("."), name)
    say([f"it does not answer: {reason}" if reason else "it answers; `dvc push` fills it"])
    return 1 if reason else 0


def _from_environment() -> int:
    """As a workflow does; without an address nothing is shared."""
    import os

    from plumbline.repo import remote_config

    url = os.environ.get(URL, "").strip()
    file = remote_config.use(Path("."), url)
    if url:
        say([f"{file}: the remote is that of {URL}; what it sends is hashed"])
    else:
        annotate("notice", f"{URL} is not set: no remote, everything is computed here")
    return 0


@group.command("reuse", "")
def reuse() -> None:
    """Bring outputs that were computed before from the cache, for the code and params as they are now.

    As after parameters that were changed and changed back, or `git switch`: where dvc.lock, or an entry that
    was remembered on this machine, has a stage's command, inputs and params, its outputs and its entry in
    dvc.lock are put back, every byte hashed. Nothing runs: `dvc repro` computes the rest.
    """
    from plumbline.repo import reuse as reusing

    stages = reusing.outs(Path("."))
    say(f"{s.name}: outs brought from the cache ({', '.join(s.outs)})" for s in stages if s.outs)
    say(f"{s.name}: to run: {s.reason}" for s in stages if s.reason)
    there = sum(not s.outs and not s.reason for s in stages)
    say([f"{there} of {len(stages)} stages: outs were there already"])
