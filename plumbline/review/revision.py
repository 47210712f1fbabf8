"""A revision of a comparison, or the work tree as it is. An edge: reads git."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from plumbline import config as params_file
from plumbline.config import UseCaseParams
from plumbline.core.errors import PlumblineError
from plumbline.repo import artifacts, revisions
from plumbline.review import packages
from plumbline.review.comparison_sections import RevisionName
from plumbline.runtime import dvc_lock, dvc_yaml, git, library
from plumbline.runtime.dvc_lock import Entry

LOCK, GRAPH, PARAMS = dvc_lock.FILE, dvc_yaml.FILE, dvc_yaml.PARAMS
RELEASES = "model-v*"


@dataclass(frozen=True)
class Revision:
    """A revision (`rev` None: the work tree): its name, commit, dvc.lock's entries and a few texts."""

    root: Path
    name: str
    rev: str | None
    commit: str
    texts: Mapping[str, str]
    entries: Mapping[str, Entry]

    def about(self) -> RevisionName:
        """Name and commit; `commit` is null for a work tree that differs from its commit."""
        clean = self.rev is not None or not _dirty(self.root)
        return RevisionName(name=self.name, commit=self.commit if clean else None)

    def stage_documents(self, usecase_name: str) -> dict[str, Any]:
        """The small JSONs of a use case's stages, by stage; those that are not there are left out."""
        paths = artifacts.metrics(dvc_lock.of(self.entries, usecase_name))
        blobs = revisions.blobs(self.root, self.rev, paths.values())
        return {s: _json(blobs[p], p, self.name) for s, p in paths.items() if p in blobs}

    def params(self, name: str) -> UseCaseParams:
        """The use case's checked params."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / PARAMS
            path.write_text(self.texts.get(PARAMS, ""), encoding="utf-8")
            try:
                return params_file.load(name, path)
            except PlumblineError as error:
                text = str(error).replace(str(path), f"{self.name}: {PARAMS}")
                raise type(error)(text) from None

    def gate(self, name: str) -> dict[str, Any]:
        """The use case's gate section by dotted key: no stage reads it, so that no lock has it."""
        try:
            section = yaml.safe_load(self.texts.get(PARAMS, ""))[name]["gate"]
        except (yaml.YAMLError, KeyError, TypeError):
            return {}
        return dvc_lock.flat(section, f"{name}.gate")


def side(root: Path, rev: str | None) -> Revision:
    """Read a revision, or the work tree; PlumblineError where it does not exist or has no dvc.lock."""
    commit = revisions.commit(root, rev or "HEAD")
    name = rev or "work tree"
    files = (LOCK, PARAMS, GRAPH, library.FILE, *packages.LOCKS)
    blobs = revisions.blobs(root, commit if rev else None, files)
    texts = {n: data.decode("utf-8", errors="replace") for n, data in blobs.items()}
    if LOCK not in texts:
        raise PlumblineError(
            f"{name}: has no {LOCK}, which records the model; run `dvc repro` and commit {LOCK}"
        )
    graph, params = texts.get(GRAPH, ""), texts.get(PARAMS, "")
    entries = dvc_lock.parse_declared(texts[LOCK], graph, params, f"{name}: {LOCK}")
    pins = revisions.blobs(root, commit if rev else None, packages.of(entries.values()))
    texts |= {n: data.decode("utf-8", errors="replace") for n, data in pins.items()}
    return Revision(root, name, commit if rev else None, commit, texts, entries)


def release(root: Path, head: Revision) -> Revision | None:
    """The last release's tag that leads to `head`; None where there is none, or it has no dvc.lock."""
    words = ("for-each-ref", "--merged", head.commit, "--sort=-creatordate", "--sort=-v:refname")
    names = git.lines(root, *words, "--format=%(refname:short)", f"refs/tags/{RELEASES}")
    if not names or LOCK not in revisions.blobs(root, f"refs/tags/{names[0]}", (LOCK,)):
        return None
    return side(root, names[0])


def _dirty(root: Path) -> bool:
    """Whether the work tree differs from its commit; entries of dvc.lock that nothing declares count for nothing."""
    changed = [line[3:] for line in git.lines(root, "status", "--porcelain", "--", ".")]
    if [path for path in changed if Path(path).name != LOCK]:
        return True
    return bool(changed) and _entries(root, None) != _entries(root, "HEAD")


def _entries(root: Path, rev: str | None) -> Mapping[str, Entry]:
    return revisions.entries(root, rev, rev or "work tree")


def _json(data: bytes, path: str, name: str) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except ValueError as error:
        raise PlumblineError(
            f"{name}: {path}: not valid JSON ({error}); restore it with `git checkout`"
        ) from None
    if not isinstance(document, dict):
        raise PlumblineError(
            f"{name}: {path}: expected keys and values; restore it with `git checkout`"
        )
    return document
