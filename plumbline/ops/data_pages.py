"""What a reviewer opens about the data of a run: profile page, Data Docs, results, by data version. An edge.

A folder for each use case and version of its data, to be stored with a pull request's run.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from plumbline.core import documents, files
from plumbline.core.errors import PlumblineError
from plumbline.ops.table_profile import table_blocks, targets
from plumbline.ops.table_profile.profiling import TableQuestions
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.report import html
from plumbline.runtime import dvc_lock

LARGEST = 20_000_000
"""Bytes of a file that is stored; a larger one is left out, and named."""
RESULTS = ("data", "validate")
"""Stages whose small JSON says what was read, checked, set aside and let through."""
DOCS = "data-docs"


def collect(target: Path, names: Sequence[str], root: Path = Path(".")) -> Iterator[str]:
    """Write each use case's folder into `target`, which is replaced; a line for each, and for what is left out.

    A use case whose data are not in the work tree has none: its data did not change.
    """
    lines: list[str] = []
    with files.replacing_folder(target) as folder:
        for name in names:
            lines += _usecase(folder, name, root)
    yield from lines


def version(name: str, root: Path = Path(".")) -> str:
    """The use case's data in dvc.lock: the first digits of their md5, or "unlocked"."""
    own = dvc_lock.of(dvc_lock.read(root), name)
    found = artifacts.recorded(own, name, Role.RAW_EVENTS)
    return found[1][:10] if found else "unlocked"


def _usecase(folder: Path, name: str, root: Path) -> Iterator[str]:
    if not list(artifacts.path(name, Role.RAW_EVENTS, root).glob("events-*.parquet")):
        yield f"{name}: no data in the work tree; its pages are those of the run that changed them"
        return
    into = folder / f"{name}-{version(name, root)}"
    into.mkdir(parents=True)
    yield from _profile(into, name)
    for stage in RESULTS:
        yield from _copied(artifacts.metrics_path(name, stage, root), into / f"{stage}.json", name)
    docs = artifacts.path(name, Role.DATA_DOCS, root)
    for page in sorted(docs.glob("*.html")):
        (into / DOCS).mkdir(exist_ok=True)
        yield from _copied(page, into / DOCS / page.name, name)
    yield f"{name}: {into.name}: {', '.join(sorted(p.name for p in into.iterdir()))}"


def _profile(into: Path, name: str) -> Iterator[str]:
    """The page and its JSON; what keeps them from being drawn is a line, since the other files stand without."""
    try:
        profile = targets.profile(name, TableQuestions())
    except PlumblineError as error:
        yield f"{name}: no profile page: {error}"
        return
    documents.write(into / "profile.json", profile)
    page = html.render(table_blocks.blocks(profile))
    (into / "profile.html").write_text(page, encoding="utf-8")


def _copied(file: Path, target: Path, name: str) -> Iterator[str]:
    if not file.is_file():
        yield f"{name}: {file} is not there"
    elif file.stat().st_size > LARGEST:
        yield f"{name}: {file} is left out: larger than {LARGEST:,} bytes"
    else:
        shutil.copyfile(file, target)
