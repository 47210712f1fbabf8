"""The chain of stages behind an out, from the entries of one dvc.lock. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from plumbline.core.hashing import md5_bytes
from plumbline.runtime.dvc_lock import Entries, Entry

CODE = ".py"


@dataclass(frozen=True)
class Step:
    """One stage of a chain. `reads`: outs of other stages; `sources`: what no stage made; md5s by path."""

    stage: str
    command: str
    params: Mapping[str, Any]
    writes: Mapping[str, str]
    reads: Mapping[str, str]
    sources: Mapping[str, str]
    code: Mapping[str, str]

    @property
    def code_md5(self) -> str:
        """One md5 for all code files: that of their paths and md5s in order."""
        return md5_bytes(json.dumps(sorted(self.code.items())).encode())


@dataclass(frozen=True)
class Chain:
    """The steps behind `path`, the last to run first; `breaks`: where two entries do not join."""

    path: str
    md5: str
    steps: Mapping[str, Step]
    breaks: tuple[str, ...] = field(default=())

    @property
    def maker(self) -> str:
        """The stage that wrote the out."""
        return next(iter(self.steps))


def trace(entries: Entries, path: str) -> Chain:
    """Follow an out's stage, and the makers of what it read, to the sources.

    An entry that read other bytes than its maker's entry says it wrote is a break: that lock was put
    together, not run. KeyError where no entry has the out.
    """
    makers = {out: name for name, entry in entries.items() for out in entry.outs}
    steps: dict[str, Step] = {}
    breaks = []
    todo = [makers[path]]
    while todo:
        name = todo.pop(0)
        if name in steps:
            continue
        step = _step(name, entries[name], makers)
        steps[name] = step
        for dep, md5 in step.reads.items():
            made = entries[makers[dep]].outs[dep]
            if made != md5:
                breaks.append(f"{name} read {dep} {md5}, {makers[dep]} wrote {made}")
        todo += sorted({makers[dep] for dep in step.reads})
    return Chain(path, entries[makers[path]].outs[path], steps, tuple(breaks))


def _step(name: str, entry: Entry, makers: Mapping[str, str]) -> Step:
    rest = {path: md5 for path, md5 in entry.deps.items() if path not in makers}
    return Step(
        stage=name,
        command=entry.cmd,
        params=dict(sorted(entry.params.items())),
        writes=entry.outs,
        reads={path: md5 for path, md5 in entry.deps.items() if path in makers},
        sources={path: md5 for path, md5 in rest.items() if not path.endswith(CODE)},
        code={path: md5 for path, md5 in rest.items() if path.endswith(CODE)},
    )
