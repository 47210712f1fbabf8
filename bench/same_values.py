"""Two checkouts that were run: do they hold the same values, under renamed columns?

`python -m bench.same_values OLD NEW card_fraud` compares the outs of two project folders, each after
`dvc repro`: raw and valid events, quarantine and profile by their md5 in dvc.lock; snapshots and tables
column by column, the trials of the search, the booster's trees, scores and predictions bit by bit.
Columns renamed between releases are named in RENAMED. It prints a line per out, and exits with 1 where
one differs.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

RENAMED = {
    "oddness": "fraud_woe",
    "customer_odd_3d": "customer_woe_3d",
    "customer_odd_7d": "customer_woe_7d",
    "customer_odd_today": "customer_woe_today",
    "customer_habit_90d": "customer_excess_90d",
    "terminal_habit_90d": "terminal_excess_90d",
    "size_over_usual": "size_over_expected",
    "size_over_habit": "size_over_excess",
}
"""Columns of 0.1 and their names from 0.2 on."""
SAME_BYTES = ("data/{0}/raw", "data/{0}/valid", "data/{0}/quarantine", "data/{0}/profile.json")
WORD = re.compile("|".join(rf"\b{name}\b" for name in RENAMED))


def main(old: Path, new: Path, name: str) -> int:
    """Print the comparison; 0 where all is the same."""
    rows = [*hashes(old, new, name), *parquets(old, new, name), *models(old, new, name)]
    for what, same in rows:
        print(f"{'same     ' if same else 'DIFFERENT'}  {what}")
    return int(not all(same for _, same in rows))


def hashes(old: Path, new: Path, name: str) -> Iterator[tuple[str, bool]]:
    """The outs whose bytes are the same, by the md5 that dvc.lock records."""
    before, after = (recorded(root) for root in (old, new))
    for path in (template.format(name) for template in SAME_BYTES):
        yield f"{path}: md5 {after.get(path)}", before.get(path, 0) == after.get(path, 1)


def recorded(root: Path) -> dict[str, str]:
    """The md5 of each out in dvc.lock, by path."""
    stages = yaml.safe_load((root / "dvc.lock").read_text(encoding="utf-8"))["stages"]
    return {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", ())}


def parquets(old: Path, new: Path, name: str) -> Iterator[tuple[str, bool]]:
    """Snapshots, tables and predictions: the same rows, column by column."""
    folders = (f"data/{name}/snapshots", f"data/{name}/tables", f"reports/{name}/evaluate")
    for folder in folders:
        for path in sorted((old / folder).glob("*.parquet")):
            before, after = pq.read_table(path), pq.read_table(new / folder / path.name)
            yield (
                f"{folder}/{path.name}: {after.num_rows} rows, {after.num_columns} columns",
                (equal(renamed(before), after)),
            )


def renamed(table: pa.Table) -> pa.Table:
    """The table under today's names."""
    return table.rename_columns([RENAMED.get(c, c) for c in table.column_names])


def equal(before: pa.Table, after: pa.Table) -> bool:
    """The same columns, in any order, with the same bits (NaN equals NaN, null equals null)."""
    if sorted(before.column_names) != sorted(after.column_names):
        return False
    return all(_bits(before[c]) == _bits(after[c]) for c in after.column_names)


def _bits(column: Any) -> tuple[str, bytes]:
    whole = column.combine_chunks()
    if pa.types.is_floating(whole.type):
        values = whole.to_numpy(zero_copy_only=False)
        return str(whole.type), np.ascontiguousarray(values).tobytes()
    return str(whole.type), repr(whole.to_pylist()).encode()


def models(old: Path, new: Path, name: str) -> Iterator[tuple[str, bool]]:
    """The search's best parameters and trials, and the booster's trees."""
    before, after = (_json(root / "metrics" / name / "tune.json") for root in (old, new))
    yield f"metrics/{name}/tune.json: {after['trials']} trials", before == after
    trials = [p.name for p in sorted((old / "reports" / name / "tune").glob("*.csv"))]
    for file in trials:
        texts = [(root / "reports" / name / "tune" / file).read_text() for root in (old, new)]
        yield f"reports/{name}/tune/{file}", texts[0] == texts[1]
    before, after = (_trees(root / "models" / name) for root in (old, new))
    now = WORD.sub(lambda result: RENAMED[result[0]], before)
    yield f"models/{name}: {after.count('booster[')} trees", now == after


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _trees(folder: Path) -> str:
    """The trees as text, features by name."""
    import xgboost

    booster = xgboost.Booster()
    booster.load_model(next(folder.glob("*.ubj")))
    return "\n".join(f"booster[{i}]\n{t}" for i, t in enumerate(booster.get_dump(with_stats=True)))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
