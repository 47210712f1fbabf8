"""Seconds and memory of the stage evaluate on ever more rows, in tables made of a project's own.

`python -m bench.evaluate_rows PROJECT` (a folder in which `dvc repro` has run) repeats the tables of its first use
case with new keys and shaken numbers up to each of `--rows`, runs the stage on them in a process of its own, and
prints rows, wall and processor seconds, peak memory, and by how much both grow: the exponents between two sizes.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from plumbline import config
from plumbline.core import tables, usecase_loader
from plumbline.core.usecase import UseCase

TABLES = ("train", "valid", "test")
RUN = """
import json, resource, runpy, sys
from plumbline.runtime import cyclic_garbage
def end():
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6]))
cyclic_garbage.end_process = end
sys.argv = sys.argv[1:]
runpy.run_module("stages.evaluate", run_name="__main__", alter_sys=True)
"""


@dataclass(frozen=True)
class Cost:
    """What one run took: wall and processor seconds, MB at the peak."""

    rows: int
    wall: float
    processor: float
    memory: float


def repeated(usecase: UseCase, source: Path, path: Path, rows: int) -> None:
    """Write at least so many rows: those of `source` again and again, each time with other keys and numbers."""
    table = pq.read_table(source)
    random = np.random.default_rng(3)
    with pq.ParquetWriter(path, table.schema, compression="zstd") as writer:
        for turn in range(math.ceil(rows / table.num_rows)):
            part = table if turn == 0 else shaken(usecase, table, turn, random)
            writer.write_table(part, row_group_size=tables.CHUNK)


def shaken(usecase: UseCase, table: Any, turn: int, random: np.random.Generator) -> Any:
    """The same rows with keys of their own, every number of the model moved by a thousandth of its size or so."""
    keys = table.schema.field(usecase.key)
    if pa.types.is_string(keys.type):
        column = pa.compute.binary_join_element_wise(table.column(usecase.key), f"-{turn}", "")
        table = table.set_column(table.schema.get_field_index(usecase.key), keys, column)
    for name in usecase.features:
        field = table.schema.field(name)
        if not pa.types.is_floating(field.type):
            continue
        values = table.column(name).to_numpy()
        moved = values * (1 + 1e-3 * random.standard_normal(len(values)))
        moved = np.where(values == np.rint(values), values, moved)
        place = table.schema.get_field_index(name)
        table = table.set_column(place, field, pa.array(moved, field.type, mask=np.isnan(values)))
    return table


def measured(name: str, folder: Path, rows: int) -> Cost:
    """Run the stage on the tables in `folder`."""
    inputs = [f"models/{name}", *(str(folder / f"{t}.parquet") for t in TABLES)]
    inputs += [f"metrics/{name}/{stage}.json" for stage in ("data", "validate", "features")]
    outs = [str(folder / out) for out in ("evaluate.json", "summary.json", "report", "plots")]
    env = {**os.environ, "MLFLOW_TRACKING_URI": "off"}
    started = time.perf_counter()
    words = [sys.executable, "-c", RUN, "stages.evaluate", name, *inputs, *outs]
    done = subprocess.run(words, check=True, env=env, stdout=subprocess.PIPE, text=True)
    processor, memory = json.loads(done.stdout.splitlines()[-1])
    return Cost(rows, time.perf_counter() - started, processor, memory)


def line(cost: Cost, before: Cost | None) -> str:
    """A row of what is printed."""
    text = f"{cost.rows:12,}{cost.wall:9.1f}{cost.processor:11.1f}{cost.memory:9.0f}"
    if before is None:
        return text
    times = math.log(cost.rows / before.rows)
    grown = [
        math.log(getattr(cost, n) / getattr(before, n)) / times for n in ("processor", "memory")
    ]
    return f"{text}{grown[0]:11.2f}{grown[1]:9.2f}"


def main(project: Path, sizes: list[int], train: float) -> None:
    os.chdir(project)
    name = config.first()
    usecase = usecase_loader.load(name)
    print(f"{'rows of test':>12}{'wall':>9}{'processor':>11}{'MB':>9}{'exponents':>11}")
    before = None
    for rows in sizes:
        with tempfile.TemporaryDirectory(dir=".") as scratch:
            folder = Path(scratch).resolve()
            for table in TABLES:
                wanted = int(rows * train) if table == "train" else rows
                source = Path("data") / name / "tables" / f"{table}.parquet"
                repeated(usecase, source, folder / f"{table}.parquet", wanted)
            cost = measured(name, folder, pq.read_metadata(folder / "test.parquet").num_rows)
        print(line(cost, before), flush=True)
        before = cost


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", type=Path)
    parser.add_argument("--rows", type=int, nargs="+", default=[500_000, 2_000_000, 8_000_000])
    parser.add_argument("--train", type=float, default=1.0, help="rows of train for one of test")
    chosen = parser.parse_args()
    main(chosen.project, chosen.rows, chosen.train)
