"""Runs tests on a changed file in a child of a process that has the heavy libraries already."""

from __future__ import annotations

import contextlib
import importlib
import os
import resource
import sys
from pathlib import Path

from bench.mutation.changes import Change

HEAVY = ("pytest", "numpy", "pyarrow.parquet", "duckdb", "ibis", "pydantic", "yaml")
MORE = ("great_expectations", "xgboost", "sqlalchemy")
LONGEST = 120  # seconds of the processor for one change; an endless loop is noticed, too


def prepare(root: Path) -> None:
    """Make `root` the project of this process, with its libraries loaded and none of its modules."""
    os.chdir(root)
    sys.dont_write_bytecode = True
    sys.path[:] = [str(root), *(p for p in sys.path if Path(p or ".").resolve() != root)]
    for name in (*HEAVY, *MORE):
        importlib.import_module(name)
    for name in [n for n in sys.modules if n.split(".")[0] in ("plumbline", "usecases", "tests")]:
        del sys.modules[name]


def killed(root: Path, file: str, change: Change | None, tests: str) -> bool:
    """Whether a test fails with the change in place (None: as it is); the file is put right again."""
    path = root / file
    sound = path.read_text(encoding="utf-8")
    for old in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        old.unlink()
    if change:
        path.write_text(change.text + "\n", encoding="utf-8")
    try:
        return _run(tests.split())
    finally:
        path.write_text(sound, encoding="utf-8")


def _run(arguments: list[str]) -> bool:
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        _child(arguments)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) != 0


def _child(arguments: list[str]) -> None:
    import pytest

    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST, LONGEST))
    with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing):
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
        quiet = ["-x", "-q", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
        quiet += [w for name in ("cacheprovider", "cov", "xdist") for w in ("-p", f"no:{name}")]
        code = pytest.main([*quiet, *arguments])
    os._exit(int(code))


def leave() -> None:
    """Out of the copy, before it is removed."""
    os.chdir("/")
