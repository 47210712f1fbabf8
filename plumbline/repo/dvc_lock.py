"""Two texts of dvc.lock side by side: which stages, deps and params differ, and what came of what. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from plumbline.core.errors import PlumblineError

LEARNED = ("train", "valid")
"""The tables that a model is fitted on, by their files' names."""
ORDER = ("data", "validate", "features", "tune", "train", "evaluate", "monitor")


@dataclass(frozen=True)
class Entry:
    """One stage's entry: its command, md5s by path, and params by dotted key."""

    cmd: str = ""
    deps: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    outs: Mapping[str, str] = field(default_factory=dict)


Entries = Mapping[str, Entry]
"""By the name in dvc.lock, or, for one use case, by the stage's."""


def parse(text: str, file: str) -> dict[str, Entry]:
    """A dvc.lock's entries; none of an empty text. PlumblineError where it is not what DVC writes."""
    try:
        stages = (yaml.load(text, Loader=yaml.CSafeLoader) or {}).get("stages") or {}
        return {name: _entry(stage) for name, stage in stages.items()}
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise PlumblineError(
            f"{file}: damaged ({type(error).__name__}: {reason}); restore it with `git checkout`"
        ) from None


def usecases(entries: Entries) -> set[str]:
    """The use cases that have a stage here.

    >>> sorted(usecases({"train@a": Entry(), "data@b": Entry(), "plain": Entry()}))
    ['a', 'b']
    """
    return {name.split("@", 1)[1] for name in entries if "@" in name}


def of(entries: Entries, usecase: str) -> dict[str, Entry]:
    """One use case's entries by the stage's name, in the order they run."""
    mine = {n.split("@")[0]: e for n, e in entries.items() if n.endswith(f"@{usecase}")}
    return {name: mine[name] for name in ordered(mine)}


def ordered(names: Iterable[str]) -> list[str]:
    """Stages in the order they run; those unknown last."""
    return sorted(names, key=lambda n: (ORDER.index(n) if n in ORDER else len(ORDER), n))


def changed_stages(base: Entries, head: Entries) -> list[dict[str, Any]]:
    """Each stage whose entry differs: what of command, deps and params made it, and the outs that differ."""
    found = []
    for name in ordered(base.keys() | head.keys()):
        old, new = base.get(name, Entry()), head.get(name, Entry())
        if old != new:
            found.append(
                {
                    "name": name,
                    "change": _kind(name, base, head),
                    "command": old.cmd != new.cmd,
                    "deps": changes(old.deps, new.deps),
                    "params": [c["key"] for c in values(old.params, new.params)],
                    "outs": changes(old.outs, new.outs),
                }
            )
    return found


def changed_params(base: Entries, head: Entries) -> list[dict[str, Any]]:
    """Every param that differs, over all stages: key, and its value on either side (None: not set)."""
    return values(_all_params(base), _all_params(head))


def changes(base: Mapping[str, str], head: Mapping[str, str]) -> list[dict[str, str]]:
    """Paths that were added, removed or changed.

    >>> changes({"a": "1", "b": "1"}, {"b": "2"})
    [{'path': 'a', 'change': 'removed'}, {'path': 'b', 'change': 'changed'}]
    """
    differing = sorted(p for p in base.keys() | head.keys() if base.get(p) != head.get(p))
    return [{"path": p, "change": _kind(p, base, head)} for p in differing]


def values(base: Mapping[str, Any], head: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Keys whose values differ, with both.

    >>> values({"a": 1}, {"a": 2})
    [{'key': 'a', 'base': 1, 'head': 2}]
    """
    keys = sorted(k for k in base.keys() | head.keys() if base.get(k) != head.get(k))
    return [{"key": k, "base": base.get(k), "head": head.get(k)} for k in keys]


def edges(mine: Entries) -> list[list[str]]:
    """Which stage reads what which other wrote, without the arrows that others imply.

    >>> edges({"a": Entry(outs={"x": ""}), "b": Entry(deps={"x": ""})})
    [['a', 'b']]
    """
    reads = {n: {m for m in mine if mine[m].outs.keys() & mine[n].deps.keys()} for n in mine}
    return [
        [source, name]
        for name in mine
        for source in ordered(reads[name])
        if not any(source in _above(reads, other) for other in reads[name] - {source})
    ]


def model(mine: Entries) -> tuple[str, str] | None:
    """The bundle's path and md5: what train wrote."""
    return next(iter(mine.get("train", Entry()).outs.items()), None)


def test_table(mine: Entries) -> tuple[str, str] | None:
    """The test table's path and md5: what evaluate reads of features that train does not."""
    made = mine.get("features", Entry()).outs
    fitted = mine.get("train", Entry()).deps
    deps = mine.get("evaluate", Entry()).deps
    return next(((p, m) for p, m in deps.items() if p in made and p not in fitted), None)


def learned(mine: Entries) -> list[tuple[str, str]]:
    """The paths and md5s of the tables that the model was fitted on, in the order of LEARNED."""
    made = mine.get("features", Entry()).outs
    deps = mine.get("train", Entry()).deps
    named = {posixpath.basename(p).split(".")[0]: (p, m) for p, m in deps.items() if p in made}
    return [named[name] for name in LEARNED if name in named]


def metrics(mine: Entries) -> dict[str, str]:
    """By stage, the path of its small JSON: the out that bears its name."""
    named = {
        s: [p for p in e.outs if posixpath.basename(p) == f"{s}.json"] for s, e in mine.items()
    }
    return {stage: paths[0] for stage, paths in named.items() if paths}


def lineage(mine: Entries) -> dict[str, dict[str, str]]:
    """md5s by path of the data, the features' tables and the model."""
    outs = {s: dict(mine[s].outs) for s in ("data", "features", "train") if s in mine}
    return {**{k: v for k, v in outs.items() if k != "train"}, "model": outs.get("train", {})}


def flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """A nested mapping by dotted keys.

    >>> flat({"a": {"b": 1}, "c": {}})
    {'a.b': 1, 'c': {}}
    """
    if not isinstance(value, dict) or not value:
        return {prefix: value}
    found: dict[str, Any] = {}
    for key, inner in value.items():
        found |= flat(inner, f"{prefix}.{key}" if prefix else str(key))
    return found


def _entry(stage: Mapping[str, Any]) -> Entry:
    params = [section for section in (stage.get("params") or {}).values() if section]
    return Entry(
        cmd=str(stage["cmd"]),
        deps={d["path"]: d["md5"] for d in stage.get("deps") or ()},
        params={k: v for section in params for k, v in flat(section).items()},
        outs={o["path"]: o["md5"] for o in stage.get("outs") or ()},
    )


def _above(reads: Mapping[str, set[str]], name: str) -> set[str]:
    """The stages that `name` reads from, directly or not."""
    found: set[str] = set()
    todo = [name]
    while todo:
        new = reads[todo.pop()] - found
        found |= new
        todo += sorted(new)
    return found


def _kind(key: str, base: Mapping[str, Any], head: Mapping[str, Any]) -> str:
    if key not in base:
        return "added"
    return "changed" if key in head else "removed"


def _all_params(entries: Entries) -> dict[str, Any]:
    return {k: v for entry in entries.values() for k, v in entry.params.items()}
