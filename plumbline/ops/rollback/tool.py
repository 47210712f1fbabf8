"""A copy of this code that stays through `git checkout`: a rollback ends with the code that began it.

`python .plumbline/tool rollback REV` works at any commit, those from before the command included.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import plumbline
from plumbline.core import files
from plumbline.ops.rollback import journal

PACKAGE = Path(plumbline.__file__).resolve().parent
"""The running library: of a checkout, of the copy, or installed elsewhere."""
START = '''"""The command line as it was when the last rollback began."""

import sys

from plumbline.__main__ import main

sys.exit(main())
'''


def keep(root: Path) -> None:
    """Copy the running code to `.plumbline/tool`, unless it runs from there."""
    target = place(root)
    if target in PACKAGE.parents:
        return
    with files.replacing_folder(target) as beside:
        shutil.copytree(PACKAGE, beside / "plumbline", ignore=shutil.ignore_patterns("__pycache__"))
        (beside / "__main__.py").write_text(START, encoding="utf-8")


def place(root: Path) -> Path:
    """Where the copy stands."""
    return journal.folder(root).resolve() / "tool"


def needed(root: Path) -> bool:
    """Is the copy the way back from this tree? The library came with the tree, which has none now."""
    installed = PACKAGE.parent not in (root.resolve(), place(root))
    own = root / "plumbline"
    return not installed and not any((own / f).is_dir() for f in ("ops/rollback", "rollback"))


@contextmanager
def first(root: Path) -> Iterator[None]:
    """Processes that start in this block import this code, and while a rollback goes on the copy of it."""
    code = place(root) if journal.load(root) else PACKAGE.parent
    changes = {"PYTHONPATH": str(code), "PYTHONSAFEPATH": "1"}
    before = {key: os.environ.get(key) for key in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value
