"""A bundle as a folder or as a release's archive, opened, described and held against a tag. An edge: reads files.

Nothing that it brings is executed, and of an archive only the bundle's own files are taken.
"""

from __future__ import annotations

import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from plumbline.core import dvc_hash
from plumbline.core.documents import Document
from plumbline.core.errors import BundleError
from plumbline.model import admission, bundle, library_versions, usecase_file
from plumbline.ops.rollback import plan
from plumbline.repo import revisions

NAMES = (bundle.MANIFEST, bundle.MODEL, usecase_file.FILE)
LARGEST = 2_000_000_000
"""Bytes of a file in an archive."""
REMEDY = "give the folder of a bundle, or an archive of `plumbline release`"


class FunctionSummary(Document):
    """A function that came with a bundle."""

    place: str
    sha256: str
    reads: tuple[str, ...]


class LibrarySummary(Document):
    """A library that made a bundle, and the one here."""

    name: str
    expected: str
    found: str | None
    verdict: str


class BundleSummary(Document):
    """What a bundle says of itself. `at`: whether the tag records it, None where no tag was named."""

    usecase: str
    problem: str
    label: str
    sha256: str
    features: tuple[str, ...]
    columns: tuple[str, ...]
    functions: tuple[FunctionSummary, ...]
    libraries: tuple[LibrarySummary, ...]
    missing: tuple[str, ...]
    carries_usecase: bool
    at: bool | None = None


@contextmanager
def opened(path: Path) -> Iterator[Path]:
    """The folder of a bundle; an archive's files stand in a folder that is removed afterwards.

    BundleError where it is neither, or the archive cannot be read.
    """
    if path.is_dir():
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
        target = Path(folder) / "bundle"
        target.mkdir()
        try:
            _unpack(path, target)
        except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or error
            raise BundleError(f"{path}: no archive that can be read ({reason}); {REMEDY}") from None
        yield target


def _unpack(path: Path, target: Path) -> None:
    """The bundle's files of an archive; BundleError where it holds none, or one of them twice."""
    with tarfile.open(path) as archive:
        for member in archive:
            name = PurePosixPath(member.name).name
            if not member.isfile() or name not in NAMES:
                continue
            if member.size > LARGEST or (target / name).exists():
                raise BundleError(f"{path}: {name} is there twice or too large; {REMEDY}")
            stream = archive.extractfile(member)
            (target / name).write_bytes(stream.read() if stream else b"")
    if not any(target.iterdir()):
        raise BundleError(f"{path}: no {', '.join(NAMES)} in it; {REMEDY}")


def summary(folder: Path, root: Path | None = None, tag: str | None = None) -> BundleSummary:
    """What the bundle in `folder` says of itself; with `tag`, whether the tag's dvc.lock in `root` records it."""
    manifest, carried = bundle.described(folder)
    table = carried.functions if carried else {}
    verdicts = library_versions.compared(carried.libraries if carried else {})
    recorded = None if root is None or tag is None else recorded_at(root, tag, folder)
    return BundleSummary(
        usecase=manifest.usecase,
        problem=manifest.problem,
        label=manifest.label,
        sha256=admission.digest(folder),
        features=manifest.order,
        columns=tuple(c.name for c in manifest.contract if c.known),
        functions=tuple(
            FunctionSummary(place=p, sha256=f.sha256, reads=tuple(f.names))
            for p, f in table.items()
        ),
        libraries=tuple(LibrarySummary(**vars(one)) for one in verdicts),
        missing=tuple(carried.missing) if carried else (),
        carries_usecase=carried is not None,
        at=recorded,
    )


def recorded_at(root: Path, tag: str, folder: Path) -> bool:
    """Whether the revision's dvc.lock records these very files as a use case's bundle."""
    outs = plan.bundles(revisions.outs(root, revisions.commit(root, tag)))
    listed = {name: dvc_hash.md5(folder / name) for name in admission.files(folder)}
    return dvc_hash.manifest_md5(listed) in {out.md5 for out in outs.values()}


def sources(folder: Path) -> Iterator[str]:
    """The source of each function, for a person to read."""
    carried = bundle.described(folder)[1]
    for place, one in (carried.functions if carried else {}).items():
        yield f"# {place}"
        yield from one.source.rstrip().splitlines()


def lines(one: BundleSummary, tag: str | None = None) -> Iterator[str]:
    """As text: the hash last, which admits its code."""
    yield f"{one.usecase}: {one.problem} of {one.label}; {len(one.features)} features"
    yield f"event: {', '.join(one.columns)}"
    for library in one.libraries:
        yield f"library: {library.name} {library.expected}; here {library.found or 'none'}: {library.verdict}"
    for function in one.functions:
        reads = f" reads {', '.join(function.reads)}" if function.reads else ""
        yield f"function: {function.place} {function.sha256[:12]}{reads}"
    yield from (f"cannot travel: {m}" for m in one.missing)
    if not one.carries_usecase:
        yield "its use case is not in it: it scores raw events in a checkout of its commit alone"
    if tag is not None:
        word = "records this bundle" if one.at else "records another bundle, or none"
        yield f"{tag}: {word}"
    yield f"sha256: {one.sha256}"
