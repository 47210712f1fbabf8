"""Whether pages on disk change a model: the train stage's fit of one project with its bins in memory, and on disk.

`python -m bench.large.pages FOLDER` on a project whose stages up to tune are there (`python -m bench.large --folder`
leaves some). Both fits run one after the other, each in a process of its own, with the params of the project but
for `train.in_memory`. It prints rounds, seconds, memory and the md5 of the trees, the primary metric on the test
window, and the paired difference with its interval over days. It exits with 1 where the interval leaves out zero.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.large.worlds import USECASE
from plumbline import config
from plumbline.core import documents, files, stored_columns, tables, usecase_loader
from plumbline.metrics import bootstrap, metrics
from plumbline.metrics.interval import Interval
from plumbline.model import matrices
from plumbline.model.tune_result import TuneResult
from plumbline.train import fitting
from tests.conftest import ROOT

KINDS = {"memory": 10**15, "pages": 1}
"""By where the bins lie, `train.in_memory`."""
REPLICATES, LEVEL = 500, 0.95


def fit(usecase_name: str, in_memory: int, scores: Path) -> dict[str, Any]:
    """Fit as the train stage does in the project of this folder; the test window's scores go to `scores`."""
    usecase, params = usecase_loader.load_features(usecase_name), config.load(usecase_name)
    found = documents.read(TuneResult, Path("metrics", usecase_name, "tune.json"))
    train = params.train.model_copy(update={"in_memory": in_memory})
    settings = fitting.booster_settings(usecase, train, found, params.seed)
    paths = table("train"), table("valid")
    started, worked = time.perf_counter(), time.process_time()
    pair = matrices.binned(usecase, settings, *paths, train.limits)
    columns = stored_columns.opened(paths[1], fitting.needed_columns(usecase, train.costs))
    fitted = fitting.fit(usecase, train, settings, pair, columns)
    spent = {"wall": time.perf_counter() - started, "cpu": time.process_time() - worked}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    test = stored_columns.opened(table("test"), matrices.needed(usecase))
    np.save(scores, stored_columns.row_by_row(test, matrices.needed(usecase), fitted.predict))
    trees = hashlib.md5(bytes(fitted.booster.save_raw("ubj")), usedforsecurity=False)
    rows = pair[0].num_row()
    return {"rows": rows, "rounds": fitted.rounds, **spent, "mb": peak, "md5": trees.hexdigest()}


def table(name: str) -> Path:
    return Path("data", USECASE, "tables", f"{name}.parquet")


def in_own_process(folder: Path, kind: str, scores: Path) -> dict[str, Any]:
    """`fit` in the project `folder` in a process of its own."""
    words = [sys.executable, "-m", "bench.large.pages", str(folder), "--fit", kind]
    words += ["--scores", str(scores)]
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def compared(folder: Path, scores: list[Path]) -> tuple[list[float], Interval]:
    """The primary metric of both on the test window, and the second's less the first's."""
    usecase = usecase_loader.load_features(USECASE)
    names = [usecase.label, str(usecase.time)]
    columns = tables.read(folder / table("test"), names)
    label = columns[usecase.label].astype(np.float64)
    day = columns[str(usecase.time)].astype("datetime64[D]")
    known = ~np.isnan(label)
    draws = bootstrap.resample(bootstrap.units(int(known.sum()), day[known]), REPLICATES, 7)
    both = [
        metrics.primary(usecase.problem, label[known], np.load(path)[known], draws)
        for path in scores
    ]
    gap = bootstrap.estimate(both[1] - both[0], draws, LEVEL)
    return [float(one[0]) for one in both], Interval(value=gap.value, low=gap.low, high=gap.high)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="a project with its tables and tune's result")
    parser.add_argument("--results", type=Path, help="JSON to be written")
    parser.add_argument("--fit", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--scores", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.fit:
        os.chdir(chosen.folder)
        print(json.dumps(fit(USECASE, KINDS[chosen.fit], chosen.scores)))
        return 0
    with tempfile.TemporaryDirectory(prefix="plumbline-") as name:
        scores = [Path(name) / f"{kind}.npy" for kind in KINDS]
        pairs = zip(KINDS, scores, strict=True)
        runs = {kind: in_own_process(chosen.folder.resolve(), kind, to) for kind, to in pairs}
        figures, gap = compared(chosen.folder, scores)
    for (kind, run), figure in zip(runs.items(), figures, strict=True):
        run["quality"] = figure
        print(f"{kind}: {', '.join(f'{k} {v}' for k, v in run.items())}")
    same = len({run["md5"] for run in runs.values()}) == 1
    print(f"trees {'equal' if same else 'not equal'} to the bit")
    print(f"difference of quality {gap.value:.5f} [{gap.low:.5f}, {gap.high:.5f}]")
    if chosen.results:
        files.write_json(chosen.results, {**runs, "difference": gap.plain(), "same": same})
    return int(not gap.low <= 0 <= gap.high)


if __name__ == "__main__":
    sys.exit(main())
