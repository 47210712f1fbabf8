"""Remotes that are no local folder (S3, SSH, HTTP, ...), read through DVC's own file systems.

DVC's `Repo` is not opened: its state database unpickles what it finds, and its cache trusts names.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from plumbline.core.dvc_hash import MD5
from plumbline.core.errors import PlumblineError
from plumbline.core.hashing import Digest, copy
from plumbline.repo.tracked_outs import object_path

THREADS = 16
"""Objects read at once: waiting for the network, not the processor."""


@dataclass(frozen=True)
class CloudStore:
    """A remote as a place: objects by md5, as `plumbline.repo.object_stores.ObjectStore` says."""

    name: str
    root: Path
    remote: str

    def locate(self, oid: str) -> str:
        """Its path on the remote."""
        return f"{self._base}/files/md5/{object_path(oid)}"

    def digests(self, oids: Iterable[str]) -> dict[str, Digest]:
        """Each object's md5, every byte read; PlumblineError where the remote cannot be reached."""
        wanted = list(dict.fromkeys(oids))
        for oid in wanted[:1]:  # a remote that is down is one message, not one for each object
            first = self._digest(oid)
            if isinstance(first, OSError) and not isinstance(first, FileNotFoundError):
                raise PlumblineError(f"{self.name}: cannot be read ({first}); look at .dvc/config")
        with ThreadPoolExecutor(THREADS) as pool:
            return dict(zip(wanted, pool.map(self._digest, wanted), strict=True))

    def present(self, oids: Iterable[str]) -> set[str]:
        """Which of these objects are here; PlumblineError where the remote cannot be reached."""
        wanted = list(dict.fromkeys(oids))
        with ThreadPoolExecutor(THREADS) as pool:
            return {
                oid for oid, here in zip(wanted, pool.map(self._here, wanted), strict=True) if here
            }

    @contextmanager
    def open(self, oid: str) -> Iterator[BinaryIO]:
        """The object's bytes as a stream; OSError where it cannot be read."""
        try:
            with self._system.open(self.locate(oid), "rb") as stream:
                yield stream
        except _failures() as error:
            raise _shown(error) from None

    def sizes(self) -> dict[str, int]:
        """Every object that stands here and its size; PlumblineError where it cannot be listed."""
        if not self._system.CAN_TRAVERSE:
            raise PlumblineError(f"{self.name}: this kind of remote cannot list its files")
        try:
            listed = {"".join(p.rsplit("/", 2)[1:]): p for p in self._listed()}
            paths = {oid: path for oid, path in listed.items() if MD5.fullmatch(oid)}
            with ThreadPoolExecutor(THREADS) as pool:
                return dict(zip(paths, pool.map(self._system.size, paths.values()), strict=True))
        except _failures() as error:
            raise PlumblineError(f"{self.name}: cannot be listed ({_shown(error)})") from None

    def _listed(self) -> list[str]:
        try:
            return list(self._system.find(f"{self._base}/files/md5"))
        except FileNotFoundError:
            return []

    def _here(self, oid: str) -> bool:
        try:
            with self.open(oid):
                return True
        except FileNotFoundError:
            return False
        except OSError as error:
            raise PlumblineError(
                f"{self.name}: cannot be read ({error}); look at .dvc/config"
            ) from None

    def _digest(self, oid: str) -> Digest:
        try:
            with self.open(oid) as source, Path(os.devnull).open("wb") as nowhere:
                return copy(source, nowhere)
        except OSError as error:
            return error

    @property
    def _base(self) -> str:
        return str(self._opened[1]).rstrip("/")

    @property
    def _system(self) -> Any:
        return self._opened[0]

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        """DVC's file system for the remote, and the path of the remote in it."""
        from dvc.config import Config
        from dvc.exceptions import DvcException
        from dvc.fs import RemoteMissingDepsError, get_cloud_fs

        try:
            config = Config(str(self.root / ".dvc"))
            kind, options, path = get_cloud_fs(config, name=self.remote)
            if options.get("worktree") or options.get("version_aware"):
                raise PlumblineError(
                    f"{self.name}: a cloud-versioned remote keeps no objects by md5; "
                    "use a plain one (`dvc remote modify NAME version_aware false`)"
                )
            return kind(**options), path
        except RemoteMissingDepsError as error:
            raise PlumblineError(f"{self.name}: {error}; install `dvc-{kind.protocol}`") from None
        except DvcException as error:
            raise PlumblineError(f"{self.name}: {error}") from None
        except ImportError as error:  # DVC knows the kind of remote, its package is not there
            wanted = re.search(r"dvc-[a-z0-9]+", str(error))
            hint = f"; install `{wanted.group()}`" if wanted else ""
            raise PlumblineError(f"{self.name}: {error}{hint}") from None


def refuse_bad_config(root: Path) -> None:
    """PlumblineError with DVC's words where it does not take what its files of settings say."""
    from dvc.config import Config, ConfigError

    try:
        Config(str(root / ".dvc"))
    except ConfigError as error:
        raise PlumblineError(str(error)) from None


def _failures() -> tuple[type[Exception], ...]:
    """What the libraries behind the file systems raise that is no OSError; and what some hide a cause in."""
    import aiohttp

    failures: list[type[Exception]] = [aiohttp.ClientError, OSError]
    for module, names in (
        ("asyncssh", ("Error",)),
        ("botocore.exceptions", ("BotoCoreError", "ClientError")),
    ):
        with suppress(ImportError):  # then no such remote was opened
            loaded = importlib.import_module(module)
            failures += [getattr(loaded, name) for name in names]
    return tuple(failures)


def _shown(error: Exception) -> OSError:
    """The error as it is: a server that is down, or refuses, is no missing file."""
    import aiohttp

    cause = error.__cause__ or error
    if isinstance(cause, FileNotFoundError) or getattr(cause, "status", None) == 404:
        return FileNotFoundError(str(error))
    if isinstance(cause, aiohttp.ClientError) or not isinstance(error, OSError):
        return OSError(f"{type(cause).__name__}: {cause}")
    return error
