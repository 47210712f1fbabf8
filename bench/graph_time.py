"""Seconds of a cold run of the whole graph, stage by stage, and whether every out is as recorded.

`python -m bench.graph_time` runs `dvc repro --force` in a fresh clone of the work tree's last commit, with
DVC's own state in a folder of its own and MLflow tracking as it is by default. It prints the wall and the
processor seconds of each stage, its process beside it included, and of DVC itself, each the least of
`--repeats` runs; processor time is comparable on a busy machine. It exits with 1 where an out of the new
dvc.lock differs from the committed one.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import stat
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from plumbline.runtime import dvc_lock
from tests.conftest import ROOT
from tests.project import Project

Seconds = tuple[float, float]
"""Wall and processor."""

PYTHON = """#!{python} -IS
import json, os, resource, sys, time
started = time.perf_counter()
pid = os.posix_spawn({python!r}, [{python!r}, *sys.argv[1:]], os.environ)
_, status, used = os.wait4(pid, 0)
wall, processor = time.perf_counter() - started, used.ru_utime + used.ru_stime
with open({log!r}, "a") as log:
    log.write(json.dumps([sys.argv[2], wall, processor]) + "\\n")
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Stands as `python` on the path of DVC: runs the real one and notes what it used."""


def worked() -> float:
    """Seconds of processor time that this process's children have taken."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cold_run(top: Path) -> tuple[dict[str, Seconds], list[str]]:
    """Seconds by stage, of DVC and of all; the outs that are not as the commit records them."""
    clone, log = Project(ROOT).clone(top / "clone"), top / "log"
    recorded = dvc_lock.outs(dvc_lock.read(clone.path))
    (top / "bin").mkdir()
    python = top / "bin" / "python"
    python.write_text(PYTHON.format(python=sys.executable, log=str(log)))
    python.chmod(python.stat().st_mode | stat.S_IEXEC)
    path = f"{top / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    started, before = time.perf_counter(), worked()
    clone.run("dvc", "repro", "--force", env={"PATH": path})
    whole = time.perf_counter() - started, worked() - before
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    spent = {module: (wall, processor) for module, wall, processor in lines}
    inside = [sum(each) for each in zip(*spent.values(), strict=True)]
    spent |= {"DVC": (whole[0] - inside[0], whole[1] - inside[1]), "whole": whole}
    current = dvc_lock.outs(dvc_lock.read(clone.path))
    return spent, sorted(p for p in recorded | current if recorded.get(p) != current.get(p))


def least(runs: list[dict[str, Seconds]]) -> Mapping[str, Seconds]:
    """The least wall and the least processor seconds of each part."""
    return {
        part: (min(r[part][0] for r in runs), min(r[part][1] for r in runs)) for part in runs[0]
    }


def main(repeats: int) -> int:
    runs, differing = [], set()
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as name:
            spent, changed = cold_run(Path(name))
        runs.append(spent)
        differing |= set(changed)
    print(f"{'':18}{'wall':>8}{'processor':>11}")
    for part, (wall, processor) in least(runs).items():
        print(f"{part:18}{wall:8.1f}{processor:11.1f}")
    print(f"outs that differ from the committed dvc.lock: {', '.join(sorted(differing)) or 'none'}")
    return bool(differing)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="cold runs")
    sys.exit(main(parser.parse_args().repeats))
