"""The outs that a dvc.lock or a .dvc file names, with what DVC is to do with their bytes. Pure.

The one reader of .dvc files; dvc.lock and dvc.yaml are read by `plumbline.runtime`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plumbline.core.dvc_hash import MD5
from plumbline.core.errors import PlumblineError
from plumbline.runtime import dvc_lock, dvc_yaml
from plumbline.runtime.dvc_yaml import DeclaredOut


@dataclass(frozen=True)
class Out:
    """One output that a lock entry or a .dvc file names; paths are relative to the project.

    `md5` ends in ".dir" for a folder: the md5 of its manifest. `cached`: its bytes are DVC's to keep,
    not git's. `pushed`: they belong on the remote (`remote`, or the default one).
    """

    file: str
    stage: str
    path: str
    md5: str
    cached: bool = True
    pushed: bool = True
    remote: str | None = None
    executable: bool = False

    @property
    def folder(self) -> bool:
        """Whether it is a folder with a manifest."""
        return self.md5.endswith(".dir")


def of_lock(text: str, declared: str, file: str, params: str = "") -> list[Out]:
    """The outs in a dvc.lock's text; the dvc.yaml beside it says which of them are cached.

    Without those of stages that dvc.yaml and `params`, the params.yaml beside it, do not declare.

    PlumblineError where either is damaged, or an entry is not by md5 in DVC 3's layout.
    """
    beside = posixpath.join(posixpath.dirname(file), dvc_yaml.FILE)
    graph = dvc_yaml.document(declared, beside)
    outs = []
    for name, entry in dvc_lock.parse_declared(text, declared, params, file).items():
        folder = posixpath.join(posixpath.dirname(file), dvc_yaml.folder(graph, name, file))
        for entry_out in entry.raw.get("outs") or ():
            flags = dvc_yaml.declared_out(graph, name, str(entry_out["path"]), beside)
            outs.append(_out(entry_out, flags, file=file, stage=name, folder=folder))
    return outs


def source_deps(entries: dvc_lock.Entries) -> list[tuple[str, str, str]]:
    """Stage, path and md5 of each dep, hashed by DVC, that no stage writes."""
    written = dvc_lock.outs(entries)
    return [
        (name, path, md5)
        for name, entry in entries.items()
        for path, md5 in entry.deps.items()
        if path not in written and MD5.fullmatch(md5)
    ]


def of_dvc_file(text: str, file: str) -> list[Out]:
    """The outs that a .dvc file tracks; what `dvc import` brought is not on this project's remote."""
    content = dvc_yaml.document(text, file)
    folder = posixpath.join(posixpath.dirname(file), str(content.get("wdir") or ""))
    imported = any("repo" in dep for dep in _each(content, "deps", file))
    return [
        _out(entry_out, _flags(entry_out, imported), file, file, folder)
        for entry_out in _each(content, "outs", file)
    ]


def imported_from(text: str, file: str) -> list[Any]:
    """What `dvc import-url` or `dvc import` noted in a .dvc file of where its outs come from."""
    return _each(dvc_yaml.document(text, file), "deps", file)


def object_path(md5: str) -> str:
    """Where an object stands below `files/md5`.

    >>> object_path("d751713988987e9331980363e24189ce.dir")
    'd7/51713988987e9331980363e24189ce.dir'
    """
    return f"{md5[:2]}/{md5[2:]}"


def _flags(entry_out: Mapping[str, Any], imported: bool) -> DeclaredOut:
    return DeclaredOut(
        path=str(entry_out.get("path")),
        cached=entry_out.get("cache") is not False,
        pushed=entry_out.get("push") is not False and not imported,
        remote=entry_out.get("remote"),
    )


def _out(
    entry_out: Mapping[str, Any], flags: DeclaredOut, file: str, stage: str, folder: str
) -> Out:
    path, md5 = entry_out.get("path"), entry_out.get("md5")
    if not isinstance(path, str) or not isinstance(md5, str) or not MD5.fullmatch(md5):
        raise PlumblineError(
            f"{file}, {stage}: expected an out with path and md5, found {dict(entry_out)}; "
            "run `dvc repro` (or `dvc add`) to record it again"
        )
    if entry_out.get("hash") != "md5":
        raise PlumblineError(
            f"{file}, {stage}, {path}: recorded by DVC 2 (no `hash: md5`); "
            "run `dvc cache migrate --dvc-files` and commit"
        )
    location = posixpath.normpath(posixpath.join(folder, path))
    if location.startswith(("/", "../")) or location in (".", ".."):
        raise PlumblineError(f"{file}, {stage}: the out '{path}' is outside of the project")
    return Out(
        file=file,
        stage=stage,
        path=location,
        md5=md5,
        cached=flags.cached,
        pushed=flags.pushed,
        remote=flags.remote,
        executable=bool(entry_out.get("isexec")),
    )


def _each(entry: Mapping[str, Any], key: str, file: str) -> list[dict[str, Any]]:
    listed = entry.get(key) or []
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise dvc_yaml.damaged(file, f"expected a list under `{key}`, found {str(listed)[:80]}")
    return listed
