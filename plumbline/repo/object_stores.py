"""Object stores: the cache and the remotes of .dvc/config, behind one interface."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from plumbline.core.dvc_hash import MD5
from plumbline.core.errors import PlumblineError, suggest
from plumbline.core.hashing import Digest, md5_bytes, md5_files
from plumbline.repo.tracked_outs import object_path

OBJECTS = Path("files") / "md5"
RELATIVE = "(relative)"
REMOTE = re.compile(r'\s*remote\s*"(.*)"\s*')
"""A remote's section, in lower case."""


class ObjectSource(Protocol):
    """Where objects can be read from."""

    @property
    def name(self) -> str:
        """What it is called in messages."""

    def open(self, oid: str) -> AbstractContextManager[BinaryIO]:
        """A context that gives the object's bytes as a stream; OSError where there is none."""


class ObjectStore(ObjectSource, Protocol):
    """Objects by md5 (".dir" for manifests): the cache, or a remote."""

    def locate(self, oid: str) -> str:
        """Where an object stands, for messages."""

    def digests(self, oids: Iterable[str]) -> dict[str, Digest]:
        """Each object's md5 as its bytes are now, or why they cannot be read."""

    def present(self, oids: Iterable[str]) -> set[str]:
        """Which of these objects are here, whatever their bytes are."""

    def sizes(self) -> dict[str, int]:
        """Every object that stands here, and its size in bytes."""


@dataclass(frozen=True)
class FolderStore:
    """A place in a local folder: DVC's own cache, or a remote that is a path."""

    name: str
    path: Path

    def locate(self, oid: str) -> str:
        """Its file."""
        return f"{self.path}{os.sep}{object_path(oid)}"

    def digests(self, oids: Iterable[str]) -> dict[str, Digest]:
        """Each object's md5 as its bytes are now, or why they cannot be read."""
        files = {oid: self.locate(oid) for oid in oids}
        by_file = md5_files(files.values())
        return {oid: by_file[file] for oid, file in files.items()}

    def present(self, oids: Iterable[str]) -> set[str]:
        """Which of these objects are here, whatever their bytes are."""
        return {oid for oid in oids if Path(self.locate(oid)).is_file()}

    @contextmanager
    def open(self, oid: str) -> Iterator[BinaryIO]:
        """The object's bytes as a stream."""
        with Path(self.locate(oid)).open("rb") as stream:
            yield stream

    def sizes(self) -> dict[str, int]:
        """Every object that stands here, and its size in bytes."""
        files = (p for p in self.path.glob("??/*") if MD5.fullmatch(p.parent.name + p.name))
        return {p.parent.name + p.name: p.stat().st_size for p in files}


@dataclass(frozen=True)
class DvcSettings:
    """What .dvc/config and the user's own files (config.local, global, system) say together."""

    root: Path
    cache: Path
    links: tuple[str, ...] = ()
    default: str | None = None
    state: str | None = None
    """Where DVC keeps its database, if that is set."""
    remotes: Mapping[str, str] = field(default_factory=dict)
    relative: frozenset[str] = frozenset()
    """Remotes whose path is relative in .dvc/config: DVC loses it when it looks at other revisions."""
    trusting: frozenset[str] = frozenset()
    """Remotes without `verify = true`: DVC accepts whatever they send, unchecked."""

    def folder(self) -> FolderStore:
        """The cache as a place."""
        return FolderStore("cache", self.cache / OBJECTS)

    def remote(self, name: str) -> ObjectStore:
        """A remote as a place; any but a local folder through DVC's own file systems."""
        name = name.lower()
        if name not in self.remotes:
            hint = suggest(name, self.remotes) if self.remotes else "add it with `dvc remote add`"
            raise PlumblineError(f".dvc/config: no remote '{name}'; {hint}")
        url = self.remotes[name]
        if "://" not in url:
            return FolderStore(f"remote {name}", Path(url) / OBJECTS)
        from plumbline.repo.remotes import CloudStore

        return CloudStore(f"remote {name}", self.root, name)


def settings(root: Path) -> DvcSettings:
    """Read the configuration as DVC does, later levels over earlier ones; PlumblineError if damaged."""
    if not (root / ".dvc").is_dir():
        raise PlumblineError(
            f"{root.absolute()}: no .dvc folder here; run it from the project's root"
        )
    merged: dict[str, dict[str, Any]] = {}
    for file in _files(root):
        tracked = file == root / ".dvc" / "config"
        for section, values in sections(file).items():
            noted = {RELATIVE: tracked and _relative(values["url"])} if "url" in values else {}
            resolved = {key: _resolved(key, value, file) for key, value in values.items()}
            merged.setdefault(section, {}).update(resolved | noted)
    named = ((REMOTE.fullmatch(s), v) for s, v in merged.items())
    by_name = {match[1]: values for match, values in named if match}
    cache = merged.get("cache", {})
    links = cache.get("type", ())
    return DvcSettings(
        root=root,
        cache=Path(cache.get("dir") or root.absolute() / ".dvc" / "cache"),
        links=tuple(w.strip() for w in (links.split(",") if isinstance(links, str) else links)),
        default=str(merged.get("core", {}).get("remote", "")).lower() or None,
        state=merged.get("core", {}).get("site_cache_dir") or None,
        remotes={name: str(values.get("url", "")) for name, values in by_name.items()},
        relative=frozenset(name for name, values in by_name.items() if values.get(RELATIVE)),
        trusting=frozenset(name for name, values in by_name.items() if _trusting(values)),
    )


def refuse_links(settings_read: DvcSettings) -> None:
    """Refuse a cache linked into the work tree, as root: a write to an out would change the cache."""
    linked = {"hardlink", "symlink"}.intersection(settings_read.links)
    if linked and os.geteuid() == 0:
        raise PlumblineError(
            f".dvc/config: cache.type is {', '.join(settings_read.links)}; as root the cache's files are not "
            "protected through such links, and a write to an out changes every version that shares it; "
            "run `dvc config --unset cache.type` (or as another user)"
        )


def _files(root: Path) -> list[Path]:
    import platformdirs

    system = os.environ.get("DVC_SYSTEM_CONFIG_DIR") or platformdirs.site_config_dir(
        "dvc", "iterative"
    )
    user = os.environ.get("DVC_GLOBAL_CONFIG_DIR") or platformdirs.user_config_dir(
        "dvc", "iterative"
    )
    own = [root / ".dvc" / "config", root / ".dvc" / "config.local"]
    return [Path(system) / "config", Path(user) / "config", *own]


def sections(file: Path) -> dict[str, dict[str, Any]]:
    """A file's sections, names in lower case."""
    if not file.is_file():
        return {}
    from configobj import ConfigObj, ConfigObjError

    try:
        parsed = ConfigObj(str(file), encoding="utf-8").dict()
    except (ConfigObjError, UnicodeDecodeError) as error:
        raise PlumblineError(f"{file}: damaged ({error}); compare it with `git diff`") from None
    named = {s.lower(): v for s, v in parsed.items() if isinstance(v, dict)}
    return {s: {k.lower(): v for k, v in values.items()} for s, values in named.items()}


def _resolved(key: str, value: Any, file: Path) -> Any:
    """A path, resolved against the folder of the file that has it; anything else as it is."""
    if key not in ("url", "dir") or not isinstance(value, str):
        return value
    value = value.removeprefix("file://")
    if re.match(r"\w+://", value):
        return value
    return os.path.abspath(file.parent / os.path.expanduser(value))


def _trusting(values: Mapping[str, Any]) -> bool:
    return str(values.get("verify", "")).lower() not in ("true", "yes", "on", "1")


def _relative(url: str) -> bool:
    return not re.match(r"\w+://", url) and not os.path.isabs(os.path.expanduser(url))


def read_object(place: ObjectStore, oid: str) -> bytes | None:
    """An object's bytes; None where there are none, or their md5 is not the object's name."""
    try:
        with place.open(oid) as stream:
            data: bytes = stream.read()
    except OSError:
        return None
    return data if md5_bytes(data) == oid.removesuffix(".dir") else None
