"""A file of events scored on a cluster: the bytes of all files that one process writes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.core import machine, tables
from plumbline.core.declarations import Only
from plumbline.model import admission, bundle
from plumbline.model.admission import Scorer
from plumbline.serve.bulk import bulk_scoring, cluster_scoring
from plumbline.serve.bulk.batch_scoring import ScoreBatches
from plumbline.serve.bulk.bulk_scoring import BulkRequest, BulkResult
from plumbline.train import fitting, training
from plumbline.train.params import Train
from tests.boosting import events, parcels, tuned, write

KNOWN = ("number", "at", "sender", "height", "kind", "worth", "sender_mean_7d")


def saved(folder: Path) -> Scorer:
    """A bundle with functions of its own, admitted by its hash, that answers parcels from 20 mm on."""
    usecase = parcels(eligible=(Only("height", "large ones", low=20),))
    train = Train(rounds=15, early_stopping=5)
    settings = fitting.booster_settings(usecase, train, tuned({}), 7)
    paths = write(folder)
    model = training.fitted(usecase, train, settings, paths, tables.read(paths[1]))
    entries = fitting.manifest_entries(model, settings, {})
    bundle.save(folder / "model", model.booster, entries, usecase)
    return admission.load(folder / "model", [admission.digest(folder / "model")])


def source(folder: Path) -> Path:
    """Events of which some are refused: too small, of an unknown kind, twice."""
    columns = {n: v.tolist() for n, v in events(3, 500).items() if n in KNOWN}
    columns["kind"][7], columns["number"][9] = "egg", columns["number"][8]
    pq.write_table(pa.table(columns), folder / "events.parquet")
    return folder / "events.parquet"


def score(
    scorer: Scorer, file: Path, out: Path, scored: ScoreBatches | None = None
) -> tuple[BulkResult, list[bytes]]:
    request = BulkRequest(str(file), out, explain=5)
    scratch = out.with_suffix(".scratch")
    scratch.mkdir()
    killed: list[str] = []

    def report(what: str, *_: int) -> None:
        if what == "scored" and scored and not killed:
            killed.append(what)
            kill_python()

    done = bulk_scoring.score(scorer, request, scratch, report, scored)
    files = (request.out, request.refused, request.explained)
    return done, [path.read_bytes() for path in files]


def kill_python() -> None:
    """kill -9 of every process of Python that Spark runs here for a worker."""
    for one in psutil.process_iter(["cmdline"]):
        if "pyspark.daemon" in (one.info["cmdline"] or ()):
            os.kill(one.pid, signal.SIGKILL)


@pytest.mark.capability("C32")
def test_the_files_are_those_of_one_process_though_workers_are_killed(
    tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tables, "CHUNK", 100)
    monkeypatch.setattr(cluster_scoring, "AT_ONCE", 1)
    scorer, file = saved(tmp_path), source(tmp_path)
    here, wanted = score(scorer, file, tmp_path / "here.parquet")
    assert here.reasons.keys() == {"height.eligible", "kind.set", "number.unique"}
    with cluster_scoring.connected(machine.engine(), tmp_path / "model", scorer, 5) as scored:
        there, found = score(scorer, file, tmp_path / "there.parquet", scored)
    assert there == here
    assert found == wanted
