"""The promise, proved: card_fraud and a plain table, run again in two clean rooms, out by out.

`make prove` (`python -m bench.prove`) clones HEAD, adds the diabetes table, runs what is new, commits,
and has `plumbline reproduce --clean-room` run that commit twice: each time in a new
environment from the lock file, without a cache, in rooms that differ in folder, locale, time zone,
hash seed, threads, umask, day and processor features. It prints a table of every stage, and exits
with 1 unless every out has the recorded bytes in both. `--here` leaves out the new environments,
`--only diabetes` leaves out card_fraud.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.locales import locale
from tests.project import Project, add_diabetes, environment

FAKETIME = "/usr/lib/*/faketime/libfaketimeMT.so.1"
ORDER = ("data", "validate", "features", "tune", "train", "evaluate", "monitor")


@dataclass(frozen=True)
class Room:
    """Where a commit is run again: variables for the run, the folder's name, the umask."""

    name: str
    folder: str
    umask: str
    variables: Mapping[str, str]


def rooms(work: Path) -> tuple[Room, Room]:
    """Two that differ in all that must not matter; what this machine cannot do is left out."""
    plain = {
        "LC_ALL": "C",
        "TZ": "UTC",
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "MLFLOW_TRACKING_URI": "off",
    }
    other = {
        "TZ": "Asia/Kathmandu",
        "PYTHONHASHSEED": "4242",
        "OMP_NUM_THREADS": "2",
        "MLFLOW_TRACKING_URI": "off",
        "OPENBLAS_CORETYPE": "Nehalem",
        "NPY_DISABLE_CPU_FEATURES": " ".join(simd()),
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA",
        **turkish(work),
        **another_day(),
    }
    return Room("A", "a", "022", plain), Room("B", "zwei ü/deeper", "077", other)


def simd() -> list[str]:
    """What NumPy would choose at run time on this processor beyond its baseline."""
    code = (
        "from numpy._core import _multiarray_umath as m;"
        "print(*[f for f in m.__cpu_dispatch__ if m.__cpu_features__.get(f)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def turkish(work: Path) -> dict[str, str]:
    """The locale in which "I" is not the capital of "i"; the system's own where there is none."""
    language = locale(work / "locales", "tr_TR")
    if not language:
        print("no Turkish locale on this machine: room B keeps the system's")
    return language or {"LC_ALL": "C.UTF-8"}


def another_day() -> dict[str, str]:
    """A year and a bit later, where libfaketime is installed."""
    libraries = sorted(Path("/").glob(FAKETIME.lstrip("/")))
    if not libraries:
        print("libfaketime is not installed: both rooms have today's date")
        return {}
    return {"LD_PRELOAD": str(libraries[0]), "FAKETIME": "+400d", "DONT_FAKE_MONOTONIC": "1"}


def prepared(work: Path, only: str) -> Project:
    """HEAD with the plain table added, run and committed."""
    project = Project(work / "project")
    Project(ROOT).run("git", "clone", "-q", str(ROOT), str(project.path))
    cache = ROOT / ".dvc" / "cache"
    if cache.is_dir():
        shutil.copytree(cache, project.path / ".dvc" / "cache")
        project.run("dvc", "checkout", "-q", "--allow-missing")
    add_diabetes(project)
    project.set({"usecases": [only] if only else ["card_fraud", "diabetes"]})
    project.run("dvc", "repro", env={"MLFLOW_TRACKING_URI": "off"})
    project.commit("Add the plain table")
    return project


def reproduced(project: Project, room: Room, work: Path, *, clean: bool) -> dict[str, Any]:
    """What `reproduce` found in a room, as its JSON."""
    folder, file = work / room.folder, work / f"{room.name}.json"
    folder.mkdir(parents=True)
    arguments = [sys.executable, "-m", "plumbline", "reproduce", "--json", str(file)]
    arguments += ["--clean-room"] if clean else []
    arguments += [f"--env={key}={value}" for key, value in room.variables.items()]
    command = ["sh", "-c", f'umask {room.umask}; exec "$@"', "sh", *arguments]
    env = {**environment(project.path), "TMPDIR": str(folder)}
    done = subprocess.run(command, cwd=project.path, env=env, capture_output=True, text=True)
    if not file.exists():
        sys.exit(f"room {room.name}: {done.stdout[-3000:]}{done.stderr[-3000:]}")
    result: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    if result["failed"]:
        print(
            f"room {room.name}: {result['failed']['stage']}: {result['failed']['message'][-2000:]}"
        )
    return result


def table(results: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line per stage: of each use case's outs, how many have the recorded bytes in both rooms."""
    outs = [out for room in results for out in room["outs"]]
    names = sorted({out["stage"].split("@")[1] for out in outs})
    yield f"| stage | {' | '.join(f'outs of {n}: the same in A, in B' for n in names)} |"
    yield "|---" * (len(names) + 1) + "|"
    for stage in ORDER:
        cells = (_same(results, f"{stage}@{name}") for name in names)
        yield f"| {stage} | {' | '.join(cells)} |"


def _same(results: Sequence[Mapping[str, Any]], stage: str) -> str:
    per_room = [[o for o in room["outs"] if o["stage"] == stage] for room in results]
    same = (sum(o["result"] == "reproduced" for o in outs) for outs in per_room)
    return ", ".join(f"{n} of {len(outs)}" for n, outs in zip(same, per_room, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--here", action="store_true", help="in this environment, no new ones")
    parser.add_argument("--only", default="", help="one use case")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        project = prepared(work, chosen.only)
        chosen_rooms = rooms(work)
        for room in chosen_rooms:
            variables = (f"{k}={v}" for k, v in room.variables.items() if not v.startswith("/"))
            print(f"room {room.name}: umask {room.umask}, {', '.join(variables)}", flush=True)
        results = [reproduced(project, room, work, clean=not chosen.here) for room in chosen_rooms]
    for room in results:
        room["outs"] = [o for o in room["outs"] if o["stage"].endswith(chosen.only)]
    for line in table(results):
        print(line)
    outs = [out for room in results for out in room["outs"]]
    changed = [f"{o['stage']} {o['path']}" for o in outs if o["result"] != "reproduced"]
    print(f"{len(outs) - len(changed)} of {len(outs)} outs reproduced in two rooms")
    for line in changed:
        print(f"not reproduced: {line}")
    sys.exit(1 if changed or not outs or any(room["failed"] for room in results) else 0)


if __name__ == "__main__":
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    main()
