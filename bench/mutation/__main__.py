"""`python -m bench.mutation`: branch coverage and mutation score of feature and contract code.

A fixed sample of changes per file (`--per-file`), each in a copy of the project, against that file's own
fast tests. Prints what was not noticed, and the score; `--json FILE` keeps it with each file's SHA-256.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.mutation.subjects import COVERED, FOR_COVERAGE, SUBJECTS
from plumbline.core import files
from tests.conftest import ROOT
from tests.project import environment


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.mutation", description=__doc__)
    parser.add_argument("--per-file", type=int, default=20, metavar="N")
    parser.add_argument("--only", help="files whose path holds this text")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    chosen = parser.parse_args()
    subjects = [f for f in SUBJECTS if not chosen.only or chosen.only in f]
    results = kept(chosen.json, subjects)
    todo = [(f, chosen.per_file) for f in subjects if f not in results]
    with ThreadPoolExecutor(chosen.jobs) as pool:
        for file, counts in pool.map(judged, todo):
            results[file] = counts
            if chosen.json:
                files.write_json(chosen.json, {"files": results})
    changed, noticed = (sum(f[k] for f in results.values()) for k in ("mutants", "killed"))
    print(f"mutation score: {noticed} of {changed} noticed, {noticed / changed:.1%}")
    if chosen.only:
        return
    covered = coverage()
    totals = {k: sum(c[k] for c in covered.values()) for k in ("branches", "covered_branches")}
    print(
        f"branch coverage: {totals['covered_branches']} of {totals['branches']}, {share(totals):.1%}"
    )
    for file, counts in covered.items():
        print(f"  {share(counts):6.1%} {file}")
    if chosen.json:
        record = {
            "command": f"python -m bench.mutation --per-file {chosen.per_file}",
            "mutants": changed,
            "killed": noticed,
            **totals,
            "files": results,
            "coverage": {f: {**counts, "sha256": sums(f)} for f, counts in covered.items()},
        }
        files.write_json(chosen.json, record)


def kept(path: Path | None, subjects: list[str]) -> dict[str, Any]:
    """What the file says of subjects that are as they were, and whose tests are: not measured again."""
    if path is None or not path.exists():
        return {}
    before: dict[str, Any] = json.loads(path.read_text())["files"]
    return {f: t for f, t in before.items() if f in subjects and t["sha256"] == sums(f)}


def sums(file: str) -> dict[str, str]:
    """SHA-256 of a subject and of its tests."""
    names = [file, *SUBJECTS.get(file, "").split()]
    return {n: hashlib.sha256((ROOT / n).read_bytes()).hexdigest() for n in names}


def judged(subject: tuple[str, int]) -> tuple[str, dict[str, Any]]:
    """One file's sample of changes, in a process of its own: how many, how many noticed, which not."""
    file, most = subject
    done = subprocess.run(
        [sys.executable, "-m", "bench.mutation.one", file, str(most)],
        cwd=ROOT,
        env=environment(ROOT),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    counts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    counts["sha256"] = sums(file)
    for line in counts["alive"]:
        print(f"not noticed: {line}", flush=True)
    print(f"{counts['killed']} of {counts['mutants']} {file}", flush=True)
    return file, counts


def coverage() -> dict[str, dict[str, int]]:
    """Branches of each file, and those that its tests run through."""
    tests = dict.fromkeys([t for arguments in SUBJECTS.values() for t in arguments.split()])
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "coverage.json"
        arguments = ["-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, *FOR_COVERAGE]
        arguments += ["--cov", "--cov-branch", f"--cov-report=json:{out}"]
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**environment(ROOT), "COVERAGE_FILE": f"{folder}/data"},
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            sys.exit(done.stdout[-3000:])
        totals = json.loads(out.read_text())["files"]
    return {
        f: {
            "branches": totals[f]["summary"]["num_branches"],
            "covered_branches": totals[f]["summary"]["covered_branches"],
        }
        for f in COVERED
    }


def share(counts: dict[str, int]) -> float:
    return counts["covered_branches"] / counts["branches"] if counts["branches"] else 1.0


if __name__ == "__main__":
    main()
