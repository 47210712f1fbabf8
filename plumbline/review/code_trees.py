"""The code of a revision in a folder of its own, and processes that import from there alone. An edge."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.core.hashing import md5_bytes, md5_file
from plumbline.core.safe_text import log_line
from plumbline.repo import revisions

CODE = ("plumbline", "usecases")
"""What a comparison imports of a revision."""
PROTOCOL = Path("plumbline") / "review" / "code_trees.py"
"""A revision without this file has a library that cannot judge in a process of its own."""
LAST_LINES = 15


@contextmanager
def checked_out(root: Path, commit: str) -> Iterator[Path]:
    """`plumbline/` and `usecases/` of a commit in a temporary folder, until the block ends.

    Blob by blob: `git archive` leaves out, or rewrites, what `.gitattributes` says.
    """
    with tempfile.TemporaryDirectory(prefix="plumbline-code-") as folder:
        names = [name for top in CODE for name in revisions.below(root, commit, top)]
        for name, data in revisions.blobs(root, commit, names).items():
            (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / name).write_bytes(data)
        yield Path(folder)


def digest(tree: Path) -> str:
    """The md5 of the names and bytes of a folder's Python files: whether somebody wrote to them."""
    files = sorted(path for path in tree.rglob("*.py") if path.is_file())
    lines = (f"{path.relative_to(tree)} {md5_file(str(path))}\n" for path in files)
    return md5_bytes("".join(lines).encode())


def judges(tree: Path) -> bool:
    """Whether the code in a folder can judge: it has this very protocol."""
    return (tree / PROTOCOL).is_file()


def call(tree: Path, module: str, request: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Run `python -m MODULE REQUEST ANSWER` with the code in `tree`, and read its answer (JSON).

    The process imports nothing of the current folder. A tree without its own library, or with an older
    one, takes this process's, beside the tree's use cases. PlumblineError with its last lines where it fails.
    """
    request_file, answer = folder / "request.json", folder / "answer.json"
    request_file.write_text(json.dumps(request), encoding="utf-8")
    command = [sys.executable, "-P", "-m", module, str(request_file), str(answer)]
    with _importable(tree) as path:
        env = {**os.environ, "PYTHONPATH": path}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        sys.stderr.writelines(f"{log_line(line)}\n" for line in done.stderr.splitlines())
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()[-LAST_LINES:]
        raise PlumblineError("\n".join(lines) or f"{module}: ended with code {done.returncode}")
    result: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    return result


@contextmanager
def _importable(tree: Path) -> Iterator[str]:
    """The path to import from: the tree's library and use cases, or this library with those use cases."""
    if judges(tree):
        yield str(tree)
        return
    own = Path(__file__).resolve().parents[2]
    with tempfile.TemporaryDirectory(prefix="plumbline-path-") as folder:
        for name, source in (("plumbline", own / "plumbline"), ("usecases", tree / "usecases")):
            if source.is_dir():
                (Path(folder) / name).symlink_to(source.resolve(), target_is_directory=True)
        yield folder
