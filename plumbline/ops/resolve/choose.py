"""Which entry of dvc.lock each stage of a merged tree may keep: one whose inputs are the merged tree's. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plumbline.runtime.dvc_lock import Entry
from plumbline.runtime.dvc_templates import value
from plumbline.runtime.dvc_yaml import DeclaredStage


@dataclass(frozen=True)
class MergeSide:
    """One parent of the merge: its dvc.lock's entries, and the md5s of the outs that git keeps there."""

    name: str
    entries: Mapping[str, Entry]
    kept: Mapping[str, str | None]


@dataclass(frozen=True)
class MergedTree:
    """The merged tree: stages as declared, md5s of deps that no stage makes, values by params file."""

    stages: Mapping[str, DeclaredStage]
    files: Mapping[str, str | None]
    values: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class StageChoice:
    """What becomes of one stage: the entry, and the sides that have it; or no entry, and why."""

    stage: str
    sides: tuple[str, ...] = ()
    entry: Entry | None = None
    reason: str = ""


def choose(sides: Sequence[MergeSide], tree: MergedTree) -> list[StageChoice]:
    """A choice for each stage that is declared or recorded, those upstream first.

    An entry is taken whole, and only where its command, deps, params and kept outs are the merged
    tree's; a dep that another stage makes is held against that stage's own choice. Two sides that
    match with different outs prove that one was not made so: neither is taken.
    """
    makers = {out: name for name, stage in tree.stages.items() for out in stage.paths}
    chosen: dict[str, StageChoice] = {}
    for name in _ordered(tree.stages, makers):
        known = {p: _written(chosen, makers[p], p) for p in tree.stages[name].deps if p in makers}
        chosen[name] = _one(name, sides, tree, {**tree.files, **known})
    recorded = dict.fromkeys(name for side in sides for name in side.entries)
    unknown = [name for name in recorded if name not in chosen]
    reason = "dvc.yaml and params.yaml declare no such stage, or not in a way that is followed here"
    return [*chosen.values(), *(StageChoice(name, reason=reason) for name in unknown)]


def mismatch(
    entry: Entry, name: str, side: MergeSide, tree: MergedTree, deps: Mapping[str, Any]
) -> str:
    """Why an entry is not what the merged tree gives; empty where it is."""
    stage = tree.stages[name]
    if entry.cmd != stage.cmd:
        return "the command is another"
    for path in sorted(entry.deps.keys() ^ set(stage.deps)):
        return f"{path} is a dep on one side only"
    for path in stage.deps:
        if entry.deps[path] != deps.get(path):
            return f"{path} is another" if deps.get(path) else f"{path} has to be rebuilt"
    wrong = _params(entry, stage, tree.values)
    if wrong:
        return f"{wrong} is another"
    if entry.outs.keys() != set(stage.paths):
        return "its outs are others"
    for path in stage.in_git:
        if side.kept.get(path) != entry.outs[path]:
            return f"{path} at {side.name} is not what its entry says"
    return ""


def _one(
    name: str, sides: Sequence[MergeSide], tree: MergedTree, deps: Mapping[str, Any]
) -> StageChoice:
    held = [(side, side.entries[name]) for side in sides if name in side.entries]
    reasons = {side.name: mismatch(entry, name, side, tree, deps) for side, entry in held}
    good = [(side, entry) for side, entry in held if not reasons[side.name]]
    if not held:
        return StageChoice(name, reason="no side has run it")
    if not good:
        return StageChoice(
            name, reason="; ".join(f"{side}: {why}" for side, why in reasons.items())
        )
    first = good[0][1]
    if any(entry.outs != first.outs for _, entry in good):
        return StageChoice(
            name, reason="the sides have other outs from the same inputs: one is wrong"
        )
    return StageChoice(name, tuple(side.name for side, _ in good), first)


def _params(entry: Entry, stage: DeclaredStage, values: Mapping[str, Mapping[str, Any]]) -> str:
    """The first param that is not as recorded; empty where all are."""
    recorded = entry.raw.get("params") or {}
    declared = stage.params
    for file in sorted(recorded.keys() | declared.keys()):
        recorded_here, keys = recorded.get(file) or {}, declared.get(file, ())
        for key in sorted(recorded_here.keys() | set(keys)):
            try:
                same = key in keys and recorded_here[key] == value(values.get(file, {}), key)
            except KeyError:
                same = False
            if not same:
                return key
    return ""


def _written(chosen: Mapping[str, StageChoice], maker: str, path: str) -> str | None:
    entry = chosen[maker].entry if maker in chosen else None
    return entry.outs.get(path) if entry else None


def _ordered(stages: Mapping[str, DeclaredStage], makers: Mapping[str, str]) -> list[str]:
    """The stages, each after those that make its deps; DVC itself refuses a cycle."""
    done: dict[str, None] = {}

    def visit(name: str, above: tuple[str, ...]) -> None:
        for dep in stages[name].deps:
            if dep in makers and makers[dep] not in (*above, name):
                visit(makers[dep], (*above, name))
        done.setdefault(name)

    for name in stages:
        visit(name, ())
    return list(done)
