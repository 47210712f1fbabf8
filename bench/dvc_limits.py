"""How much data DVC carries: seconds of `dvc add`, `status` and `checkout`, by the number of files and their size.

`python -m bench.dvc_limits [--json docs/evidence/dvc_limits.json]` makes throw-away folders of few large files and
of many small ones, and prints processor seconds, which are comparable on a busy machine. With the growth from one row to
the next one reads off what a table of one's own will cost.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from plumbline.core import files
from plumbline.repo import dvc_command

CASES = ((1, 100_000_000), (10, 100_000_000), (100, 2_000), (1_000, 2_000), (10_000, 2_000))
"""Files, and bytes of each."""
BLOCK = 1 << 20
COMMANDS = (("add", "out"), ("status",), ("checkout",))


def main() -> int:
    """Measure each case, print a table, keep the record where a file is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    record = []
    wanted = parser.parse_args()
    print(f"{'files':>8} {'bytes each':>12} {'add':>7} {'status':>7} {'checkout':>9}")
    for count, size in CASES:
        with tempfile.TemporaryDirectory() as folder:
            row = measured(Path(folder), count, size)
        record.append({"files": count, "bytes": size, **row})
        print(
            f"{count:8,} {size:12,} {row['add']:7.1f} {row['status']:7.1f} {row['checkout']:9.1f}"
        )
    if wanted.json:
        files.write_json(wanted.json, record)
    return 0


def measured(folder: Path, count: int, size: int) -> dict[str, float]:
    """Processor seconds of each command on `count` files of `size` bytes, in a project in `folder`."""
    project = folder / "project"
    (project / "out").mkdir(parents=True)
    for number in range(count):
        _write(project / "out" / f"{number:06}", size)
    env = {**dvc_command.environment(), "DVC_SITE_CACHE_DIR": str(folder / "state")}
    _seconds(project, env, ("init", "--no-scm", "--quiet"))
    row = {}
    for words in COMMANDS:
        if words[0] == "checkout":
            shutil.rmtree(project / "out")
        row[words[0]] = round(_seconds(project, env, words), 2)
    return row


def _write(path: Path, size: int) -> None:
    with path.open("wb") as file:
        for start in range(0, size, BLOCK):
            file.write(os.urandom(min(BLOCK, size - start)))


def _seconds(project: Path, env: dict[str, str], words: Sequence[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "dvc", *words]
    subprocess.run(command, cwd=project, env=env, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    sys.exit(main())
