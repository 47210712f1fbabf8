"""Two revisions compared, use case by use case, as one JSON that the report and the gate read. An edge.

This module judges by the use cases that it can import, which are base's (`isolation` sees to that). What
only head's code can say comes from a process of its own.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from plumbline.core import usecase_loader
from plumbline.core.errors import PlumblineError
from plumbline.core.hashing import md5_bytes
from plumbline.model import bundle
from plumbline.repo import artifacts, object_stores, revisions
from plumbline.repo.object_stores import FolderStore
from plumbline.review import (
    base_limits,
    bundle_figures,
    code_trees,
    comparison,
    data_drift,
    declared_definitions,
    declared_rules,
    judging_rules,
    lock_changes,
    lockcheck,
    looks,
    merge_gate,
    metadata_diff,
    packages,
    revision,
    run_cost,
    scoring,
    seed_variance,
    side_process,
    source_changes,
)
from plumbline.review.comparison import Comparison, Evidence, LockState, UseCaseComparison
from plumbline.review.comparison_sections import ColumnDrift, Lineage, Seeds, Windows
from plumbline.review.definition_sections import DefinitionChanges
from plumbline.review.revision import Revision
from plumbline.review.scoring import Criteria, Replicates
from plumbline.review.side_process import SideAnswer
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
    with _both(old, new, last, differing) as both:
        cases = {name: (_criteria(both, name), both.answers[name]) for name in differing}
        usecases = {name: _usecase(both, name, criteria) for name, (criteria, _) in cases.items()}
    declared = {
        name: (declared_rules.of(criteria.usecase), answer.declared)
        for name, (criteria, answer) in cases.items()
        if criteria
    }
    evidence = Evidence(
        format=comparison.FORMAT,
        base=old.about(),
        head=new.about(),
        release=last.about() if last else None,
        failed=failed,
        packages=packages.effects((old.texts, old.entries), (new.texts, new.entries)),
        unchanged=sorted(dvc_lock.usecases(new.entries) - set(differing)),
        removed=sorted(dvc_lock.usecases(old.entries) - dvc_lock.usecases(new.entries)),
        usecases=usecases,
        rules=judging_rules.changed(old, new, declared),
        definitions=dict(both.definitions),
        override=judging_rules.project_override(old, new),
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
class Both:
    """Both sides, what head's own code says of its use cases, and the release, all for one comparison."""

    base: Revision
    head: Revision
    release: Revision | None
    cache: FolderStore
    answers: Mapping[str, SideAnswer]
    folder: Path
    definitions: Mapping[str, DefinitionChanges]

    def entries(self, side: Revision, name: str) -> Entries:
        """A side's entries of a use case."""
        return dvc_lock.of(side.entries, name)

    def own_model(self, name: str) -> bool:
        """Whether head's model of the use case is another than base's or the release's."""
        others = filter(None, (self.base, self.release))
        model = artifacts.bundle(self.entries(self.head, name), name)
        return any(model != artifacts.bundle(self.entries(s, name), name) for s in others)


@contextmanager
def _both(
    base: Revision, head: Revision, release: Revision | None, names: Sequence[str]
) -> Iterator[Both]:
    """Both sides with head's answers, from a process that runs head's code."""
    with tempfile.TemporaryDirectory(prefix="plumbline-") as built, _code(head) as tree:
        folder = Path(built)
        cache = object_stores.settings(head.root).folder()
        defined = declared_definitions.of_all(base, head, release)
        both = Both(base, head, release, cache, {}, folder, defined)
        wanted = side_process.request(head, names, list(filter(both.own_model, names)), folder)
        with untouched():
            answers = code_trees.call(tree, side_process.MODULE, wanted, folder) if names else {}
        typed = {name: SideAnswer.model_validate(value) for name, value in answers.items()}
        yield replace(both, answers=typed)


@contextmanager
def untouched() -> Iterator[None]:
    """PlumblineError where the files of the code that judges are others after the block."""
    own = Path(__file__).resolve().parents[2]
    trees = [own / name for name in code_trees.CODE]
    before = list(map(code_trees.digest, trees))
    yield
    if before != list(map(code_trees.digest, trees)):
        raise PlumblineError(
            f"{own}: files of the code that judges were written while head's code ran; look at what "
            "head's use cases do when they are imported"
        )


@contextmanager
def _code(side: Revision) -> Iterator[Path]:
    """The folder with a side's code: the work tree itself, or the commit's files."""
    if side.rev is None:
        yield side.root.absolute()
        return
    with code_trees.checked_out(side.root, side.commit) as tree:
        yield tree


def _criteria(both: Both, name: str) -> Criteria | None:
    """What judges a use case: base's declarations and params; None where base does not have it."""
    if not both.entries(both.base, name):
        return None
    return Criteria(usecase_loader.load(name), both.base.params(name))


def _usecase(both: Both, name: str, criteria: Criteria | None) -> UseCaseComparison:
    log.info("compare: %s", name)
    base, head, answer = both.base, both.head, both.answers[name]
    old, new = both.entries(base, name), both.entries(head, name)
    before, after = base.stage_documents(name), head.stage_documents(name)
    replicates, reason = _replicates(both, name, criteria)
    against = _against(both, base, name, criteria, replicates)
    return UseCaseComparison(
        problem=answer.problem,
        primary=answer.primary,
        units=answer.units,
        level=criteria.params.evaluate.level if criteria else answer.level,
        margin=criteria.params.gate.margin if criteria else answer.margin,
        limits=dict(criteria.params.gate.limits() if criteria else answer.limits),
        seeds=Seeds(replicates=len(replicates.head), base=len(replicates.base), reason=reason),
        looks=looks.of(head, name),
        override=judging_rules.override(base, head, name),
        base=against,
        release=_released(both, name, criteria, against, replicates),
        params=lock_changes.changed_params(old, new)
        + lock_changes.values(base.gate(name), head.gate(name)),
        stages=lock_changes.changed_stages(old, new),
        edges=lock_changes.edges(new),
        data=metadata_diff.data(before, after, source_changes.of(base, head, name)),
        features=metadata_diff.features(before, after, both.definitions.get(name)),
        drift=_drift(both, name, criteria),
        cost=run_cost.costs(head.root, name, old, new),
        bundle=bundle_figures.of(head.root, name, (old, new), (before, after)),
        monitor=metadata_diff.monitor(after),
        evaluate=metadata_diff.evaluate(after),
        blocked=metadata_diff.blocked(after),
        by_base=base_limits.refusals(after, criteria.params, head.params(name)) if criteria else [],
        lineage=Lineage(base=lock_changes.lineage(old), head=lock_changes.lineage(new)),
    )


def _replicates(both: Both, name: str, criteria: Criteria | None) -> tuple[Replicates, str | None]:
    """Models of other seeds of both sides, and why one has none."""
    answer = both.answers[name]
    if criteria is None or not both.own_model(name):
        return Replicates(), answer.reason
    places = [both.folder / name / str(number) for number in range(answer.replicates)]
    own = seed_variance.measure(
        both.cache, criteria, (both.base.name, both.entries(both.base, name))
    )
    head = [bundle.load(place, name) for place in places]
    reasons = [reason for reason in (answer.reason, own.reason) if reason]
    return Replicates(head, own.bundles), "; ".join(reasons)[:500] or None


def _drift(both: Both, name: str, criteria: Criteria | None) -> list[ColumnDrift]:
    if criteria is None:
        return []
    pair = [(side.name, both.entries(side, name)) for side in (both.base, both.head)]
    return data_drift.drift_of(both.cache, criteria, *pair)


def _against(
    both: Both, other: Revision, name: str, criteria: Criteria | None, replicates: Replicates
) -> Windows:
    """The windows' comparisons; none where the other side does not have the use case."""
    old = both.entries(other, name)
    if not old or criteria is None:
        return Windows()
    pair = (other.name, old), (both.head.name, both.entries(both.head, name))
    return scoring.compared(both.cache, criteria, *pair, replicates)


def _released(
    both: Both,
    name: str,
    criteria: Criteria | None,
    against: Windows,
    replicates: Replicates,
) -> Windows:
    """Head against the release: what was found against base, where both have the same bytes.

    The release's own seeds are not tried: it is taken to vary as head does.
    """
    if both.release is None:
        return Windows()
    sides = [both.entries(side, name) for side in (both.base, both.release)]
    used = [(artifacts.bundle(one, name), artifacts.test_table(one, name)) for one in sides]
    if used[0] == used[1]:
        return against
    return _against(both, both.release, name, criteria, Replicates(replicates.head))
