"""What dvc.lock records: each stage's command, params and md5s as they ran. The one reader of that file.

Pure but for `read`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from plumbline.core.errors import PlumblineError
from plumbline.runtime import dvc_yaml
from plumbline.runtime.dvc_yaml import Load

FILE = "dvc.lock"
HASHES = ("md5", "etag", "checksum")
"""What DVC records of a dep; of an out always the md5."""


@dataclass(frozen=True)
class Entry:
    """One stage's entry: its command, md5s by path, params by dotted key; `raw`: as the file has it."""

    cmd: str = ""
    deps: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    outs: Mapping[str, str] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


Entries = Mapping[str, Entry]
"""By the name in dvc.lock, or, for one use case, by the stage's."""


def parse(text: str, file: str = FILE, load: Load = dvc_yaml.load) -> dict[str, Entry]:
    """A dvc.lock's entries; none of an empty text. PlumblineError where it is not what DVC writes."""
    content = dvc_yaml.document(text, file, load)
    listed = dvc_yaml.section(content, "stages", file)
    return {name: _entry(stage, name, file) for name, stage in listed.items()}


def parse_declared(lock: str, graph: str, params: str, file: str = FILE) -> dict[str, Entry]:
    """The entries of stages that the dvc.yaml and the params.yaml of the same revision declare.

    DVC never removes an entry, so that dvc.lock also has those of removed and renamed use cases.
    All entries where there is no dvc.yaml.

    >>> graph = 'stages: {train: {matrix: {usecase: "${usecases}"}}}'
    >>> list(parse_declared("stages: {train@new: {}, train@old: {}}", graph, "usecases: [new]"))
    ['train@new']
    """
    entries = parse(lock, file)
    declared = dvc_yaml.document(graph, dvc_yaml.FILE)
    if not declared:
        return entries
    try:
        values = dvc_yaml.document(params, dvc_yaml.PARAMS)
    except PlumblineError:  # it names no use case, so none is known to be removed
        values = {}
    dropped = dvc_yaml.undeclared(declared, values, entries)
    return {name: entry for name, entry in entries.items() if name not in dropped}


def read(root: Path = Path(".")) -> dict[str, Entry]:
    """The work tree's declared entries; none without the file."""
    lock, graph, params = (_text(root / file) for file in (FILE, dvc_yaml.FILE, dvc_yaml.PARAMS))
    return parse_declared(lock, graph, params, str(root / FILE))


def dump(entries: Entries) -> str:
    """The text of a dvc.lock with these entries, each as it was read."""
    stages = {name: dict(entry.raw) for name, entry in entries.items()}
    return yaml.safe_dump({"schema": "2.0", "stages": stages}, sort_keys=False)


def block(text: str, name: str) -> str:
    """A stage's lines in a dvc.lock, as DVC wrote them; empty where it has none.

    >>> block("stages:\\n  a:\\n    cmd: do\\n  b: {}\\n", "a")
    '  a:\\n    cmd: do\\n'
    """
    match = _block(text, name)
    return match[0] if match else ""


def with_block(text: str, name: str, block: str) -> str:
    """A dvc.lock's text with these lines in place of a stage's, or at its end.

    >>> with_block("stages:\\n  a: {}\\n  b: {}\\n", "a", "  a: {cmd: do}\\n")
    'stages:\\n  a: {cmd: do}\\n  b: {}\\n'
    """
    match = _block(text, name)
    start, end = match.span() if match else (len(text), len(text))
    return text[:start] + block + text[end:]


def usecases(entries: Entries) -> set[str]:
    """The use cases that have a stage here.

    >>> sorted(usecases({"train@a": Entry(), "data@b": Entry(), "plain": Entry()}))
    ['a', 'b']
    """
    return {name.split("@", 1)[1] for name in entries if "@" in name}


def of(entries: Entries, usecase_name: str) -> dict[str, Entry]:
    """One use case's entries by the stage's name, in the order they run."""
    own = {n.split("@")[0]: e for n, e in entries.items() if n.endswith(f"@{usecase_name}")}
    return {name: own[name] for name in ordered(own)}


def ordered(entries: Entries) -> list[str]:
    """Stages in the order they run: each after those whose outs it read, else by name.

    >>> ordered({"a": Entry(deps={"x": ""}), "b": Entry(outs={"x": ""}), "c": Entry()})
    ['b', 'a', 'c']
    """
    makers = {path: name for name, entry in entries.items() for path in entry.outs}
    done: dict[str, None] = {}

    def visit(name: str, above: frozenset[str]) -> None:
        for source in sorted({makers[p] for p in entries[name].deps if p in makers} - above):
            visit(source, above | {source})
        done.setdefault(name)

    for name in sorted(entries):
        visit(name, frozenset({name}))
    return list(done)


def outs(entries: Entries) -> dict[str, str]:
    """The md5 of every out, by path."""
    return {path: md5 for entry in entries.values() for path, md5 in entry.outs.items()}


def flat(nested: Any, prefix: str = "") -> dict[str, Any]:
    """A nested mapping by dotted keys.

    >>> flat({"a": {"b": 1}, "c": {}})
    {'a.b': 1, 'c': {}}
    """
    if not isinstance(nested, dict) or not nested:
        return {prefix: nested}
    dotted: dict[str, Any] = {}
    for key, inner in nested.items():
        dotted |= flat(inner, f"{prefix}.{key}" if prefix else str(key))
    return dotted


def _block(text: str, name: str) -> re.Match[str] | None:
    return re.search(rf"^  {re.escape(name)}:.*\n(?:    .*\n|\n)*", text, re.MULTILINE)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _entry(stage: Any, name: str, file: str) -> Entry:
    try:
        sections = [part for part in (stage.get("params") or {}).values() if part]
        return Entry(
            cmd=str(stage.get("cmd", "")),
            deps={str(d["path"]): _hash(d) for d in stage.get("deps") or ()},
            params={k: v for part in sections for k, v in flat(part).items()},
            outs={str(o["path"]): str(o["md5"]) for o in stage.get("outs") or ()},
            raw=stage,
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise dvc_yaml.damaged(file, f"{name}: {type(error).__name__}: {error}") from None


def _hash(dep: Mapping[str, Any]) -> str:
    recorded = next((dep[key] for key in HASHES if key in dep), None)
    return str(dep["md5"] if recorded is None else recorded)
