"""How much data DVC carries: seconds of `dvc add`, `status`, `checkout` and `push`, by the number of files and their size.

`python -m bench.dvc_limits [--json docs/evidence/dvc_limits.json]` makes throw-away folders of few large files and
of many small ones, and prints processor seconds, which are comparable on a busy machine. Beside them: what a manifest of the
same files costs (`plumbline manifest`, first and again), which copies none. DVC links in place of copying where the file
system can (reflink: btrfs, xfs); the first line says whether this one can. The last lines extrapolate: a cost per command,
per file and per gigabyte, from the differences of the rows, times the files and bytes of larger tables.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from plumbline.core import files
from plumbline.data import file_manifest, hash_index, source_root
from plumbline.data.file_manifest import ListedFile
from plumbline.repo import dvc_command

CASES = ((1, 100_000_000), (10, 100_000_000), (100, 2_000), (1_000, 2_000), (10_000, 2_000))
"""Files, and bytes of each."""
LARGER = ((2_000, 10**9), (2_000, 10**12), (100_000, 10**12), (1_000_000, 10**12))
"""Files and bytes in all that no throw-away folder holds: what they would cost, by the costs per file and byte."""
BLOCK = 1 << 20
COMMANDS = (("add", "out"), ("status",), ("push",), ("checkout",))
COLUMNS = ("add", "status", "push", "checkout", "manifest", "manifest again")
BY_BYTES = ("add", "push", "checkout", "manifest")
"""Commands that read the bytes; the others go by size and time."""
Row = Mapping[str, float]


def main() -> int:
    """Measure each case, print a table, keep the record where a file is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    record = []
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(f"copies by reflink: {'yes' if reflinks(Path(folder)) else 'no, whole'}")
    print(f"{'files':>10} {'bytes in all':>20}" + "".join(f"{name:>15}" for name in COLUMNS))
    for count, size in CASES:
        with tempfile.TemporaryDirectory() as folder:
            row = measured(Path(folder), count, size)
        record.append({"files": count, "bytes": size, **row})
        print(_line(count, count * size, row))
    print("extrapolated:")
    for count, size in LARGER:
        print(_line(count, size, extrapolated(record, count, size)))
    if wanted.json:
        files.write_json(wanted.json, record)
    return 0


def measured(folder: Path, count: int, size: int) -> dict[str, float]:
    """Processor seconds of each command on `count` files of `size` bytes, in a project in `folder`."""
    project = folder / "project"
    (project / "out").mkdir(parents=True)
    for number in range(count):
        _write(project / "out" / f"{number:06}.csv", size)
    row = _listed(project / "out", folder / "index.db")
    env = {**dvc_command.environment(), "DVC_SITE_CACHE_DIR": str(folder / "state")}
    _seconds(project, env, ("init", "--no-scm", "--quiet"))
    _seconds(project, env, ("remote", "add", "-d", "storage", str(folder / "remote")))
    for words in COMMANDS:
        if words[0] == "checkout":
            shutil.rmtree(project / "out")
        row[words[0]] = round(_seconds(project, env, words), 2)
    return row


def extrapolated(record: Sequence[Mapping[str, float]], count: int, size: int) -> dict[str, float]:
    """Seconds for `count` files of `size` bytes in all: base + count x per file + size x per byte.

    Per file: between the rows of most and of fewest small files. Per byte: between those of most and fewest bytes, less
    their files. Base: the row of fewest small files, less its files.
    """
    small = sorted((r for r in record if r["bytes"] < BLOCK), key=lambda r: r["files"])
    large = sorted((r for r in record if r["bytes"] >= BLOCK), key=lambda r: r["files"])
    few, many, one, most = small[0], small[-1], large[0], large[-1]
    row = {}
    for name in COLUMNS:
        per_file = (many[name] - few[name]) / (many["files"] - few["files"])
        span = most["files"] * most["bytes"] - one["files"] * one["bytes"]
        per_byte = (most[name] - one[name] - per_file * (most["files"] - one["files"])) / span
        base = few[name] - per_file * few["files"]
        by_bytes = max(per_byte, 0.0) * size if name in BY_BYTES else 0.0
        row[name] = base + max(per_file, 0.0) * count + by_bytes
    return row


def reflinks(folder: Path) -> bool:
    """Whether the file system of `folder` copies by linking the bytes until one side changes."""
    (folder / "first").touch()
    words = ("cp", "--reflink=always", str(folder / "first"), str(folder / "second"))
    return subprocess.run(words, stderr=subprocess.DEVNULL, check=False).returncode == 0


def _listed(place: Path, index: Path) -> dict[str, float]:
    """Processor seconds to list and hash the files into a manifest, and to compare them with it."""
    time.sleep(hash_index.SETTLED + 0.1)  # what was just written is not remembered
    seconds = {}
    for step in ("manifest", "manifest again"):
        started = time.process_time()
        root = source_root.FolderRoot(place, ("out", "path"), (".csv",), index)
        listed = [ListedFile(p, f.size, f.hash, 0) for p, f in root.found({}).items()]
        file_manifest.write(index.with_suffix(".json"), listed)
        seconds[step] = round(time.process_time() - started, 2)
    return seconds


def _write(path: Path, size: int) -> None:
    with path.open("wb") as file:
        for start in range(0, size, BLOCK):
            file.write(os.urandom(min(BLOCK, size - start)))


def _line(count: int, size: int, row: Row) -> str:
    return f"{count:10,} {size:20,}" + "".join(f"{row[name]:15,.2f}" for name in COLUMNS)


def _seconds(project: Path, env: dict[str, str], words: Sequence[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "dvc", *words]
    subprocess.run(command, cwd=project, env=env, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    sys.exit(main())
