"""What one more month costs the stages that work month by month, beside the cost of that month alone.

`python -m bench.one_more_month [--months 24] [--customers 1000] [--stages data,validate,features]`: simulated card
payments, a Parquet file per month. Each stage runs over all months but the last, which fills its cache of partitions;
then over all of them; then, without a cache, over the last month alone, and over all of them (the clean room). Prints
processor and wall seconds, the ratio, and whether the bytes are those of the clean room. The small form is
tests/data/test_kept_months.py, tests/data/test_month_files.py and tests/code/test_kept_features.py: which months are computed, and the bytes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from plumbline.core import dvc_hash
from plumbline.core.partition_cache import PARTITIONS
from tests.conftest import ROOT

NAME = "card_fraud"
SOURCE = f"sources/{NAME}/payments"
LAST = date(2025, 7, 1)
MOST = 1.3
"""Times the cost of a month alone that one more month may cost."""


def simulate(folder: Path, first: date, payments: dict[str, int]) -> int:
    """A Parquet file of payments per month in `folder`; how many rows in all."""
    from sources.card_fraud.simulator import simulate as tables_of

    months: dict[str, list[Any]] = {}
    for table in tables_of(payments, first, LAST, 7):
        day = table.column("paid_at")[0].as_py()
        months.setdefault(f"{day:%Y-%m}", []).append(table)
    for month, tables in months.items():
        pq.write_table(pa.concat_tables(tables), folder / f"payments-{month}.parquet")
    return sum(t.num_rows for tables in months.values() for t in tables)


def project(folder: Path, start: date, as_of: date) -> Path:
    """A folder in which the stages run by hand on the payments from `start` up to `as_of`."""
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("profiles", f"sources/{NAME}"):
        shutil.copytree(ROOT / name, folder / name, dirs_exist_ok=True)
    params = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
    params[NAME]["data"] = {
        "source": "parquet",
        "path": SOURCE,
        "start": start.isoformat(),
        "as_of": as_of.isoformat(),
    }
    # so that one month alone has rows to learn from
    params[NAME]["features"].update(warmup_days=2, valid_days=2, test_days=2, current_days=7)
    (folder / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    return folder


def run(folder: Path, stage: str, partitions: str) -> tuple[float, float]:
    """Run a stage by its command in dvc.yaml; processor and wall seconds."""
    graph = yaml.safe_load((folder / "dvc.yaml").read_text(encoding="utf-8"))
    words = graph["stages"][stage]["cmd"].replace("${item.usecase}", NAME).split()
    env = {**os.environ, "PYTHONPATH": str(ROOT), PARTITIONS: partitions}
    log = folder / f"{stage}.log"
    started = time.perf_counter()
    with log.open("w", encoding="utf-8") as output:
        process = os.posix_spawn(
            "/bin/sh",
            ["/bin/sh", "-c", f"cd '{folder}' && exec '{sys.executable}' {' '.join(words[1:])}"],
            env,
            file_actions=[(os.POSIX_SPAWN_DUP2, output.fileno(), n) for n in (1, 2)],
        )
        _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"{stage} failed:\n{log.read_text(encoding='utf-8')[-3000:]}")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - started


def outs(folder: Path, stage: str) -> dict[str, str]:
    """The md5 of each out of a stage."""
    graph = yaml.safe_load((folder / "dvc.yaml").read_text(encoding="utf-8"))
    listed = graph["stages"][stage]["outs"]
    names = [next(iter(o)) if isinstance(o, dict) else o for o in listed]
    paths = [name.replace("${item.usecase}", NAME) for name in names]
    return {path: dvc_hash.md5(folder / path) for path in paths}


def hide(folder: Path, keep: set[str]) -> None:
    """Leave only these months in the source; the others wait beside the folder."""
    source, beside = folder / SOURCE, folder / "months"
    for path in beside.iterdir():
        target = source / path.name
        if path.stem.removeprefix("payments-") in keep:
            shutil.copy2(path, target)
        else:
            target.unlink(missing_ok=True)


def measure(folder: Path, first: date, stages: list[str]) -> bool:
    """Print a line per stage; whether every ratio and all bytes are as they should be."""
    months = sorted(p.stem.removeprefix("payments-") for p in (folder / "months").iterdir())
    last = (LAST - timedelta(days=1)).replace(day=1)
    kept = str(folder / "partitions")
    runs = {
        "before": (first, last, set(months[:-1]), kept),
        "one more": (first, LAST, set(months), kept),
        "clean": (first, LAST, set(months), "off"),
        "alone": (last, LAST, {months[-1]}, "off"),
    }
    seconds: dict[str, dict[str, tuple[float, float]]] = {}
    found: dict[str, dict[str, dict[str, str]]] = {}
    for name, (start, as_of, held, partitions) in runs.items():
        project(folder, start, as_of)
        hide(folder, held)
        seconds[name] = {stage: run(folder, stage, partitions) for stage in stages}
        found[name] = {stage: outs(folder, stage) for stage in stages}
    print(f"{'':10}{'one more':>20}{'alone':>16}{'all, no cache':>16}{'ratio':>8}  bytes")
    good = True
    for stage in stages:
        more, alone, clean = (seconds[n][stage] for n in ("one more", "alone", "clean"))
        same = found["one more"][stage] == found["clean"][stage]
        texts = [f"{cpu:8.2f} {wall:7.2f}" for cpu, wall in (more, alone, clean)]
        ratio = more[0] / alone[0]
        print(f"{stage:10}    {'   '.join(texts)}{ratio:8.2f}  {'equal' if same else 'DIFFERENT'}")
        good &= same and ratio <= MOST
    return good


def main() -> int:
    """Exit with 1 where a month costs more than MOST times that month alone, or bytes differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--customers", type=int, default=1_000)
    parser.add_argument("--stages", default="data,validate,features")
    chosen = parser.parse_args()
    first = LAST
    for _ in range(chosen.months):
        first = (first - timedelta(days=1)).replace(day=1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "months").mkdir()
        (folder / SOURCE).mkdir(parents=True)
        sizes = {"customers": chosen.customers, "terminals": 2 * chosen.customers}
        rows = simulate(folder / "months", first, sizes)
        print(f"{rows:,} payments in {chosen.months} months; processor and wall seconds")
        return 0 if measure(folder, first, chosen.stages.split(",")) else 1


if __name__ == "__main__":
    raise SystemExit(main())
