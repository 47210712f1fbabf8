"""Archives that are the same bytes for the same files, and their checksums."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
from collections.abc import Iterable
from pathlib import Path

SUMS = "SHA256SUMS"


def pack(folder: Path, name: str, target: Path) -> None:
    """`folder` as a tar.gz whose members stand below `name`: sorted, no times, owners or own modes."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    with (
        target.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in files:
            member = tarfile.TarInfo(f"{name}/{path.relative_to(folder).as_posix()}")
            member.size, member.mode = path.stat().st_size, 0o644
            with path.open("rb") as stream:
                tar.addfile(member, stream)


def sums(files: Iterable[Path]) -> str:
    """What `sha256sum -c` reads, in order of the names."""
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(files)
    )
