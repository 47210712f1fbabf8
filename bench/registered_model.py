"""Whether a registered model, and a release's archive alone, give the recorded scores, to the bit.

Each use case's bundle is registered in an MLflow of its own, loaded as `models:/NAME@champion`, scored by
`mlflow models predict`, and packed and scored by `plumbline score`, in processes that see no use case.
An audit hook counts what is unpickled from the call that loads the model on.

Run after `dvc repro`: python -m bench.registered_model [usecase ...] [--rows 10000]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow.parquet as pq

from plumbline.core import tables, usecase_loader
from plumbline.model import admission, bundle
from plumbline.ops.release import archives
from plumbline.serve import event_table, scoring
from plumbline.tracking import mlflow_worker

ROOT = Path(__file__).resolve().parent.parent
CHILD = """
import json, sys
import mlflow.pyfunc, pandas as pd
from mlflow.cli import cli
from plumbline.__main__ import main
name, unpickled = sys.argv[1], []
sys.addaudithook(lambda event, _: unpickled.append(event) if event == "pickle.find_class" else None)
mlflow.set_tracking_uri("sqlite:///mlflow.db")
model = mlflow.pyfunc.load_model(f"models:/{name}@champion")
loaded = model.predict(pd.read_parquet("events.parquet"))["score"].tolist()
words = ["models", "predict", "-m", f"models:/{name}@champion", "--env-manager", "local"]
cli([*words, "-i", "events.json", "-t", "json", "-o", "cli.json"], standalone_mode=False)
predicted = [one["score"] for one in json.load(open("cli.json"))["predictions"]]
assert main(["score", "bundle.tar.gz", "events.parquet", "--out", "answers.parquet"]) == 0
archive = pd.read_parquet("answers.parquet")["score"].tolist()
json.dump([loaded, predicted, archive, len(unpickled)], open("result.json", "w"))
"""


def main(names: list[str], rows: int) -> None:
    """Print, per use case, how many scores are equal."""
    for name in names:
        with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
            recorded = _prepare(Path(folder), name, rows)
            *ways, unpickled = _scored(Path(folder), name)
        equal = [sum(a == b for a, b in zip(way, recorded, strict=True)) for way in ways]
        print(
            f"{name}: of {len(recorded):,} recorded scores equal: pyfunc.load_model {equal[0]:,}, "
            f"mlflow models predict {equal[1]:,}, archive alone {equal[2]:,}; unpickled: {unpickled}"
        )


def _prepare(folder: Path, name: str, rows: int) -> list[float]:
    """Register and pack the bundle, write raw events; the scores that `evaluate` recorded."""
    usecase, model = usecase_loader.load_features(name), Path(f"models/{name}")
    needed = scoring.wanted(bundle.described(model)[0])
    columns = [c.name for c in usecase.known] + event_table.histories(usecase, needed)
    events = pq.read_table(f"data/{name}/tables/test.parquet", columns=columns).slice(0, rows)
    pq.write_table(events, folder / "events.parquet")
    frame = events.to_pandas()
    text = frame.to_json(orient="split", index=False, date_format="iso", double_precision=15)
    (folder / "events.json").write_text(f'{{"dataframe_split": {text}}}', encoding="utf-8")
    archives.pack(model, name, folder / "bundle.tar.gz")
    request = {
        "address": f"sqlite:///{folder}/mlflow.db", "artifacts": (folder / "files").as_uri(),
        "experiment": name, "name": "register", "params": {}, "metrics": {}, "start": 0, "end": 0,
        "run": None, "run_tags": {}, "tags": {"md5": name}, "trials": [], "files": [],
        "folder": str(model.resolve()), "alias": "champion",
    }  # fmt: skip
    mlflow_worker.register(request)
    recorded = tables.read(Path(f"reports/{name}/evaluate/predictions.parquet"), ["score"])["score"]
    return [float(v) for v in recorded[:rows]]


def _scored(folder: Path, name: str) -> list[list[float]]:
    hashes = {admission.VARIABLE: admission.digest(Path(f"models/{name}"))}
    assert bundle.described(Path(f"models/{name}"))[1], "run `dvc repro`: an older bundle"
    subprocess.run(
        [sys.executable, "-W", "ignore", "-P", "-c", CHILD, name],
        cwd=folder, env={**os.environ, **hashes, "PYTHONPATH": str(_library(folder))}, check=True,
    )  # fmt: skip
    result: list[list[float]] = json.loads((folder / "result.json").read_text())
    return result


def _library(folder: Path) -> Path:
    """A folder that holds the library and no use case."""
    (folder / "library").mkdir()
    (folder / "library" / "plumbline").symlink_to(ROOT / "plumbline")
    return folder / "library"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("usecases", nargs="*", default=["card_fraud", "flights"])
    parser.add_argument("--rows", type=int, default=10_000)
    given = parser.parse_args()
    main(given.usecases, given.rows)
