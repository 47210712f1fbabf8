"""A rollback as a transaction: all steps, or an undo of those that were begun."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.ops.rollback import journal as journals
from plumbline.ops.rollback import plan, registry, restore, servers, steps, tool
from plumbline.ops.rollback.journal import Journal, RegistryBefore
from plumbline.ops.serving import follow
from plumbline.repo import object_stores, revisions, state, verify

Progress = Callable[[str], None]


def rollback(root: Path, rev: str, progress: Progress, store: str | None = None) -> list[str]:
    """Roll everything back to `rev`; `progress` receives each step's proof.

    `store` names the feature store on servers that goes along, None where there is none. Services follow once all
    is done; returns the use cases whose service does not.

    Raises PlumblineError where it cannot begin (nothing was touched), or a step failed (everything
    is as it was, or the message says what is not). Outs that only the cache had before are in the
    work tree, too, after an undo.
    """
    with journals.alone(root):
        state.refuse_running(root)
        recover(root, progress)
        journal = begin(root, rev, store)
        try:
            journal = _forward(root, journal, progress)
        except (PlumblineError, OSError) as error:
            raise PlumblineError(f"{error}\n{_back(root, 'undone')}") from None
        except BaseException:  # interrupted
            progress(_back(root, "undone"))
            raise
        _close(root, journal, "done")
        progress(f"done: {journal.start} -> {journal.target}")
        if tool.needed(root):
            progress(
                f"this commit has no rollback command: return with `python {journals.FOLDER}/tool rollback`"
            )
        return follow.follow(root, progress)


def recover(root: Path, progress: Progress) -> None:
    """Undo an interrupted rollback; close one that only lacked its entry in the audit log."""
    journal = journals.load(root)
    if journal is None:
        return
    if journal.done:
        _close(root, journal, "done")
        progress(f"found: the rollback of {journal.when} to {journal.rev} was done")
        return
    at = journal.steps[-1] if journal.steps else "the start"
    progress(f"found: the rollback of {journal.when} to {journal.rev} was interrupted at {at}")
    outcome = _back(root, "recovered")
    if journals.load(root):
        raise PlumblineError(outcome)
    progress(outcome)


def abandon(root: Path) -> Iterator[str]:
    """End a rollback that was interrupted without an undo; the lines say in which state things are.

    PlumblineError where there is none, or one is at work.
    """
    with journals.alone(root):
        left = journals.abandon(root)
        yield f"abandoned: {left or 'a rollback whose journal was damaged'}; nothing was restored"
        yield f"git is at {restore.head(root)}"
        if left:
            yield f"begun: {', '.join(left.steps) or 'nothing'}; it came from {left.start}"
            yield from servers.describe(root, left)
    yield "`git status` and `plumbline verify` name what differs from this commit; `dvc checkout` restores outs"
    yield "`plumbline registry status` names the champion; `registry sync` moves it to this commit"
    yield "`plumbline features materialize USECASE` rebuilds the feature store"


def begin(root: Path, rev: str, store: str | None = None) -> Journal:
    """Check the preconditions and return the rollback's journal; PlumblineError where one does not hold."""
    target = restore.resolve(root, rev)
    restore.refuse_dirty(root)
    settings = object_stores.settings(root)
    report = verify.check(settings, where=("workspace", "cache"))
    plan.refuse_unsafe(report.findings)
    for name in settings.remotes:
        settings.remote(name)  # imports what it needs while this code is there
    restore.refuse_lost(settings, rev, target.commit)
    before, after = (revisions.outs(root, commit) for commit in ("HEAD", target.commit))
    present = restore.present(root, plan.only_in(after, before))
    missing = tuple(sorted({f.use.path for f in report.findings if f.where == "workspace"}))
    if store:
        servers.begin(root, store)
    tool.keep(root)
    known = None if registry.off() else _registered(root, target.commit)
    head = restore.head(root)
    return journals.new(
        rev, head, target, absent=missing, present=present, registry=known, store=store
    )


def lines(root: Path, rev: str, store: str | None = None) -> Iterator[str]:
    """What a rollback to `rev` would change; changes nothing."""
    start, target = restore.head(root), restore.resolve(root, rev)
    restore.refuse_dirty(root)
    before, after = (revisions.outs(root, head.commit) for head in (start, target))
    differing = plan.changed(before, after)
    settings = object_stores.settings(root)
    restore.refuse_lost(settings, rev, target.commit)
    held = verify.check(settings, (target.commit,), ("cache",))
    yield f"code: {start} -> {target}"
    yield f"fetch: {len(held.findings):,} objects are missing or bad in the cache"
    yield f"outs: {len(differing):,} of {len(after):,} change" + "".join(
        f"\n  {path}" for path in differing
    )
    yield "verify: every out, in the work tree and the cache"
    for name in follow.served(root):
        yield f"serving: {name}, which was served here, switched to the commit's bundle"
    for usecase, out in plan.bundles(after).items():
        yield f"registry: {_move(root, usecase, out.md5)}"
    also = f"; feature store '{store}' brought to the same values" if store else ""
    yield f"features: Feast applied and materialized for use cases with entities{also}"
    yield "predictions: up to 200 golden events of each use case compared"


def _forward(root: Path, journal: Journal, progress: Progress) -> Journal:
    for name, step in steps.STEPS.items():
        steps.prepare(root, name, journal)
        journal = journals.save(root, journal.begun(name))
        try:
            proof = f"{name}: {step(root, journal)}"
        except PlumblineError as error:
            raise PlumblineError(f"{name}: {error}") from None
        progress(proof)
        journal = replace(journal, proofs=(*journal.proofs, proof))
    return journals.save(root, replace(journal, done=True))


def _back(root: Path, result: str) -> str:
    """Undo what the journal on disk says was begun; how that went. It stays where something failed."""
    journal = journals.load(root)
    if journal is None:
        return "nothing was touched"
    failed = _undo(root, journal)
    if failed:
        return (
            f"the undo is incomplete: {'; '.join(failed)}; fix that, then run "
            f"`python {journals.FOLDER}/tool rollback {journal.start.branch or journal.start.commit}`; "
            f"or `python {journals.FOLDER}/tool rollback --abandon`, which leaves things as they are"
        )
    _close(root, journal, result)
    return f"{result}: everything is as it was at {journal.start}"


def _close(root: Path, journal: Journal, result: str) -> None:
    journals.close(root, journal, result)
    if journal.store:
        servers.forget(root)


def _undo(root: Path, journal: Journal) -> list[str]:
    """Undo each step, the last first, even if another fails; returns the failures."""
    try:
        steps.refuse_edited(root, journal)
    except PlumblineError as error:
        return [str(error)]
    with suppress(OSError):  # the disk may be full: it is all the more to be undone
        journals.save(root, journal.begun(steps.UNDO))
    failed = []
    for action in steps.undo(root, journal):
        try:
            action()
        except (PlumblineError, OSError) as error:
            failed.append(str(error))
    return failed


def _registered(root: Path, commit: str) -> dict[str, RegistryBefore]:
    """By use case of HEAD and of the target: the champion, and the versions that there are."""
    known = {}
    held = [plan.bundles(revisions.outs(root, rev)) for rev in ("HEAD", commit)]
    for usecase in dict.fromkeys(name for bundles in held for name in bundles):
        versions = registry.versions(root, usecase)
        bearer = plan.champion(versions)
        champion = bearer.number if bearer else None
        known[usecase] = RegistryBefore(champion, tuple(v.number for v in versions))
    return known


def _move(root: Path, name: str, md5: str) -> str:
    if registry.off():
        return f"{steps.NOTHING}: MLflow is off"
    versions = registry.versions(root, name)
    bearer, existing = plan.champion(versions), plan.with_md5(versions, md5)
    new = f"version {existing.number}" if existing else "a new version"
    old = f"version {bearer.number}" if bearer else "none"
    return f"{name}'s champion: {old} -> {new}, bundle {md5}"
