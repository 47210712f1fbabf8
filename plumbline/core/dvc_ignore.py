"""Which files of a folder DVC leaves out: .dvcignore files as DVC merges them. An edge: reads files.

The rules are git's: the last pattern that matches decides, a deeper file goes over a higher one, and
nothing below an ignored folder comes back. pathspec is imported only where a .dvcignore exists.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

FILE = ".dvcignore"
OWN_FOLDERS = (".git", ".hg", ".dvc")
OWN_FILES = (".git",)
"""What DVC always ignores."""

Pattern = tuple[Any, bool]
"""A compiled pattern, and whether it stands for folders only."""


class Ignore:
    """The patterns of one project; paths are relative to its root, with slashes."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.patterns: dict[str, list[Pattern]] = {}
        self.folders: dict[str, bool] = {"": False}

    def files(self, folder: str, known: frozenset[str] = frozenset()) -> Iterator[str]:
        """The files below a folder, relative to it, that DVC sees; links to folders are none.

        Those of `known` are left out at no cost.
        """
        top = os.path.join(self.root, folder)
        for parent, folders, names in os.walk(top):
            inside = os.path.relpath(parent, top)
            prefix = "" if inside == "." else f"{inside}/"
            folders[:] = [n for n in folders if not self._skips(f"{folder}/{prefix}{n}")]
            for name in names:
                relative = f"{prefix}{name}"
                if relative not in known and not self.ignores(f"{folder}/{relative}"):
                    yield relative

    def ignores(self, path: str) -> bool:
        """Whether a file is left out: it, or a folder above it, is ignored."""
        above, _, _ = path.rpartition("/")
        return self._ignores_folder(above) or self._matches(path, folder=False)

    def _skips(self, path: str) -> bool:
        """Whether a folder is not entered: it is ignored, or a DVC project of its own."""
        own = os.path.exists(os.path.join(self.root, path, ".dvc"))
        return own or self._ignores_folder(path)

    def _ignores_folder(self, path: str) -> bool:
        if path not in self.folders:
            above, _, _ = path.rpartition("/")
            self.folders[path] = self._ignores_folder(above) or self._matches(path, folder=True)
        return self.folders[path]

    def _matches(self, path: str, *, folder: bool) -> bool:
        """What the last pattern that matches this very path says."""
        level, _, name = path.rpartition("/")
        while True:
            relative = path[len(level) + 1 :] if level else path
            for pattern, folders_only in reversed(self._level(level)):
                if folders_only and not folder:
                    continue
                forms = (relative, f"{relative}/") if folder else (relative,)
                if any(pattern.match_file(form) for form in forms):
                    return bool(pattern.include)
            if not level:
                return name in (OWN_FOLDERS if folder else OWN_FILES)
            level, _, _ = level.rpartition("/")

    def _level(self, folder: str) -> list[Pattern]:
        """The patterns of one folder's .dvcignore; none where it is ignored itself."""
        if folder not in self.patterns:
            self.patterns[folder] = []
            path = f"{folder}/{FILE}" if folder else FILE
            if os.path.isfile(os.path.join(self.root, path)) and not self.ignores(path):
                self.patterns[folder] = _read(os.path.join(self.root, path))
        return self.patterns[folder]


def _read(file: str) -> list[Pattern]:
    from pathspec import GitIgnoreSpec

    with open(file, encoding="utf-8") as stream:
        lines = [line.strip() for line in stream]
    kept = [line for line in lines if line and not line.startswith("#")]
    patterns = zip(kept, GitIgnoreSpec.from_lines(kept).patterns, strict=True)
    return [
        (pattern, line.endswith("/")) for line, pattern in patterns if pattern.include is not None
    ]
