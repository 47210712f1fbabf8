"""How fast `plumbline verify` hashes: against md5sum on 1 GB, and 4,000 small files.

`python -m bench.verify [FOLDER]` makes two throw-away projects in FOLDER (a temporary one without
it), runs each command three times, and prints the median: one process's start-up to its end.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from plumbline.core.dvc_hash import manifest_bytes
from plumbline.core.hashing import md5_bytes
from plumbline.repo.tracked_outs import object_path

ROOT = Path(__file__).resolve().parent.parent
RUNS = 3


def main() -> None:
    """Make the projects, time the commands, print two lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", help="where to make them: which disk is measured")
    with tempfile.TemporaryDirectory(dir=parser.parse_args().folder) as folder:
        large = project(Path(folder) / "large", files=16, size=64 << 20)
        objects = [str(p) for p in (large / ".dvc" / "cache").rglob("*") if p.is_file()]
        ours = seconds(large, sys.executable, "-m", "plumbline", "verify", "--in", "cache")
        theirs = seconds(large, "md5sum", *objects)
        print(f"1 GB in cache: {ours:.2f} s; md5sum {theirs:.2f} s; ratio {ours / theirs:.2f}")
        small = project(Path(folder) / "small", files=4000, size=2000)
        both = seconds(small, sys.executable, "-m", "plumbline", "verify")
        print(f"4,000 files, in workspace and cache: {both:.2f} s")


def project(path: Path, files: int, size: int) -> Path:
    """A project of one out with that many files of `size` bytes, in cache and workspace."""
    (path / ".dvc").mkdir(parents=True)
    (path / ".dvc" / "config").touch()
    (path / "out").mkdir()
    contents = {}
    for number in range(files):
        data = os.urandom(size)
        contents[f"{number:05}"] = store(path, data, "")
        (path / "out" / f"{number:05}").write_bytes(data)
    folder = store(path, manifest_bytes(contents), ".dir")
    stage = {"cmd": "true", "outs": [{"path": "out", "hash": "md5", "md5": folder}]}
    (path / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": {"all": stage}}))
    subprocess.run(["git", "init", "-q", str(path)], check=True)
    (path / ".git" / "info" / "exclude").write_text("/out\n/.dvc/cache\n")
    return path


def store(path: Path, data: bytes, end: str) -> str:
    """Put an object into the project's cache; its name."""
    name = md5_bytes(data) + end
    target = path / ".dvc" / "cache" / "files" / "md5" / object_path(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return name


def seconds(folder: Path, *words: str) -> float:
    """The median time of a command that must succeed."""
    took = []
    for _ in range(RUNS + 1):  # the first one warms the disk's cache
        started = time.perf_counter()
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run(words, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        took.append(time.perf_counter() - started)
    return statistics.median(took[1:])


if __name__ == "__main__":
    main()
