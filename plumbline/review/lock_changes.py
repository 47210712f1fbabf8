"""The entries of two dvc.locks compared: which stages, deps and params differ, what came of what. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plumbline.core.files import json_value
from plumbline.review.comparison_sections import Change, ChangedPath, ChangedStage, ChangedValue
from plumbline.runtime.dvc_lock import Entries, Entry, ordered


def changed_stages(base: Entries, head: Entries) -> list[ChangedStage]:
    """Each stage whose entry differs: what of command, deps and params made it, and the outs that differ."""
    changed = []
    for name in ordered({**base, **head}):
        old, new = base.get(name, Entry()), head.get(name, Entry())
        if old != new:
            stage = ChangedStage(
                name=name,
                change=_kind(name, base, head),
                command=old.cmd != new.cmd,
                deps=changes(old.deps, new.deps),
                params=[c.key for c in values(old.params, new.params)],
                outs=changes(old.outs, new.outs),
            )
            changed.append(stage)
    return changed


def changed_params(base: Entries, head: Entries) -> list[ChangedValue]:
    """Every param that differs, over all stages: key, and its value on either side (None: not set)."""
    return values(_all_params(base), _all_params(head))


def changes(base: Mapping[str, str], head: Mapping[str, str]) -> list[ChangedPath]:
    """Paths that were added, removed or changed.

    >>> changes({"a": "1", "b": "1"}, {"b": "2"})
    [ChangedPath(path='a', change='removed'), ChangedPath(path='b', change='changed')]
    """
    differing = sorted(p for p in base.keys() | head.keys() if base.get(p) != head.get(p))
    return [ChangedPath(path=p, change=_kind(p, base, head)) for p in differing]


def values(base: Mapping[str, Any], head: Mapping[str, Any]) -> list[ChangedValue]:
    """Keys whose values differ, with both.

    >>> values({"a": 1}, {"a": 2})
    [ChangedValue(base=1, head=2, key='a')]
    """
    keys = sorted(k for k in base.keys() | head.keys() if base.get(k) != head.get(k))
    old, new = json_value(dict(base)), json_value(dict(head))
    return [ChangedValue(key=k, base=old.get(k), head=new.get(k)) for k in keys]


def edges(own: Entries) -> list[list[str]]:
    """Which stage reads what which other wrote, without the arrows that others imply.

    >>> edges({"a": Entry(outs={"x": ""}), "b": Entry(deps={"x": ""})})
    [['a', 'b']]
    """
    reads = {n: {m for m in own if own[m].outs.keys() & own[n].deps.keys()} for n in own}
    return [
        [source, name]
        for name in own
        for source in own
        if source in reads[name]
        and not any(source in _above(reads, other) for other in reads[name] - {source})
    ]


def lineage(own: Entries) -> dict[str, dict[str, str]]:
    """md5s by path of the data, the features' tables and the model."""
    outs = {s: dict(own[s].outs) for s in ("data", "features", "train") if s in own}
    return {**{k: v for k, v in outs.items() if k != "train"}, "model": outs.get("train", {})}


def _above(reads: Mapping[str, set[str]], name: str) -> set[str]:
    """The stages that `name` reads from, directly or not."""
    above: set[str] = set()
    todo = [name]
    while todo:
        new = reads[todo.pop()] - above
        above |= new
        todo += sorted(new)
    return above


def _kind(key: str, base: Mapping[str, Any], head: Mapping[str, Any]) -> Change:
    if key not in base:
        return "added"
    return "changed" if key in head else "removed"


def _all_params(entries: Entries) -> Mapping[str, Any]:
    return {k: v for entry in entries.values() for k, v in entry.params.items()}
