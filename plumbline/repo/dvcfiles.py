"""What DVC's files say, read without DVC: dvc.lock, .dvc files, manifests of folders, object names."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from plumbline.core.errors import PlumblineError

MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")
TEMPLATE = re.compile(r"\$\{[^}]*\}")


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


def lock_outs(text: str, declared: str, file: str) -> list[Out]:
    """The outs in a dvc.lock's text; the dvc.yaml beside it says which of them are cached.

    PlumblineError where either is damaged, or an entry is not by md5 in DVC 3's layout.
    """
    entries = _section(text, "stages", file)
    stages = _section(declared, "stages", posixpath.join(posixpath.dirname(file), "dvc.yaml"))
    outs = []
    for name, entry in entries.items():
        stage = _stage(stages, name)
        folder = posixpath.join(posixpath.dirname(file), _folder(stage, file, name))
        for found in _each(entry, "outs", file):
            flags = _flags(stage, str(found.get("path")))
            outs.append(_out(found, flags, file=file, stage=name, folder=folder))
    return outs


def lock_deps(text: str, file: str) -> list[tuple[str, str, str]]:
    """Stage, path and md5 of each dep in a dvc.lock's text that no stage writes."""
    entries = _section(text, "stages", file)
    written = {str(o.get("path")) for entry in entries.values() for o in _each(entry, "outs", file)}
    return [
        (name, str(dep["path"]), str(dep["md5"]))
        for name, entry in entries.items()
        for dep in _each(entry, "deps", file)
        if "md5" in dep and str(dep.get("path")) not in written
    ]


def dvc_outs(text: str, file: str) -> list[Out]:
    """The outs that a .dvc file tracks; what `dvc import` brought is not on this project's remote."""
    whole = _load(text, file)
    folder = posixpath.join(posixpath.dirname(file), str(whole.get("wdir") or ""))
    imported = any("repo" in dep for dep in _each(whole, "deps", file))
    return [
        _out(found, {**found, **({"push": False} if imported else {})}, file, file, folder)
        for found in _each(whole, "outs", file)
    ]


def manifest(data: bytes) -> dict[str, str]:
    """A folder's manifest: relative path to md5. ValueError where it is not what DVC writes."""
    listing = json.loads(data)
    if not isinstance(listing, list):
        raise ValueError("expected a list")
    found = {}
    for entry in listing:
        path, md5 = (entry.get(k) if isinstance(entry, dict) else None for k in ("relpath", "md5"))
        if not isinstance(path, str) or not isinstance(md5, str) or not MD5.fullmatch(md5):
            raise ValueError(f"expected md5 and relpath, found {str(entry)[:80]}")
        if path.startswith("/") or not {"", ".", ".."}.isdisjoint(path.split("/")):
            raise ValueError(f"the path '{path}' leaves its folder")
        found[path] = md5
    return found


def manifest_bytes(contents: Mapping[str, str]) -> bytes:
    """The manifest that DVC writes for these relative paths and md5s.

    >>> manifest_bytes({"b": "1" * 32, "a": "0" * 32})[:41]
    b'[{"md5": "0000000000000000000000000000000'
    """
    listing = [{"md5": contents[path], "relpath": path} for path in sorted(contents)]
    return json.dumps(listing, sort_keys=True).encode()


def object_path(md5: str) -> str:
    """Where an object stands below `files/md5`.

    >>> object_path("d751713988987e9331980363e24189ce.dir")
    'd7/51713988987e9331980363e24189ce.dir'
    """
    return f"{md5[:2]}/{md5[2:]}"


def _out(
    found: Mapping[str, Any], flags: Mapping[str, Any], file: str, stage: str, folder: str
) -> Out:
    path, md5 = found.get("path"), found.get("md5")
    if not isinstance(path, str) or not isinstance(md5, str) or not MD5.fullmatch(md5):
        raise PlumblineError(
            f"{file}, {stage}: expected an out with path and md5, found {dict(found)}; "
            "run `dvc repro` (or `dvc add`) to record it again"
        )
    if found.get("hash") != "md5":
        raise PlumblineError(
            f"{file}, {stage}, {path}: recorded by DVC 2 (no `hash: md5`); "
            "run `dvc cache migrate --dvc-files` and commit"
        )
    place = posixpath.normpath(posixpath.join(folder, path))
    if place.startswith(("/", "../")) or place in (".", ".."):
        raise PlumblineError(f"{file}, {stage}: the out '{path}' is outside of the project")
    return Out(
        file=file,
        stage=stage,
        path=place,
        md5=md5,
        cached=flags.get("cache") is not False,
        pushed=flags.get("push") is not False,
        remote=flags.get("remote"),
        executable=bool(found.get("isexec")),
    )


def _load(text: str, file: str) -> dict[str, Any]:
    try:
        whole = yaml.load(text, Loader=yaml.CSafeLoader) or {}
    except yaml.YAMLError as error:
        raise PlumblineError(f"{file}: damaged ({' '.join(str(error).split())})") from None
    if not isinstance(whole, dict):
        raise PlumblineError(f"{file}: expected keys and values, found {type(whole).__name__}")
    return whole


def _section(text: str, key: str, file: str) -> dict[str, Any]:
    section = _load(text, file).get(key) or {}
    if not isinstance(section, dict):
        raise PlumblineError(f"{file}: expected names under `{key}`, found {str(section)[:80]}")
    return section


def _each(entry: Any, key: str, file: str) -> list[dict[str, Any]]:
    listed = entry.get(key) or [] if isinstance(entry, dict) else None
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise PlumblineError(f"{file}: expected a list under `{key}`, found {str(listed)[:80]}")
    return listed


def _stage(stages: Mapping[str, Any], name: str) -> dict[str, Any]:
    stage = stages.get(name) or stages.get(name.split("@")[0]) or {}
    stage = stage.get("do", stage) if isinstance(stage, dict) else {}
    return stage if isinstance(stage, dict) else {}


def _folder(stage: Mapping[str, Any], file: str, name: str) -> str:
    folder = str(stage.get("wdir") or "")
    if TEMPLATE.search(folder):
        raise PlumblineError(f"{file}, {name}: a `wdir` with {folder} in it cannot be followed")
    return folder


def _flags(stage: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """What dvc.yaml says of an out; where several templates match, the one with most letters."""
    matching = [
        (len(TEMPLATE.sub("", template)), order, flags)
        for order, (template, flags) in enumerate(_declared(stage))
        if re.fullmatch(".+".join(map(re.escape, TEMPLATE.split(template))), path)
    ]
    return max(matching)[2] if matching else {}


def _declared(stage: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for kind in ("outs", "metrics", "plots"):
        for item in stage.get(kind) or ():
            for template, flags in item.items() if isinstance(item, dict) else ((item, {}),):
                merged = flags if isinstance(flags, list) else [flags or {}]
                yield str(template), {k: v for part in merged for k, v in part.items()}
