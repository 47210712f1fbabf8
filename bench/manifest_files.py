"""A source of many files that is read in place: seconds to list, to check and to read it, and whether a replaced file is named.

`python -m bench.manifest_files [--files 2000] [--json docs/evidence/manifest_files.json]` splits simulated payments into
that many Parquet files, and runs the commands that a user runs in a copy of the project in a temporary folder. Printed are
processor seconds, which are comparable on a busy machine, and seconds by the clock. Exit code 1 where a replaced file is
not named by `plumbline manifest`, `plumbline verify` and the data stage.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from plumbline.core import files
from tests.project import Project, make

NAME = "card_fraud"
MANIFEST = f"sources/{NAME}/payments.json"
PAYMENTS = {"customers": 300, "terminals": 200}
SETTLED = 2.5
"""Seconds after which a file that was just written is remembered by its hash."""


def main() -> int:
    """Measure, print a line per command, keep the record where a file is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2_000)
    parser.add_argument("--json", type=Path)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        record = measured(Path(folder), wanted.files)
    for step, seconds in record["steps"].items():
        print(f"{step:34}{seconds['cpu']:8.2f} s of processor time{seconds['wall']:8.2f} s")
    print(
        f"{record['files']:,} files, {record['rows']:,} rows; replaced one named: {record['named']}"
    )
    if wanted.json:
        files.write_json(wanted.json, record)
    return 0 if all(record["named"].values()) else 1


def measured(folder: Path, count: int) -> dict[str, Any]:
    """Seconds of each step on `count` files, and who named the replaced one."""
    rows = split(folder / "lake", count)
    project = make(folder / "project", [NAME])
    data = {
        "source": "parquet",
        "path": str(folder / "lake"),
        "manifest": MANIFEST,
        "as_of": "2025-07-01",
    }
    project.set({f"{NAME}.data": data})
    time.sleep(SETTLED)
    steps: dict[str, dict[str, float]] = {}
    _step(
        steps,
        "manifest --update (first)",
        project,
        "python",
        "-m",
        "plumbline",
        "manifest",
        NAME,
        "--update",
    )
    _step(steps, "manifest", project, "python", "-m", "plumbline", "manifest", NAME)
    _step(steps, "dvc repro data", project, "dvc", "repro", f"data@{NAME}")
    _step(steps, "dvc status", project, "dvc", "status", f"data@{NAME}")
    _step(steps, "verify", project, "python", "-m", "plumbline", "verify")
    target = sorted((folder / "lake").rglob("*.parquet"))[count // 2]
    pq.write_table(pq.read_table(target).slice(1), target)
    shown = {
        "manifest": _step(
            steps, "manifest, one replaced", project, "python", "-m", "plumbline", "manifest", NAME
        ),
        "verify": _step(
            steps, "verify, one replaced", project, "python", "-m", "plumbline", "verify"
        ),
        "data": project.run("python", "-m", "stages.data", *_words(), ok=False),
    }
    named = {step: target.name in text for step, text in shown.items()}
    return {"files": count, "rows": rows, "steps": steps, "named": named}


def split(lake: Path, count: int) -> int:
    """Half a year of payments in `count` files of about equal size, in folders of 100; the rows."""
    from sources.card_fraud.simulator import simulate

    whole = pa.concat_tables(simulate(PAYMENTS, date(2025, 1, 1), date(2025, 7, 1), 7))
    ends = [whole.num_rows * number // count for number in range(count + 1)]
    for number in range(count):
        place = lake / f"{number // 100:04}" / f"{number:06}.parquet"
        place.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(whole.slice(ends[number], ends[number + 1] - ends[number]), place)
    return int(whole.num_rows)


def _words() -> tuple[str, ...]:
    outs = (f"data/{NAME}/raw", f"data/{NAME}/served", f"metrics/{NAME}/data.json")
    return NAME, f"sources/{NAME}", *outs


def _step(steps: dict[str, dict[str, float]], name: str, project: Project, *words: str) -> str:
    """Run a command, whatever its exit code; its output."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    output = project.run(*words, ok=False)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    steps[name] = {"cpu": round(cpu, 2), "wall": round(wall, 2)}
    return output


if __name__ == "__main__":
    sys.exit(main())
