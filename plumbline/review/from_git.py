"""A comparison held against git: what head alters is read from the commits, not from what head's run wrote.

The run that wrote the comparison ran head's code, which could leave out what it alters, loosen its limits or
name another base. The rules, the reasons in words, the limits and the small documents of the stages are
therefore taken from the commits, by the code that calls this. Nothing of head runs. An edge: reads git.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from plumbline.core.errors import PlumblineError
from plumbline.repo import revisions
from plumbline.review import (
    base_limits,
    declared_definitions,
    declared_source,
    judging_rules,
    lock_changes,
    looks,
    merge_gate,
    metadata_diff,
    revision,
)
from plumbline.review.comparison import Comparison, UseCaseComparison
from plumbline.review.comparison_sections import RuleChange
from plumbline.review.declared_rules import Declared
from plumbline.review.definition_sections import DefinitionChanges
from plumbline.review.revision import Revision
from plumbline.runtime import dvc_lock, git

FOLDER, SOURCES = "usecases", "sources"
LARGEST = 1_000_000
"""Values of a params.yaml, dvc.yaml or dvc.lock with all its aliases followed."""


def held(root: Path, comparison: Comparison, base: str, head: str) -> Comparison:
    """The comparison with what base and head (commits) say in place of what it claims of them.

    PlumblineError where a side cannot be read.
    """
    try:
        return _held(root, comparison, base, head)
    except (
        ArithmeticError,
        AttributeError,
        KeyError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        kind = type(error).__name__
        raise PlumblineError(f"head's documents are damaged ({kind})") from None


def unread(comparison: Comparison, reason: str) -> Comparison:
    """The comparison where git could not be read: what it alters is not known, and it does not pass."""
    text = f"what this change alters could not be read from git: {reason}"
    return merge_gate.judged(comparison.model_copy(update={"contradictions": [text[:500]]}))


def _held(root: Path, comparison: Comparison, base: str, head: str) -> Comparison:
    for commit in (base, head):
        _refuse_bombs(root, commit)
    old, new = revision.side(root, base), revision.side(root, head)
    known = dvc_lock.usecases(old.entries) & dvc_lock.usecases(new.entries)
    declared = {name: _declared(old, new, name) for name in sorted(known)}
    rules = judging_rules.changed(old, new, declared)
    defined = declared_definitions.of_all(old, new, revision.release(root, new))
    update = {
        "rules": [*rules, *_finer(comparison, rules)][:500],
        "definitions": defined,
        "override": judging_rules.project_override(old, new),
        "removed": sorted(dvc_lock.usecases(old.entries) - dvc_lock.usecases(new.entries)),
        "usecases": {
            n: _usecase(u, (old, new), n, defined.get(n)) for n, u in comparison.usecases.items()
        },
        "contradictions": list(_contradictions(comparison, old, new)),
    }
    return merge_gate.judged(comparison.model_copy(update=update))


def _usecase(
    one: UseCaseComparison,
    sides: tuple[Revision, Revision],
    name: str,
    defined: DefinitionChanges | None,
) -> UseCaseComparison:
    """What the gate reads of a use case beside its figures."""
    old, new = sides
    before, after = old.stage_documents(name), new.stage_documents(name)
    update: dict[str, Any] = {
        "override": judging_rules.override(old, new, name),
        "data": metadata_diff.data(before, after),
        "features": metadata_diff.features(before, after, defined),
        "monitor": metadata_diff.monitor(after),
        "evaluate": metadata_diff.evaluate(after),
        "blocked": metadata_diff.blocked(after),
        "looks": looks.of(new, name),
    }
    if name in dvc_lock.usecases(old.entries):
        params = old.params(name)
        update |= {"limits": params.gate.limits(), "margin": params.gate.margin}
        update["level"] = params.evaluate.level
        update |= {"by_base": base_limits.refusals(after, params, new.params(name))}
    return one.model_copy(update=update)


def _declared(old: Revision, new: Revision, name: str) -> tuple[Declared, Declared]:
    """What both sides declare of a use case, from its source."""
    try:
        before, after = (declared_source.of(*_source(side, name)) for side in (old, new))
    except PlumblineError as error:
        source = f"{FOLDER}/{name}"
        return {source: {"": "read"}}, {source: {"": f"cannot be read: {error}"}}
    return before, after


def _source(side: Revision, name: str) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The text of each module of the use case, and of those that it may take names from."""
    paths = revisions.below(side.root, side.commit, FOLDER)
    others = {p.split("/")[1].removesuffix(".py") for p in paths} & dvc_lock.usecases(side.entries)
    own = [
        p
        for p in paths
        if p.endswith(".py") and p.split("/")[1].removesuffix(".py") not in others - {name}
    ]
    paths = revisions.below(side.root, side.commit, SOURCES)
    beside = [p for p in paths if p.endswith(".py")]
    return _texts(side, own), _texts(side, beside)


def _texts(side: Revision, paths: Iterable[str]) -> Mapping[str, str]:
    blobs = revisions.blobs(side.root, side.commit, paths)
    return {p: data.decode(errors="replace") for p, data in blobs.items()}


def _finer(comparison: Comparison, rules: Iterable[RuleChange]) -> Iterator[RuleChange]:
    """What the run alone could tell, such as of a declaration that is computed, and git does not say already."""
    found = set(map(_rule, rules))
    return (rule for rule in comparison.rules if _rule(rule) not in found)


def _rule(rule: RuleChange) -> tuple[str | None, str]:
    """A use case's rule by its kind and name: git's texts do not part it further."""
    own = rule.key if rule.usecase is None else ".".join(rule.key.split(".")[:2])
    return rule.usecase, own


def _contradictions(comparison: Comparison, old: Revision, new: Revision) -> Iterator[str]:
    """Where the comparison is not one of these two commits, and does not say so itself.

    Stages whose run gave another result than dvc.lock says are a reason of their own, which nothing lifts.
    """
    yield from _of_base(comparison, old)
    if comparison.failed:
        return
    for name in sorted(dvc_lock.usecases(new.entries)):
        after = dvc_lock.of(new.entries, name)
        one = comparison.usecases.get(name)
        if one is None and after != dvc_lock.of(old.entries, name):
            yield f"{name} differs from base in dvc.lock, and the comparison has no figures of it"
        again = any(stage.endswith(f"@{name}") for stage in comparison.lock.uncommitted)
        if one is not None and one.lineage.head != lock_changes.lineage(after) and not again:
            yield f"the figures of {name} are not of the data and the model that dvc.lock names"


def _of_base(comparison: Comparison, old: Revision) -> Iterator[str]:
    """The base compared with is the branch's own, or one with the same models."""
    commit = comparison.base.commit
    if commit == old.commit:
        return
    ancestor = commit and git.answer(
        "merge-base", "--is-ancestor", commit, old.commit, root=old.root
    )
    if commit is None or ancestor is None:
        yield "the base of the comparison is no commit of the branch that the change goes into"
    elif revision.side(old.root, commit).entries != old.entries:
        yield "the models of the branch that the change goes into are others by now; run it again"


def _refuse_bombs(root: Path, commit: str) -> None:
    """PlumblineError for YAML that grows beyond measure when its aliases are followed."""
    names = (revision.LOCK, revision.PARAMS, revision.GRAPH)
    for name, data in revisions.blobs(root, commit, names).items():
        try:
            whole = yaml.compose(data.decode(errors="replace"), Loader=yaml.SafeLoader)
        except (yaml.YAMLError, RecursionError):
            raise PlumblineError(f"{name}: not valid YAML") from None
        if whole is not None and _size(whole, {}) > LARGEST:
            raise PlumblineError(f"{name}: more than {LARGEST:,} values")


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values a node stands for; inf for one that contains itself."""
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = LARGEST + 1  # until it is known: one that contains itself has no end
    inner = node.value if not isinstance(node, yaml.ScalarNode) else ()
    parts = (part for one in inner for part in (one if isinstance(one, tuple) else (one,)))
    known[id(node)] = 1 + sum(_size(part, known) for part in parts)
    return known[id(node)]
