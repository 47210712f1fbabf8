"""The steps of a rollback in order, and how each is undone. Each returns its proof."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.features.store import REPOSITORY
from plumbline.ops.rollback import feast, golden, plan, registry, restore, servers
from plumbline.ops.rollback.journal import Journal
from plumbline.ops.rollback.plan import CHAMPION
from plumbline.repo import artifacts, object_stores, revisions, verify
from plumbline.repo.artifacts import Role
from plumbline.repo.tracked_outs import Out

NOTHING = "nothing to do"
UNDO = "undo"
"""In a journal: undoing has begun."""

Step = Callable[[Path, Journal], str]


def code(root: Path, journal: Journal) -> str:
    """Check the commit out, without the outs that it does not have: git might see them as new files."""
    gone = _only_before(root, journal)
    restore.remove(root, gone)
    removed = f"; {len(gone):,} outs removed, which the cache has" if gone else ""
    return restore.code(root, journal.target) + removed


def fetch(root: Path, _: Journal) -> str:
    """Fetch what the cache lacks."""
    return restore.fetch(root)


def outs(root: Path, _: Journal) -> str:
    """Check the outs out."""
    return restore.outs(root)


def proved(root: Path, _: Journal) -> str:
    """Hash everything again."""
    return restore.proved(root)


def alias(root: Path, journal: Journal) -> str:
    """Point MLflow's alias of each use case at the bundle in dvc.lock; of one that is gone, at none."""
    if journal.registry is None:
        return f"{NOTHING}: MLflow is off"
    bundles = plan.bundles(_locked(root))
    proofs = []
    for usecase, out in bundles.items():
        path = root / out.path
        number = registry.promote(root, usecase, out.md5, path, journal.target.commit)
        proofs.append(f"{usecase} version {number}, bundle {out.md5}")
    for usecase, before in journal.registry.items():
        if usecase not in bundles and before.champion is not None:
            registry.point(root, usecase, None)
            proofs.append(f"{usecase} none, as it is not at this commit")
    return f"{CHAMPION}: {'; '.join(proofs)}" if proofs else f"{NOTHING}: no bundle at this commit"


def features(root: Path, journal: Journal) -> str:
    """Feast's registry and online store from this commit's definitions and snapshots."""
    stores = snapshots(root)
    usecases = [usecase for usecase, _ in stores]
    proofs = [f"{usecase} materialized from {out.md5}" for usecase, out in stores]
    if stores or feast.present(root / REPOSITORY):
        feast.rebuild(root, root / REPOSITORY, usecases)
        proofs = proofs or ["emptied: no use case with entities at this commit"]
    if journal.store:
        proofs.append(servers.publish(root, journal.store, journal, usecases))
    if not proofs:
        return f"{NOTHING}: no use case with entities"
    return f"registry and online store: {'; '.join(proofs)}"


def predictions(root: Path, _: Journal) -> str:
    """Score golden events, and compare them with what the commit recorded."""
    known = {out.path for out in _locked(root)}
    proofs = []
    for usecase, out in plan.bundles(_locked(root)).items():
        report = artifacts.declared(usecase, Role.EVALUATE_REPORT, root)
        test = artifacts.declared(usecase, Role.TEST_TABLE, root)
        if report is None or test is None or not {report, test} <= known:
            proofs.append(f"{usecase} has none recorded")
            continue
        count = golden.check(usecase, root / out.path, root / test, root / report)
        proofs.append(f"{usecase} {count} equal")
    return (
        f"golden events: {'; '.join(proofs)}" if proofs else f"{NOTHING}: no bundle at this commit"
    )


STEPS: dict[str, Step] = {
    "code": code,
    "fetch": fetch,
    "outs": outs,
    "verify": proved,
    "registry": alias,
    "features": features,
    "predictions": predictions,
}


def prepare(root: Path, step: str, journal: Journal) -> None:
    """Save what a step needs for its undo."""
    if step == "features":
        feast.save(root, root / REPOSITORY)
        if journal.store:
            servers.keep(root, journal.store, journal)


def refuse_edited(root: Path, journal: Journal) -> None:
    """PlumblineError where a person worked on after a kill: undoing would take that away.

    During git's own checkout its changes cannot be distinguished from a person's: then it proceeds.
    """
    now = restore.head(root)
    if now not in (journal.start, journal.target):
        raise PlumblineError(f"git is at {now}, expected {journal.target} or {journal.start}")
    if journal.steps != ("code",) and UNDO not in journal.steps:
        restore.refuse_dirty(root)


def undo(root: Path, journal: Journal) -> Iterator[Callable[[], None]]:
    """What puts everything back, the last step first; each can be done twice."""
    store = journal.store
    if "features" in journal.steps and store:
        yield lambda: servers.put_back(root, store, journal)
    if "registry" in journal.steps:
        yield lambda: _registry_back(root, journal)
    if "features" in journal.steps:
        yield lambda: feast.put_back(root, root / REPOSITORY)
    if "code" in journal.steps:
        yield lambda: _code_back(root, journal)
    if "outs" in journal.steps or ("code" in journal.steps and _only_before(root, journal)):
        yield lambda: _outs_back(root, journal)


def snapshots(root: Path) -> list[tuple[str, Out]]:
    """The use cases with histories, and their snapshots: those whose folder is not empty."""
    recorded = {out.path: out for out in _locked(root)}
    listed = []
    for usecase in plan.bundles(recorded.values()):
        path = artifacts.declared(usecase, Role.SNAPSHOTS, root)
        if path in recorded:
            listed.append((usecase, recorded[path]))
    report = verify.read_manifests(
        [object_stores.settings(root).folder()], [(None, out) for _, out in listed]
    )
    return [(usecase, out) for usecase, out in listed if report[0].get(out.md5)]


def _registry_back(root: Path, journal: Journal) -> None:
    """The alias where it was; versions that were not there before are deleted."""
    new = {out.md5 for out in plan.bundles(_at(root, journal.target.commit)).values()}
    for usecase, before in (journal.registry or {}).items():
        now = registry.versions(root, usecase)
        bearer = plan.champion(now)
        if (bearer.number if bearer else None) != before.champion:
            registry.point(root, usecase, before.champion)
        for version in now:
            if version.number not in before.versions and version.md5 in new:
                registry.forget(root, usecase, version.number)


def _code_back(root: Path, journal: Journal) -> None:
    restore.unlock(root)
    restore.code(root, journal.start, force=True)


def _outs_back(root: Path, journal: Journal) -> None:
    new = plan.only_in(_at(root, journal.target.commit), _locked(root))
    restore.remove(root, [out.path for out in new if out.path not in journal.present])
    restore.outs(root, partial=bool(journal.absent))
    report = verify.check(object_stores.settings(root), where=("workspace",))
    lost = [f for f in report.findings if f.use.path not in journal.absent]
    if lost:
        raise PlumblineError(f"{lost[0].use.path}: {lost[0].kind}; `plumbline verify`")


def _only_before(root: Path, journal: Journal) -> list[str]:
    """The outs of the commit before at whose paths the target has neither outs nor files."""
    before, after = (_at(root, head.commit) for head in (journal.start, journal.target))
    paths = [out.path for out in plan.only_in(before, after)]
    return [path for path in paths if not revisions.below(root, journal.target.commit, path)]


def _locked(root: Path) -> list[Out]:
    return revisions.outs(root, revisions.WORK_TREE)


def _at(root: Path, commit: str) -> Sequence[Out]:
    return revisions.outs(root, commit)
