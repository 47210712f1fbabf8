"""Seconds and memory of one window, in a process of its own: prints them as JSON.

`python -m bench.monitoring.cost DETECTOR ROWS SEED`. Memory is the peak while a window is read and judged
(VmHWM, reset before), above the bare interpreter and above what was in use before the window was read.
The past is read day by day, so that what is in use then is the detector's own. A window of 50,000 rows is
ten days of a population of 5,000.
"""

from __future__ import annotations

import ctypes
import gc
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

START = int(Path("/proc/self/statm").read_text().split()[1]) * 4 / 1024  # MB, before any import
WINDOWS = 3
POOLED = {50_000: 5_000}
"""Of which size a window of this one is pooled."""


class Days:
    """Windows that are read one at a time."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[Any]:
        return (one(path) for path in self.paths)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            return Days(self.paths[key])
        return one(self.paths[key])


def main(detector: str, rows: str, seed: str) -> None:
    folder = _population(rows, seed).folder / f"days-{rows}"
    if not folder.exists():
        again = [
            sys.executable,
            "-c",
            f"from bench.monitoring import cost; cost.split({rows}, {seed})",
        ]
        subprocess.run(again, check=True)
    from bench.monitoring import learning, runs, streams
    from plumbline.core import tables

    judge = runs.make(detector)
    paths = sorted(folder.glob("*.parquet"))
    healthy, judged = paths[:-WINDOWS], paths[-WINDOWS:]
    bundle = learning.load(folder.parent / "model")
    training = tables.read(folder.parent / "plain" / "training.parquet")
    past = streams.Past(
        learning.window(training, one(healthy[0]).last),
        Days(healthy),  # type: ignore[arg-type]
        (),
        learning.gain(bundle),
        bundle.threshold or 0.5,
    )
    judge.fit(past)
    judge.begin()
    del past, training
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    before = _memory("VmRSS")
    walls, processor, peaks = [], [], []
    for path in judged:
        Path("/proc/self/clear_refs").write_text("5")
        now = streams.hide(one(path))
        wall, busy = time.perf_counter(), time.process_time()
        judge.judge(now, {})
        walls.append(time.perf_counter() - wall)
        processor.append(time.process_time() - busy)
        peaks.append(_memory("VmHWM"))
    cost = {
        "detector": detector,
        "rows": now.rows,
        "columns": len(now.columns) + 1,
        "seconds": round(sorted(walls)[WINDOWS // 2], 3),
        "processor_seconds": round(sorted(processor)[WINDOWS // 2], 3),
        "mb_above_interpreter": round(max(peaks) - START, 1),
        "mb_above_before": round(max(peaks) - before, 1),
    }
    print(json.dumps(cost))


def split(rows: int, seed: int) -> None:
    """Write the healthy days and some judged ones, a file each, or a file for so many days pooled."""
    import numpy as np

    from bench.monitoring import streams
    from bench.monitoring.scenarios import BY_NAME
    from plumbline.core.files import replacing_folder

    population = _population(str(rows), str(seed))
    size = rows // population.size.rows
    days = [*streams.past(population).days, *streams.stream(population, BY_NAME["weekly"])]
    days = days[-(len(days) // size) * size :]
    with replacing_folder(population.folder / f"days-{rows}") as out:
        for first in range(0, len(days), size):
            part = days[first : first + size]
            columns = {
                n: np.concatenate([d.columns[n] for d in part])
                for n in part[0].columns
                if n != "is_fraud"
            }
            columns["is_fraud"] = np.concatenate([d.label for d in part])
            columns["score"] = np.concatenate([d.score for d in part])
            last = np.datetime64(str(part[-1].last), "D")
            columns["delivered"] = np.full(len(columns["score"]), last.astype(np.int64))
            streams.write(columns, out / f"{last}.parquet")


def one(path: Path) -> Any:
    """A day's window."""
    import numpy as np

    from bench.monitoring import learning
    from plumbline.core import tables

    return learning.window(tables.read(path), np.datetime64(path.stem, "D"))


def _population(rows: str, seed: str) -> Any:
    from bench.monitoring.populations import SIZES, Population

    return Population(SIZES[POOLED.get(int(rows), int(rows))], int(seed))


def _memory(name: str) -> float:
    """A line of /proc/self/status in MB."""
    text = Path("/proc/self/status").read_text()
    return int(text.split(f"{name}:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
