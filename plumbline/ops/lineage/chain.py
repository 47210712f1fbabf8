"""The chain of stages behind an out, from the entries of one dvc.lock. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from plumbline.core.hashing import md5_bytes
from plumbline.runtime import libraries
from plumbline.runtime.dvc_lock import Entries, Entry


@dataclass(frozen=True)
class Step:
    """One stage of a chain; md5s by path.

    `reads`: outs of other stages; `sources`: data that no stage wrote; `code`: files and folders of code;
    `environment`: the files that name the libraries it ran with.
    """

    stage: str
    command: str
    params: Mapping[str, Any]
    writes: Mapping[str, str]
    reads: Mapping[str, str]
    sources: Mapping[str, str]
    code: Mapping[str, str]
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def code_md5(self) -> str:
        """One md5 for all code: that of its paths and md5s in order."""
        return md5_bytes(json.dumps(sorted(self.code.items())).encode())


@dataclass(frozen=True)
class Chain:
    """The steps behind `path`, the last to run first; `breaks`: where two entries contradict."""

    path: str
    md5: str
    steps: Mapping[str, Step]
    breaks: tuple[str, ...] = field(default=())

    @property
    def maker(self) -> str:
        """The stage that wrote the out."""
        return next(iter(self.steps))


def trace(entries: Entries, path: str, is_code: Callable[[str], bool]) -> Chain:
    """Follow an out's stage, and the stages that wrote what it read, to the sources.

    `is_code` tells code from data among the deps that no stage wrote. An entry that read other bytes
    than another entry says it wrote is a break: such a lock was edited, not run. KeyError where no entry
    has the out.
    """
    makers = {out: name for name, entry in entries.items() for out in entry.outs}
    steps: dict[str, Step] = {}
    breaks = []
    todo = [makers[path]]
    while todo:
        name = todo.pop(0)
        if name in steps:
            continue
        step = _step(name, entries[name], makers, is_code)
        steps[name] = step
        for dep, md5 in step.reads.items():
            written = entries[makers[dep]].outs[dep]
            if written != md5:
                breaks.append(f"{name} read {dep} {md5}, {makers[dep]} wrote {written}")
        todo += sorted({makers[dep] for dep in step.reads})
    return Chain(path, entries[makers[path]].outs[path], steps, tuple(breaks))


def _step(
    name: str, entry: Entry, makers: Mapping[str, str], is_code: Callable[[str], bool]
) -> Step:
    environment = {path: entry.deps[path] for path in libraries.files(entry.deps)}
    known = {*makers, *environment}
    rest = {path: md5 for path, md5 in entry.deps.items() if path not in known}
    return Step(
        stage=name,
        command=entry.cmd,
        params=dict(sorted(entry.params.items())),
        writes=entry.outs,
        reads={path: md5 for path, md5 in entry.deps.items() if path in makers},
        sources={path: md5 for path, md5 in rest.items() if not is_code(path)},
        code={path: md5 for path, md5 in rest.items() if is_code(path)},
        environment=environment,
    )
