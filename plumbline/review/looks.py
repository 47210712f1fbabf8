"""How many results of a use case git has seen on one test window. An edge: reads git.

Each `dvc repro` whose test figures are committed is a look at the window. What is chosen after many looks fits
the window by chance, too; the review says how many there were, and widens the interval beyond a number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plumbline.repo import artifacts
from plumbline.review.comparison_sections import Looks
from plumbline.review.revision import Revision
from plumbline.runtime import dvc_lock, git

MOST = 2_000
"""Versions of a document that are read, the newest ones."""
NEAR = 0.1
"""Share by which rows or labels of one window may differ: a row is set aside, a label is corrected."""


@dataclass(frozen=True)
class TestWindow:
    """The days of a test window (None for a table without time), its rows, and its mean label."""

    __test__ = False  # no class of tests

    start: str | None
    end: str | None
    rows: float
    label: float

    def same(self, other: TestWindow) -> bool:
        """Whether both are one window: the same days, and about the same rows and labels."""
        days = (self.start, self.end) == (other.start, other.end)
        return days and _near(self.rows, other.rows) and _near(self.label, other.label)

    @property
    def words(self) -> str:
        """The days, or the rows where there are none."""
        rows = f"{self.rows:,.0f} rows"
        return f"{self.start} to {self.end}, {rows}" if self.start else rows


def of(side: Revision, name: str) -> Looks | None:
    """The looks at the window of a side's own result, which is one of them; None where it has none."""
    path = artifacts.metrics(dvc_lock.of(side.entries, name)).get("evaluate")
    own = side.stage_documents(name).get("evaluate")
    return counted(side.root, side.commit, path, own) if path and own else None


def counted(root: Path, commit: str, path: str, own: Mapping[str, Any]) -> Looks | None:
    """The different results on the window of `own`, an evaluate.json, up to a commit; `path`: the document's."""
    window = _window(own)
    if window is None:
        return None
    results = {_result(own)}
    for document in _history(root, commit, path):
        before = _window(document)
        if before and before.same(window):
            results.add(_result(document))
    return Looks(count=len(results), window=window.words, cut=_shallow(root))


def _history(root: Path, commit: str, path: str) -> Iterator[Mapping[str, Any]]:
    """Each version of a document that a commit up to this one has, merged branches' too; damaged ones are left out."""
    words = ("log", "--full-history", "-m", "--format=", "--raw", "--no-abbrev", "--no-renames")
    lines = git.lines(root, *words, commit, "--", path)
    versions = list(dict.fromkeys(line.split()[3] for line in lines if line.startswith(":")))
    for data in _blobs(root, [v for v in versions if v.strip("0")][:MOST]):
        try:
            document = json.loads(data)
        except ValueError:
            continue
        if isinstance(document, dict):
            yield document


def _blobs(root: Path, objects: Sequence[str]) -> Iterator[bytes]:
    """The objects' bytes; those that a partial clone does not have are left out."""
    answer = git.output(
        root, "cat-file", "--batch", data="".join(f"{o}\n" for o in objects).encode()
    )
    at = 0
    for _ in objects:
        end = answer.index(b"\n", at)
        head, at = answer[at:end].split(), end + 1
        if head[-1] == b"missing":
            continue
        size = int(head[-1])
        yield answer[at : at + size]
        at += size + 1


def _window(document: Mapping[str, Any]) -> TestWindow | None:
    test: Any = document
    for key in ("data", "windows", "test"):
        test = test.get(key) if isinstance(test, dict) else None
    if not isinstance(test, dict) or not isinstance(test.get("rows"), int):
        return None
    label = test.get("label_rate", test.get("label_mean"))
    mean = float(label) if isinstance(label, int | float) else 0.0
    start, end = (str(test[k]) if test.get(k) else None for k in ("start", "end"))
    return TestWindow(start, end, float(test["rows"]), mean)


def _result(document: Mapping[str, Any]) -> str:
    """The figures on the window, as one text."""
    return json.dumps(document.get("metrics"), sort_keys=True)


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= NEAR * max(abs(one), abs(other))


def _shallow(root: Path) -> bool:
    return git.text(root, "rev-parse", "--is-shallow-repository") == "true"
