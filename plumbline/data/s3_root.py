"""The objects below an S3 prefix as files of a source: listed with their etags, read as the manifest names them. An edge.

Keys, region and another server than Amazon's come from where AWS's tools take them (`AWS_ACCESS_KEY_ID`, a profile, the
machine's role; `AWS_ENDPOINT_URL`), never from params.yaml: a pull request must not choose where keys are sent.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from plumbline.core.errors import SourceError
from plumbline.data.file_manifest import ListedFile
from plumbline.data.manifest_changes import FoundFile
from plumbline.data.source_root import (
    S3,
    SourceRoot,
    beside,
    footer_rows,
    read_paths,
    refuse_tables,
)

BLOCK = 1 << 20
OTHER = (
    "412",
    "PreconditionFailed",
    "404",
    "NoSuchKey",
    "NoSuchVersion",
    "405",
    "MethodNotAllowed",
)
"""Answers to a request for an object that is not as listed any more."""
Result = TypeVar("Result")


@dataclass(frozen=True)
class S3Object:
    """An object as the listing has it."""

    size: int
    etag: str
    version: str = ""

    @property
    def md5(self) -> str:
        """The md5 of its bytes, where the etag may be it: of an object that was written in one part."""
        return "" if "-" in self.etag else self.etag


class S3Root(SourceRoot):
    """A prefix of a bucket."""

    def __init__(self, address: str, name: str, key: str, suffixes: Sequence[str]) -> None:
        self.bucket, _, prefix = address.removeprefix(S3).partition("/")
        if not self.bucket:
            raise SourceError(f"{name}: expected s3://BUCKET/PREFIX; correct {key}")
        self.prefix = prefix.rstrip("/") + "/" if prefix.strip("/") else ""
        self.name, self.key = name, key
        self.objects = self._response(self._listed)
        refuse_tables(
            name, sorted({part for path in self.objects for part in path.split("/")[:-1]})
        )
        self.paths = read_paths(name, list(self.objects), suffixes)
        self.beside = beside(list(self.objects), suffixes)

    def found(
        self, listed: Mapping[str, ListedFile], *, again: bool = False
    ) -> dict[str, FoundFile]:
        """The objects with their etags; one that is listed by md5 and whose etag is none is read."""
        return {path: self._found(path, listed.get(path), again) for path in self.paths}

    def _found(self, path: str, listed: ListedFile | None, again: bool) -> FoundFile:
        there = self.objects[path]
        if listed is None or listed.size != there.size or listed.hash.startswith("etag:"):
            return FoundFile(there.size, f"etag:{there.etag}", there.version)
        if there.md5 and not again and listed.hash == f"md5:{there.md5}":
            return FoundFile(there.size, listed.hash, there.version)
        return FoundFile(
            there.size, f"md5:{self._response(lambda: self._md5(path))}", there.version
        )

    @contextmanager
    def opened(self, file: ListedFile, scratch: Path) -> Iterator[Path]:
        """A copy in `scratch`, removed after the block: the listed version, or what has the listed etag."""
        path = self.local(file, scratch)
        try:
            self._response(lambda: self._copied(file, path), file)
            yield path
        finally:
            path.unlink(missing_ok=True)

    def local(self, file: ListedFile, scratch: Path) -> Path:
        """A name of its own: workers of a cluster share the folder."""
        name = hashlib.sha256(file.path.encode()).hexdigest()[:32]
        return scratch / f"object-{name}{_ending(file.path)}"

    def rows(self, path: str) -> int:
        """By the footer, of which only the bytes are fetched."""
        with io.BufferedReader(_Ranges(self, path, self.objects[path].size), BLOCK) as stream:
            return self._response(lambda: footer_rows(stream, self.shown(path)))

    def keeps(self, file: ListedFile) -> bool:
        """Whether the bucket still has the listed version, though a newer one came or the object was removed."""
        from botocore.exceptions import ClientError

        if not file.version:
            return False
        arguments = {
            "Bucket": self.bucket,
            "Key": self.prefix + file.path,
            "VersionId": file.version,
        }
        try:
            return bool(self.client.head_object(**arguments)["ContentLength"] == file.size)
        except ClientError:
            return False

    def bytes_of(self, path: str, start: int, end: int) -> bytes:
        """The bytes of an object from `start` up to `end`, without it."""
        arguments = {"Range": f"bytes={start}-{end - 1}", "IfMatch": f'"{self.objects[path].etag}"'}
        with closing(self._get(path, arguments)["Body"]) as body:
            data: bytes = body.read()
        return data

    @cached_property
    def client(self) -> Any:
        """Requests are signed where there are keys; a public bucket needs none."""
        import botocore.session
        from botocore import UNSIGNED
        from botocore.config import Config

        session = botocore.session.get_session()
        config = Config(connect_timeout=10, read_timeout=60)
        if session.get_credentials() is None:
            config = config.merge(Config(signature_version=UNSIGNED))
        region = session.get_config_variable("region") or "us-east-1"
        return session.create_client("s3", config=config, region_name=region)

    def __getstate__(self) -> dict[str, Any]:
        """Without the connection, which every process has of its own."""
        return {name: value for name, value in vars(self).items() if name != "client"}

    def _listed(self) -> dict[str, S3Object]:
        """Every object below the prefix; with version ids, where the bucket keeps versions."""
        versions = self._versions()
        objects = {}
        for page in self._pages("list_objects_v2"):
            for one in page.get("Contents", ()):
                path = one["Key"].removeprefix(self.prefix)
                if path and not path.endswith("/"):  # a folder of the console's
                    etag = one["ETag"].strip('"')
                    objects[path] = S3Object(one["Size"], etag, versions.get((path, etag), ""))
        return objects

    def _versions(self) -> dict[tuple[str, str], str]:
        """Of the newest version of each object its id, by path and etag; none without the right to see them."""
        from botocore.exceptions import ClientError

        try:
            status = self.client.get_bucket_versioning(Bucket=self.bucket).get("Status")
            pages = list(self._pages("list_object_versions")) if status == "Enabled" else []
        except ClientError:
            return {}
        newest = (v for page in pages for v in page.get("Versions", ()) if v["IsLatest"])
        return {
            (v["Key"].removeprefix(self.prefix), v["ETag"].strip('"')): v["VersionId"]
            for v in newest
        }

    def _pages(self, operation: str) -> Iterator[Mapping[str, Any]]:
        pages = self.client.get_paginator(operation).paginate(
            Bucket=self.bucket, Prefix=self.prefix
        )
        yield from pages

    def _get(self, path: str, arguments: Mapping[str, str]) -> Any:
        return self.client.get_object(Bucket=self.bucket, Key=self.prefix + path, **arguments)

    def _md5(self, path: str) -> str:
        digest = hashlib.md5(usedforsecurity=False)
        with closing(self._get(path, {})["Body"]) as body:
            for block in body.iter_chunks(BLOCK):
                digest.update(block)
        return digest.hexdigest()

    def _copied(self, file: ListedFile, target: Path) -> None:
        """The bytes in `target`; SourceError where they are not those that are listed."""
        kind, _, expected = file.hash.partition(":")
        arguments = {"VersionId": file.version} if file.version else {}
        arguments |= {"IfMatch": f'"{expected}"'} if kind == "etag" else {}
        size, digest = 0, hashlib.md5(usedforsecurity=False)
        with closing(self._get(file.path, arguments)["Body"]) as body, target.open("wb") as stream:
            for block in body.iter_chunks(BLOCK):
                size += stream.write(block)
                digest.update(block)
        if size != file.size or (kind == "md5" and digest.hexdigest() != expected):
            raise self._other(file, f"{size:,} bytes, md5:{digest.hexdigest()}")

    def _response(self, request: Callable[[], Result], file: ListedFile | None = None) -> Result:
        """What a request brings; SourceError where S3 refuses it or does not answer. `file`: that is read."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return request()
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if file and code in OTHER:
                raise self._other(file, "another one, or none") from None
            raise SourceError(
                f"{self.name}: S3 answers {code} ({error.operation_name}); correct {self.key}, or the keys of this machine"
            ) from None
        except (BotoCoreError, OSError) as error:
            raise SourceError(
                f"{self.name}: S3 cannot be reached ({str(error).splitlines()[0]}); check the network, and AWS_ENDPOINT_URL"
            ) from None

    def _other(self, file: ListedFile, actual: str) -> SourceError:
        return SourceError(
            f"{self.shown(file.path)}: found {actual}, expected {file.size:,} bytes, {file.hash}: replaced since it was "
            "listed; restore it, or accept it with `plumbline manifest --update`"
        )


class _Ranges(io.RawIOBase):
    """An object as a file that can be searched: only what is read is fetched."""

    def __init__(self, root: S3Root, path: str, size: int) -> None:
        self.root, self.path, self.size, self.at = root, path, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.at = {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.size}[whence] + offset
        return self.at

    def tell(self) -> int:
        return self.at

    def readinto(self, buffer: Any) -> int:
        end = min(self.size, self.at + len(buffer))
        if end <= self.at:
            return 0
        data = self.root.bytes_of(self.path, self.at, end)
        buffer[: len(data)] = data
        self.at += len(data)
        return len(data)


def _ending(path: str) -> str:
    """The name's ending, which says how it is packed.

    >>> _ending("2025/sales.csv.gz"), _ending("part-0.snappy.parquet")
    ('.csv.gz', '.snappy.parquet')
    """
    return "".join(Path(path).suffixes[-2:]) or ""
