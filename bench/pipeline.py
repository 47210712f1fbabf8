"""The pipeline's seconds and memory, stage by stage, beside a bare script that does the same work.

`make bench` (about ten minutes): 1.75 million simulated payments, tuning off, both in turns on
the same Parquet files, in a copy of the project in a temporary folder. Then the cost of doing
nothing: `dvc repro` with nothing to do, against `dvc status`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow.parquet as pq

from plumbline.core import partition_cache
from tests.project import Project, make

PAYMENTS = {"customers": 5_000, "terminals": 10_000}
SHIM = """#!{python}
import json, os, resource, sys, time
started = time.perf_counter()
pid = os.posix_spawn({python!r}, [{python!r}, *sys.argv[1:]], os.environ)
_, status, usage = os.wait4(pid, 0)
row = {{"words": sys.argv[1:4], "seconds": time.perf_counter() - started, "mb": usage.ru_maxrss / 1024}}
with open({log!r}, "a") as log:
    log.write(json.dumps(row) + "\\n")
sys.exit(os.waitstatus_to_exitcode(status))
"""


def simulate(folder: Path, seed: int, payments: dict[str, int]) -> int:
    """The payments as Parquet files in `folder`; how many."""
    from sources.card_fraud.simulator import simulate as payments_by_month

    rows = 0
    tables = payments_by_month(payments, date(2025, 1, 1), date(2025, 7, 1), seed)
    for i, table in enumerate(tables):
        pq.write_table(table, folder / f"payments-{i:04}.parquet")
        rows += table.num_rows
    return rows


def shim(folder: Path) -> Path:
    """A `python` that notes wall seconds and peak memory of what it runs; the log's path."""
    log = folder / "log.jsonl"
    script = folder / "python"
    script.write_text(SHIM.format(python=sys.executable, log=str(log)))
    script.chmod(script.stat().st_mode | stat.S_IEXEC)
    return log


def timed(project: Project, *words: str, env: dict[str, str] | None = None) -> float:
    """Wall seconds of a command in the project."""
    started = time.perf_counter()
    project.run(*words, env=env)
    return time.perf_counter() - started


def rows_of(log: Path) -> list[dict[str, Any]]:
    """What the shim noted: words, seconds, mb; the log is then empty."""
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    log.unlink()
    return rows


def project_on(folder: Path, source: Path) -> Project:
    """A copy of the project that reads the payments of `source`, tuning off, else as committed.

    They lie in its sources/card_fraud/ (linked), which is what the data stage depends on.
    """
    folder.mkdir()
    project = make(folder, ["card_fraud"])
    path = "sources/card_fraud/payments"
    shutil.copytree(source, project.path / path, copy_function=os.link)
    dates = {"start": "2025-01-01", "as_of": "2025-07-01"}
    data = {"source": "parquet", "path": path, **dates}
    project.set(
        {
            "card_fraud.data": data,
            "card_fraud.tune": {"max_evals": 0},
            "card_fraud.train.rounds": 400,
            "card_fraud.evaluate.bootstrap": 500,
        }
    )
    return project


def work(top: Path, project: Project, runs: int) -> None:
    """Run both in turns, print a row per stage, and the two ratios that matter."""
    (top / "bin").mkdir()
    (top / "bare").mkdir()
    log = shim(top / "bin")
    env = {"PATH": f"{top / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"}
    words = ["bench/bare.py", str(top / "source" / "*.parquet"), str(top / "bare")]
    totals, stages, bare = [], [], []
    for _ in range(runs):
        # what a run before computed of a month would come from there
        shutil.rmtree(project.path / partition_cache.FOLDER, ignore_errors=True)
        totals.append(timed(project, "dvc", "repro", "--force", env=env))
        stages.append(rows_of(log))
        print(project.run(str(top / "bin" / "python"), *words, env=env), flush=True)
        bare.append(rows_of(log)[-1])
    print(f"{'':24}{'seconds':>9}{'MB':>8}, medians of {runs}")
    for same in zip(*stages, strict=True):
        print(_row(same[0]["words"][1], same))
    print(f"{'dvc repro, whole':24}{median(totals):9.1f}")
    print(_row("bare script", bare))
    ratios = [total / row["seconds"] for total, row in zip(totals, bare, strict=True)]
    print(f"pipeline / bare script: {median(ratios):.2f} (to be at most 1.8)")
    most = max(row["mb"] for rows in stages for row in rows)
    print(f"largest stage: {most:,.0f} MB (to be under 4,096)")


def _row(name: str, rows: Sequence[dict[str, Any]]) -> str:
    seconds, mb = (median(row[key] for row in rows) for key in ("seconds", "mb"))
    return f"{name:24}{seconds:9.1f}{mb:8.0f}"


def nothing_to_do(project: Project, repeats: int) -> None:
    """Print what a run costs that finds nothing to do."""
    pairs = [
        (timed(project, "dvc", "repro"), timed(project, "dvc", "status")) for _ in range(repeats)
    ]
    noop, status = (median(p) for p in zip(*pairs, strict=True))
    print(f"nothing to do: dvc repro {noop:.2f} s, dvc status {status:.2f} s,")
    print(f"ratio {noop / status:.2f} (to be at most 1.3)")


def main(runs: int, repeats: int, payments: dict[str, int]) -> None:
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        (top / "source").mkdir()
        count = simulate(top / "source", 7, payments)
        print(f"{count:,} payments, {os.cpu_count()} processors")
        project = project_on(top / "project", top / "source")
        work(top, project, runs)
        nothing_to_do(project, repeats)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="of pipeline and script, in turns")
    parser.add_argument("--repeats", type=int, default=5, help="runs of the no-op commands")
    parser.add_argument("--customers", type=int, default=PAYMENTS["customers"])
    parser.add_argument("--terminals", type=int, default=PAYMENTS["terminals"])
    chosen = parser.parse_args()
    main(
        chosen.runs, chosen.repeats, {"customers": chosen.customers, "terminals": chosen.terminals}
    )
