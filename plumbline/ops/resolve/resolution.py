"""Resolution of dvc.lock in a merge: entries taken from either side, the rest rerun. An edge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from plumbline.core import dvc_hash
from plumbline.core.errors import PlumblineError
from plumbline.core.files import replacing
from plumbline.ops.resolve import merge_state
from plumbline.ops.resolve.choose import MergedTree, StageChoice, choose
from plumbline.ops.rollback import restore
from plumbline.repo import dvc_command, revisions, verify
from plumbline.repo.object_stores import settings
from plumbline.review.lockcheck import failure
from plumbline.runtime import dvc_lock, dvc_yaml, git
from plumbline.runtime.dvc_lock import Entry

Progress = Callable[[str], None]


def resolve(
    root: Path, progress: Progress, targets: Sequence[str] = (), *, repro: bool = True
) -> list[StageChoice]:
    """Write dvc.lock, and the files that git keeps of each entry, from what the sides executed.

    With `repro`, the outs are checked out, the rest runs (or these targets of `dvc repro`), and the
    result is added to git's index. A file of a dropped stage is HEAD's until the stage has run. Raises PlumblineError where no merge is
    under way, another file is in conflict, or a stage fails; then the index still has the conflict.
    """
    commits = merge_state.commits(root)
    merge_state.refuse_conflicts(root, commits.values())
    names = (dvc_yaml.FILE, dvc_yaml.PARAMS)
    merged = revisions.blobs(root, None, names)
    graph, params = (merge_state.document(merged.get(name, b""), name) for name in names)
    declared = dvc_yaml.stages(graph, params)
    kept = sorted({path for stage in declared.values() for path in stage.in_git})
    recorded = {
        name: merge_state.side(root, name, commit, kept) for name, commit in commits.items()
    }
    written = {out for stage in declared.values() for out in stage.paths}
    deps = {dep for stage in declared.values() for dep in stage.deps} - written
    merge_state.refuse_stale(root)
    files = {dep: merge_state.md5(root, dep) for dep in sorted(deps)}
    others = {file for stage in declared.values() for file in stage.params}
    values = {file: merge_state.values(root, file) for file in others}
    choices = choose(list(recorded.values()), MergedTree(declared, files, values))
    _write(root, choices, commits, kept)
    for choice in choices:
        progress(line(choice))
    if repro:
        finish(root, choices, kept, targets, progress)
    return choices


def line(choice: StageChoice) -> str:
    """What became of a stage, for a person."""
    if choice.entry is None:
        return f"{choice.stage}: dropped ({choice.reason})"
    return f"{choice.stage}: taken from {' and '.join(choice.sides)}"


def finish(
    root: Path,
    choices: Sequence[StageChoice],
    kept: Iterable[str],
    targets: Sequence[str],
    progress: Progress,
) -> None:
    """Check the taken outs out, run what was dropped, and add the result to the index."""
    try:
        progress(f"fetch: {restore.fetch(root)}")
    except PlumblineError as error:
        progress(f"fetch: {error}; what is missing is rebuilt")
    _checkout(root, [c.entry for c in choices if c.entry is not None], set(kept))
    done = dvc_command.run(root, "repro", *targets, progress=progress)
    if done.code:
        failed = failure("\n".join(done.lines))
        last = f"dvc repro: {done.lines[-1] if done.lines else ''}"
        message = f"{failed.stage}: {failed.error}" if failed else last
        raise PlumblineError(f"{message}; fix it, then run `plumbline resolve` again")
    there = [path for path in (dvc_lock.FILE, *kept) if (root / path).exists()]
    git.output(root, "add", "--", *there)


def _checkout(root: Path, entries: Sequence[Entry], kept: set[str]) -> None:
    """The taken outs in the work tree, hashed again: DVC does not prove what it restores."""
    outs = [path for entry in entries for path in entry.outs if path not in kept]
    if outs:
        restore.dvc(root, "checkout", "--force", "--allow-missing", "--", *outs)
    report = verify.check(settings(root), where=("workspace", "cache"))
    lost = {f.use.out.path for f in report.findings if (f.where, f.kind) == ("cache", "missing")}
    for finding in report.findings:  # what the cache lacks DVC makes again
        if finding.kind in ("bad", "extra") and finding.use.out.path in set(outs) - lost:
            raise PlumblineError(
                f"{finding.use.path}: {finding.kind} in {finding.where}; "
                "`plumbline verify --repair`, then resolve again"
            )


def _write(
    root: Path, choices: Sequence[StageChoice], commits: Mapping[str, str], kept: Sequence[str]
) -> None:
    """dvc.lock with the taken entries, and each kept out as the side has it whose entry was taken."""
    source = {}
    for choice in choices:
        for path in choice.entry.outs if choice.entry else ():
            source[path] = commits[choice.sides[0]]
    for path in kept:
        _put(root, path, source.get(path, commits["HEAD"]))
    taken = {c.stage: c.entry.raw for c in choices if c.entry is not None}
    with replacing(root / dvc_lock.FILE) as beside:
        beside.write_text(merge_state.dumped({"schema": "2.0", "stages": taken}), encoding="utf-8")


def _put(root: Path, path: str, commit: str) -> None:
    blobs = merge_state.kept_blobs(root, commit, path)
    if path not in blobs and blobs:  # a folder
        for name in dvc_hash.listing(root, path):
            if f"{path}/{name}" not in blobs:
                (root / path / name).unlink()
    for name, data in blobs.items():
        with replacing(root / name) as beside:
            beside.write_bytes(data)
