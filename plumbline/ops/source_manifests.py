"""The manifests of a use case beside what lies in its sources, and written anew: what `plumbline manifest` does. An edge."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from plumbline import config
from plumbline.core.documents import Document
from plumbline.data import file_manifest, manifest_survey
from plumbline.data.file_manifest import ListedFile
from plumbline.data.manifest_survey import ManifestSurvey
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role

SHOWN = 50
"""Files that the text names."""


class ManifestChangeRecord(Document):
    """A file that is not as listed: replaced, truncated, absent, not listed or unreadable."""

    kind: str
    path: str
    expected: str
    found: str


class ManifestRecord(Document):
    """A table's manifest, and how its root differs from it. `files` to `rows`: of the manifest as it stands now."""

    table: str
    manifest: str
    root: str
    files: int
    bytes: int
    rows: int
    changes: list[ManifestChangeRecord]
    written: bool


class ManifestsDocument(Document):
    """What `manifest --json` writes."""

    usecase: str
    manifests: list[ManifestRecord]


def surveys(usecase: str, *, again: bool = False) -> list[ManifestSurvey]:
    """Each table's manifest beside its source; PlumblineError where one cannot be read."""
    source = Path(artifacts.declared(usecase, Role.SOURCE, Path(".")) or f"sources/{usecase}")
    return list(manifest_survey.surveys(usecase, config.load(usecase).data, source, again=again))


def lines(survey: ManifestSurvey) -> Iterator[str]:
    """What the source has, and each file that differs."""
    size = sum(file.size for file in survey.found.values())
    yield f"{survey.read.key}: {survey.root.name}: {len(survey.found):,} files, {size:,} bytes"
    yield from survey.warnings
    if not survey.listed:
        yield f"{survey.path}: not there yet: all files are new"
        return
    yield from (f"{change.kind}: {change.text}" for change in survey.changes[:SHOWN])
    if len(survey.changes) > SHOWN:
        yield f"and {len(survey.changes) - SHOWN:,} more (--json lists all)"
    if not survey.changes:
        yield f"{survey.path}: lists them as they are"


def write(survey: ManifestSurvey) -> str:
    """Write the manifest anew; the line that says so."""
    with tempfile.TemporaryDirectory() as scratch:
        files = manifest_survey.updated(survey, Path(scratch))
    survey.path.parent.mkdir(parents=True, exist_ok=True)
    file_manifest.write(survey.path, files)
    rows = sum(file.rows for file in files)
    text = f"written: {survey.path}: {len(files):,} files, {rows:,} rows"
    if len(files) >= manifest_survey.MANY and survey.path.suffix == ".json":
        return f"{text}; with so many, call it {survey.path.stem}.parquet in params.yaml"
    return text


def document(usecase: str, done: Iterable[ManifestSurvey], *, written: bool) -> ManifestsDocument:
    """The same for a JSON file."""
    records = [_record(survey, written and bool(survey.changes)) for survey in done]
    return ManifestsDocument(usecase=usecase, manifests=records)


def _record(survey: ManifestSurvey, written: bool) -> ManifestRecord:
    files: Iterable[ListedFile] = survey.listed.values()
    if written:
        files = file_manifest.read(survey.path, "run it again").values()
    listed = list(files)
    return ManifestRecord(
        table=survey.read.key,
        manifest=str(survey.path),
        root=survey.root.name,
        files=len(listed),
        bytes=sum(file.size for file in listed),
        rows=sum(file.rows for file in listed),
        changes=[
            ManifestChangeRecord(kind=c.kind, path=c.path, expected=c.expected, found=c.actual)
            for c in survey.changes
        ],
        written=written,
    )
