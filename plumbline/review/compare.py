"""Two revisions compared, use case by use case, as one JSON that the report and the gate read. An edge."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from plumbline.config import UseCaseParams
from plumbline.core import usecase_loader
from plumbline.core.hashing import md5_bytes
from plumbline.core.usecase import UseCase
from plumbline.metrics.metrics import PRIMARY
from plumbline.repo import artifacts, object_stores, revisions
from plumbline.repo.object_stores import FolderStore
from plumbline.report.metric_titles import units
from plumbline.review import (
    comparison,
    data_drift,
    lock_changes,
    lockcheck,
    merge_gate,
    metadata_diff,
    packages,
    revision,
    run_cost,
    scoring,
    seed_variance,
)
from plumbline.review.comparison import Comparison, Evidence, LockState, UseCaseComparison
from plumbline.review.comparison_sections import Lineage, Windows
from plumbline.review.revision import Revision
from plumbline.review.scoring import Criteria
from plumbline.review.seed_variance import SeedReplicates
from plumbline.runtime import dvc_lock
from plumbline.runtime.dvc_lock import Entries

log = logging.getLogger("plumbline")


def compare(
    root: Path,
    base: str,
    head: str | None,
    repro_log: str | None = None,
    *,
    committed: bool = False,
) -> Comparison:
    """Base against head (None: the work tree), and head against the last release.

    `repro_log`: what `dvc repro` printed; where a stage failed, its error stands in place of figures.
    `committed`: dvc.lock must be HEAD's, too, stage by stage.
    PlumblineError where a revision, or an object that it names, is not there.
    """
    old, new = revision.side(root, base), revision.side(root, head)
    last = revision.release(root, new)
    failed = None if repro_log is None else lockcheck.failure(repro_log)
    differing = [] if failed else changed(old.entries, new.entries)
    evidence = Evidence(
        format=comparison.FORMAT,
        base=old.about(),
        head=new.about(),
        release=last.about() if last else None,
        failed=failed,
        packages=packages.effects((old.texts, old.entries), (new.texts, new.entries)),
        unchanged=sorted(dvc_lock.usecases(new.entries) - set(differing)),
        removed=sorted(dvc_lock.usecases(old.entries) - dvc_lock.usecases(new.entries)),
        usecases={name: _usecase(name, old, new, last) for name in differing},
        lock=_lock(root, new, committed=committed),
    )
    return merge_gate.judged(comparison.as_written(evidence))


def changed(base: Entries, head: Entries) -> list[str]:
    """The use cases of head whose entries are not base's."""
    names = sorted(dvc_lock.usecases(head))
    return [n for n in names if dvc_lock.of(base, n) != dvc_lock.of(head, n)]


def lock_md5(side: Revision) -> str:
    """The md5 of a side's dvc.lock: which comparison a JSON is."""
    return md5_bytes(side.texts[revision.LOCK].encode())


def uncommitted(root: Path) -> list[str]:
    """The stages whose entry in dvc.lock, or an out that git keeps, is not HEAD's in the work tree."""
    here = revision.side(root, None)
    outs = {path: (name, md5) for name, e in here.entries.items() for path, md5 in e.outs.items()}
    kept = revisions.blobs(root, "HEAD", (revision.LOCK, *outs))
    text = kept.pop(revision.LOCK, b"").decode(errors="replace")
    result = lockcheck.differing(dvc_lock.parse(text, f"HEAD: {revision.LOCK}"), here.entries)
    others = {outs[path][0] for path, data in kept.items() if md5_bytes(data) != outs[path][1]}
    return sorted({*result, *others})


def _lock(root: Path, head: Revision, *, committed: bool) -> LockState:
    """Whether head's dvc.lock is what its files give; only the work tree's can be checked."""
    md5 = lock_md5(head)
    here = head if head.rev is None else revision.side(root, None)
    state = LockState(md5=md5, checked=False)
    if here.texts == head.texts:
        state = lockcheck.check(here, md5)
    return state.model_copy(update={"uncommitted": uncommitted(root)}) if committed else state


@dataclass(frozen=True)
class HeadUseCase:
    """A use case of head: where its objects are, what judges it, and its models of other seeds."""

    cache: FolderStore
    criteria: Criteria
    head: Revision
    replicates: SeedReplicates

    @property
    def name(self) -> str:
        """The use case's name."""
        return self.criteria.usecase.name


def _head_usecase(criteria: Criteria, head: Revision, others: Sequence[Revision]) -> HeadUseCase:
    name, cache = criteria.usecase.name, object_stores.settings(head.root).folder()
    own, *rest = [dvc_lock.of(side.entries, name) for side in (head, *others)]
    replicates = seed_variance.measure(cache, criteria, (head.name, own), list(filter(None, rest)))
    return HeadUseCase(cache, criteria, head, replicates)


def _usecase(
    name: str, base: Revision, head: Revision, release: Revision | None
) -> UseCaseComparison:
    log.info("compare: %s", name)
    params = head.params(name)
    criteria = Criteria(usecase_loader.load(name), params)
    old, new = dvc_lock.of(base.entries, name), dvc_lock.of(head.entries, name)
    before, after = base.stage_documents(name), head.stage_documents(name)
    own = _head_usecase(criteria, head, [base, *filter(None, [release])])
    against = _against(own, base)
    moved = data_drift.drift_of(own.cache, criteria, (base.name, old), (head.name, new))
    return UseCaseComparison(
        problem=criteria.usecase.problem,
        primary=PRIMARY[criteria.usecase.problem],
        units=_units(criteria.usecase, params),
        level=params.evaluate.level,
        margin=params.gate.margin,
        seeds=own.replicates.seeds,
        limits=params.gate.model_dump(include={"slice_loss", "cost_growth", "too_good"}),
        override=params.gate.override,
        base=against,
        release=_released(own, base, release, against),
        params=lock_changes.changed_params(old, new)
        + lock_changes.values(base.gate(name), head.gate(name)),
        stages=lock_changes.changed_stages(old, new),
        edges=lock_changes.edges(new),
        data=metadata_diff.data(before, after),
        features=metadata_diff.features(before, after),
        drift=moved,
        cost=run_cost.costs(head.root, name, old, new),
        monitor=metadata_diff.monitor(after),
        evaluate=metadata_diff.evaluate(after),
        blocked=metadata_diff.blocked(after),
        lineage=Lineage(base=lock_changes.lineage(old), head=lock_changes.lineage(new)),
    )


def _units(usecase: UseCase, params: UseCaseParams) -> dict[str, str]:
    costs = params.train.costs
    return units(usecase.column(usecase.label).unit, costs.unit if costs else None)


def _against(own: HeadUseCase, other: Revision) -> Windows:
    """The windows' comparisons; none where the other side does not have the use case."""
    old, new = dvc_lock.of(other.entries, own.name), dvc_lock.of(own.head.entries, own.name)
    if not old:
        return Windows()
    pair = (other.name, old), (own.head.name, new)
    return scoring.compared(own.cache, own.criteria, *pair, own.replicates.bundles)


def _released(
    own: HeadUseCase, base: Revision, release: Revision | None, against: Windows
) -> Windows:
    """Head against the release: what was found against base, where both have the same bytes."""
    if release is None:
        return Windows()
    name = own.name
    sides_of = [dvc_lock.of(side.entries, name) for side in (base, release)]
    used = [(artifacts.bundle(one, name), artifacts.test_table(one, name)) for one in sides_of]
    return against if used[0] == used[1] else _against(own, release)
