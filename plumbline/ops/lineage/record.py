"""A target's whole lineage as values for JSON: chain, commits, features, MLflow's runs. An edge: reads git."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.ops.lineage import chain_libraries, scored_event
from plumbline.ops.lineage.chain import Chain, Step, trace
from plumbline.ops.lineage.lineage_document import (
    ImportedPath,
    LineageDocument,
    RecordedCommit,
    RegisteredVersion,
    StageCode,
    StageFacts,
    TracedOut,
    TracedSource,
    TracedStage,
)
from plumbline.ops.lineage.target import LineageTarget
from plumbline.ops.rollback import registry
from plumbline.repo import artifacts, revisions, tracked_outs
from plumbline.repo.artifacts import Role
from plumbline.review.comparison_sections import RevisionName
from plumbline.runtime import dvc_lock, git
from plumbline.runtime.dvc_lock import Entry
from plumbline.runtime.libraries import versions

CODE = ".py"


def lineage(root: Path, target: LineageTarget) -> LineageDocument:
    """Everything that stands behind a target; PlumblineError where its entry cannot be followed."""
    if target.out.file.endswith(".dvc"):
        return _tracked(root, target)
    entries = revisions.entries(root, target.rev, target.name)
    if target.out.path not in {path for entry in entries.values() for path in entry.outs}:
        raise PlumblineError(
            f"{target.out.path}: not an out of {dvc_lock.FILE} in the project's root"
        )
    usecase = target.out.stage.partition("@")[2]
    chain = trace(entries, target.out.path, partial(_is_code, root, target.rev, usecase))
    commits = since(root, target.rev, {name: entries[name] for name in chain.steps})
    runs, registered, notes = _mlflow(root, usecase, chain)
    pins = chain_libraries.pins(root, target.rev, chain)
    scored = None
    if target.key is not None:
        scored = scored_event.prediction(root, target.rev, usecase, target.out, target.key)
    return LineageDocument(
        target=TracedOut(
            path=target.member or chain.path,
            member_md5=target.oid,
            out=chain.path,
            md5=chain.md5,
        ),
        revision=_revision(root, target),
        prediction=scored,
        stages=[
            _stage(root, target.rev, step, commits.get(step.stage), runs.get(step.stage, ()), pins)
            for step in chain.steps.values()
        ],
        versions=registered,
        breaks=list(chain.breaks),
        notes=[*target.notes, *notes, *chain_libraries.notes(target.rev and target.name, pins)],
    )


def _revision(root: Path, target: LineageTarget) -> RevisionName:
    return RevisionName(name=target.name, commit=target.rev or revisions.commit(root, "HEAD"))


def since(
    root: Path, rev: str | None, entries: Mapping[str, dvc_lock.Entry]
) -> dict[str, RecordedCommit]:
    """The commit that brought each entry as it is: the first of an unbroken line; none if uncommitted.

    The line follows parents, a merge's first one first, not the commits' dates.
    """
    form = "--format=%H%x09%P%x09%cI%x09%s"
    words = ("log", "--topo-order", "--full-history", "--parents", form, rev or "HEAD")
    listed = [line.split("\t", 3) for line in git.lines(root, *words, "--", dvc_lock.FILE)]
    known = cache(lambda commit: revisions.entries(root, commit, commit[:9]))
    parents = {commit: above.split() for commit, above, *_ in listed}
    texts = {
        commit: RecordedCommit(commit=commit, when=when, subject=subject)
        for commit, _, when, subject in listed
    }
    tip = listed[0][0] if listed else ""
    own = [name for name, entry in entries.items() if tip and known(tip).get(name) == entry]
    return {name: texts[_origin(name, tip, parents, known)] for name in own}


def _origin(
    name: str,
    tip: str,
    parents: Mapping[str, Sequence[str]],
    known: Callable[[str], Mapping[str, Entry]],
) -> str:
    """The commit from which an entry comes down to the tip unchanged."""
    entry, commit = known(tip)[name], tip
    while True:
        same = (p for p in parents[commit] if p in parents and known(p).get(name) == entry)
        before = next(same, None)
        if before is None:
            return commit
        commit = before


def _is_code(root: Path, rev: str | None, usecase_name: str, path: str) -> bool:
    """Whether a dep is code: a Python file, or a folder in which git has one, but for a source's folder."""
    if path.endswith(CODE):
        return True
    if artifacts.declared(usecase_name, Role.SOURCE, root) == path:
        return False
    return any(name.endswith(CODE) for name in revisions.below(root, rev or "HEAD", path))


def _stage(
    root: Path,
    rev: str | None,
    step: Step,
    commit: RecordedCommit | None,
    runs: Sequence[str],
    pins: Mapping[str, str],
) -> TracedStage:
    return TracedStage(
        name=step.stage,
        command=step.command,
        commit=commit,
        params=step.params,
        code=StageCode(md5=step.code_md5, files=step.code),
        environment={file: versions(pins.get(file, "")) for file in step.environment},
        sources=[_source(root, rev, path, md5) for path, md5 in step.sources.items()],
        reads=step.reads,
        writes=step.writes,
        facts=facts(root, rev, step),
        runs=list(runs),
    )


def facts(root: Path, rev: str | None, step: Step) -> StageFacts:
    """Of the small JSON that the stage wrote: its source, rows, and the features in the model."""
    stage = step.stage.partition("@")[0]
    paths = artifacts.metrics({stage: Entry(outs=step.writes)}).values()
    facts_read = StageFacts()
    for path, data in revisions.blobs(root, rev, paths).items():
        try:
            document = json.loads(data)
        except ValueError as error:
            raise PlumblineError(f"{path}: not valid JSON ({error})") from None
        copied = {key: document[key] for key in ("source", "rows") if key in document}
        features = document.get("features")
        if isinstance(features, list):
            copied["features"] = [f["name"] for f in features if f.get("in_model")]
        facts_read = facts_read.model_copy(update=copied)
    return facts_read


def _source(root: Path, rev: str | None, path: str, md5: str) -> TracedSource:
    """A path that no stage made, and from where `dvc import-url` or `dvc import` brought what is in it."""
    brought = [
        ImportedPath(path=out, deps=deps)
        for out, deps in _imports(root, rev)
        if deps and (out == path or out.startswith(f"{path}/"))
    ]
    return TracedSource(path=path, md5=md5, imported=brought)


def _imports(root: Path, rev: str | None) -> Iterator[tuple[str, list[Any]]]:
    """What each .dvc file tracks, and the `deps` that it was imported from."""
    for out in revisions.outs(root, rev):
        if out.file.endswith(".dvc"):
            text = revisions.blobs(root, rev, (out.file,))[out.file].decode(errors="replace")
            yield out.path, tracked_outs.imported_from(text, out.file)


def _tracked(root: Path, target: LineageTarget) -> LineageDocument:
    """The lineage of what a .dvc file tracks: itself, and from where it was imported."""
    out = target.out
    stage = TracedStage(
        name=out.file,
        command="",
        commit=None,
        params={},
        code=StageCode(md5="", files={}),
        sources=[_source(root, target.rev, out.path, out.md5)],
        reads={},
        writes={out.path: out.md5},
        facts=StageFacts(),
        runs=[],
    )
    return LineageDocument(
        target=TracedOut(path=out.path, member_md5=None, out=out.path, md5=out.md5),
        revision=_revision(root, target),
        prediction=None,
        stages=[stage],
        versions=[],
        breaks=[],
        notes=list(target.notes),
    )


def _mlflow(
    root: Path, usecase_name: str, chain: Chain
) -> tuple[Mapping[str, Sequence[str]], list[RegisteredVersion], Sequence[str]]:
    """MLflow's runs of the chain's stages and versions of its bundle; a note where it does not answer."""
    if registry.off() or registry.empty():
        return {}, [], ()
    wrote = {name: dict(step.writes) for name, step in chain.steps.items()}
    maker = wrote.get(f"{Role.BUNDLE.stage}@{usecase_name}", {})
    bundles = {md5 for path, md5 in maker.items() if Role.BUNDLE.is_at(path, usecase_name)}
    try:
        known = registry.versions(root, usecase_name)
        runs = registry.runs(root, usecase_name, wrote)
    except PlumblineError as error:
        return {}, [], (f"without MLflow: {error}",)
    registered = [
        RegisteredVersion(number=v.number, aliases=list(v.aliases))
        for v in known
        if v.md5 in bundles
    ]
    return runs, registered, ()
