"""Batches of events scored on a Spark cluster: the bundle's bytes go to every worker, the batches to one each.

An edge: Spark. A worker loads the bundle as `plumbline score` does, from a folder of its own: nothing of a bundle is
unpickled, and its code runs there where it may run here. Spark runs a batch that is lost with its worker again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

from plumbline.core import spark_errors, spark_session
from plumbline.core.errors import PlumblineError
from plumbline.model import admission
from plumbline.model.admission import Scorer
from plumbline.serve.bulk import batch_scoring
from plumbline.serve.bulk.batch_scoring import ScoreBatches, ScoredBatch

AT_ONCE = 2
"""Batches for each core of the cluster that are under way together; this process holds as many."""


@dataclass(frozen=True)
class CarriedBundle:
    """A bundle's files by name, the hash by which its code is admitted, and how many scores are explained."""

    files: tuple[tuple[str, bytes], ...]
    admit: tuple[str, ...]
    explain: int
    threads: int


@contextmanager
def connected(master: str, folder: Path, scorer: Scorer, explain: int) -> Iterator[ScoreBatches]:
    """Scores batches on the cluster of `master` by the bundle in `folder`, which `scorer` was loaded from."""
    with spark_session.connect(master) as session:
        spark_session.ship(session, Path.cwd())
        threads = int(session.sparkContext.getConf().get("spark.task.cpus", "1"))
        files = tuple((name, (folder / name).read_bytes()) for name in admission.files(folder))
        admit = (admission.digest(folder),) if scorer.origin == "admitted" else ()
        carried = session.sparkContext.broadcast(CarriedBundle(files, admit, explain, threads))
        yield partial(_scored, session, carried)


def _scored(session: Any, carried: Any, batches: Iterable[Any]) -> Iterator[ScoredBatch]:
    """Some batches at a time, in their order."""
    context, waiting = session.sparkContext, iter(batches)
    while together := list(islice(waiting, AT_ONCE * max(context.defaultParallelism, 1))):
        task = partial(_task, carried)
        try:
            results = context.parallelize(together, len(together)).map(task).collect()
        except spark_errors.failures() as error:
            reason = spark_errors.reason(error)
            raise PlumblineError(
                f"score: the Spark cluster gave up on a batch: {reason}; see the logs of its workers"
            ) from None
        for one in results:
            if isinstance(one, PlumblineError):
                raise one
            yield one


def _task(carried: Any, batch: Any) -> ScoredBatch | PlumblineError:
    """Runs on a worker."""
    given: CarriedBundle = carried.value
    try:
        return batch_scoring.scored(_scorer(given), given.explain, batch)
    except PlumblineError as error:
        return error


@cache
def _scorer(given: CarriedBundle) -> Scorer:
    """The bundle, once for each process of Python."""
    with tempfile.TemporaryDirectory(prefix="plumbline-bundle-") as folder:
        for name, content in given.files:
            (Path(folder) / name).write_bytes(content)
        return admission.load(Path(folder), given.admit, threads=given.threads)
