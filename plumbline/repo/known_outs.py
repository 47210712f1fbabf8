"""The work tree's stages, and for each the known entry that has its inputs as they are now. An edge: reads files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plumbline.core import dvc_hash
from plumbline.core.errors import PlumblineError
from plumbline.repo import cached_outs, known_entries, object_stores
from plumbline.repo.known_entries import KnownEntry
from plumbline.repo.object_stores import FolderStore
from plumbline.runtime import dvc_lock, dvc_templates, dvc_yaml
from plumbline.runtime.dvc_lock import Entry
from plumbline.runtime.dvc_yaml import DeclaredStage

HEAD = "schema: '2.0'\nstages:\n"
Known = Callable[[str], KnownEntry | None]
"""By a stage's name."""


@dataclass(frozen=True)
class Brought:
    """What came of one stage: the outs that were brought, or why it must run."""

    name: str
    outs: tuple[str, ...] = ()
    reason: str = ""


@dataclass
class WorkTree:
    """Stages and params as they are declared, dvc.lock's text and entries; md5s as they are asked for."""

    root: Path
    stages: Mapping[str, DeclaredStage]
    params: Mapping[str, Mapping[str, Any]]
    lock: str
    entries: dict[str, Entry]
    md5s: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, root: Path) -> WorkTree:
        """Raises PlumblineError where a file is damaged."""
        params = {dvc_yaml.PARAMS: _document(root / dvc_yaml.PARAMS)}
        stages = dvc_yaml.stages(dvc_yaml.read(root), params[dvc_yaml.PARAMS])
        files = {file for stage in stages.values() for file in stage.params} - params.keys()
        lock = _text(root / dvc_lock.FILE)
        known = dvc_lock.parse(lock)
        return cls(root, stages, params | {f: _document(root / f) for f in files}, lock, known)

    def remember(self, name: str) -> None:
        """Keep a stage's entry of dvc.lock, which is about to be replaced."""
        if name in self.entries:
            in_git = self.stages[name].in_git
            known_entries.remember(self.root, name, self.lock, self.entries[name], in_git)

    def known(self, name: str) -> KnownEntry | None:
        """The entry with a stage's inputs as they are now: dvc.lock's own, or one that was remembered.

        PlumblineError where a dep is missing.
        """
        recorded, stage = self.entries.get(name), self.stages[name]
        values = self.values(stage)
        if values is None or not (recorded or known_entries.any_of(self.root, name)):
            return None
        deps = {path: self.md5(path) for path in stage.deps}
        written = dvc_lock.outs(self.entries)
        if any(written.get(path, md5) != md5 for path, md5 in deps.items()):
            return None  # not what the stage before wrote: the stage refuses it
        wanted = known_entries.key(stage.cmd, deps, values)
        if recorded and known_entries.entry_key(recorded) == wanted:
            return KnownEntry(recorded)
        return known_entries.find(self.root, name, wanted)

    def values(self, stage: DeclaredStage) -> dict[str, Any] | None:
        """A stage's params by dotted key; None where one is missing."""
        values: dict[str, Any] = {}
        try:
            for file, keys in stage.params.items():
                for key in keys:
                    values |= dvc_lock.flat(dvc_templates.value(self.params[file], key), key)
        except KeyError:
            return None
        return values

    def md5(self, path: str) -> str:
        """A dep's md5 as DVC computes it; PlumblineError where it is missing."""
        if path not in self.md5s:
            self.md5s[path] = dvc_hash.md5(self.root / path)
        return self.md5s[path]

    def place(self, name: str, known: KnownEntry) -> tuple[str, ...]:
        """Put a stage's outs in place, its entry into `entries` and `lock`; see `cached_outs.place`."""
        brought = cached_outs.place(self.root, self.stages[name], known)
        self.md5s |= known.entry.outs
        self.entries[name] = known.entry
        if known.lines:
            self.lock = dvc_lock.with_block(self.lock or HEAD, name, known.lines)
        return tuple(brought)

    def recorded(self, name: str) -> KnownEntry | None:
        """dvc.lock's own entry, where it is of the command and params, and of the outs that others have there.

        Sources and code are not looked at: where one has changed, DVC runs the stage.
        """
        entry, stage = self.entries.get(name), self.stages[name]
        if entry is None or entry.cmd != stage.cmd or entry.params != self.values(stage):
            return None
        written = dvc_lock.outs(self.entries)
        same = all(written.get(path, md5) == md5 for path, md5 in entry.deps.items())
        return KnownEntry(entry) if same else None

    def bring(self, names: Iterable[str], known: Known) -> Iterator[Brought]:
        """Bring the outs of stages that are `known`, each after those whose outs it reads.

        What reads an out of a stage that must run must run, too.
        """
        waiting: set[str] = set()
        for name in names:
            stage = self.stages[name]
            try:
                entry = None if waiting.intersection(stage.deps) else known(name)
                if entry is None:
                    raise PlumblineError("no known entry has its inputs")
                yield Brought(name, self.place(name, entry))
                self.remember(name)
            except PlumblineError as error:
                waiting.update(stage.paths)
                yield Brought(name, reason=str(error))

    def ordered(self) -> list[str]:
        """The stages, each after those whose outs it reads."""
        return dvc_lock.ordered(
            {
                name: Entry(deps=dict.fromkeys(stage.deps, ""), outs=dict.fromkeys(stage.paths, ""))
                for name, stage in self.stages.items()
            }
        )


def held(root: Path, names: Iterable[str]) -> list[str]:
    """Those of the stages whose inputs are those of dvc.lock, and whose outs the cache has: a checkout is enough."""
    tree = WorkTree.read(root)
    tree.md5s |= dvc_lock.outs(tree.entries)
    store = object_stores.settings(root).folder()
    return [name for name in names if name in tree.stages and _held(tree, store, name)]


def _held(tree: WorkTree, store: FolderStore, name: str) -> bool:
    try:
        known = tree.known(name)
    except (PlumblineError, OSError):
        return False
    return (
        known is not None and not known.lines and cached_outs.held(store, tree.stages[name], known)
    )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _document(path: Path) -> dict[str, Any]:
    return dvc_yaml.document(_text(path), str(path))
