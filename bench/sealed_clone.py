"""A commit made from sealed days, reproduced in a fresh clone: `python -m bench.sealed_clone`.

A small card_fraud project serves five days of its simulated world (rows go straight into the log), seals them, and runs
its data stage, or with --all the whole graph, on seed and sealed days under real git and DVC. Then: a clone without
`dvc pull` is refused; after it every out has the recorded md5; a new sealed day shows as changed; verify, gc and
reproduce know the sealed files.

Run: python -m bench.sealed_clone [--all]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from plumbline.core.usecase import FeatureSet
from plumbline.core.usecase_loader import load_features
from plumbline.ops.serving import places
from plumbline.serve.log.prediction_log import PredictionLog
from plumbline.serve.protocols import LoggedEvent, LoggedOutcome
from sources.card_fraud.simulator import simulate
from tests import logged
from tests.project import Project, make

NAME = "card_fraud"
START, FIRST, AS_OF = date(2025, 1, 1), date(2025, 5, 1), date(2025, 5, 6)
SIZES = {"customers": 300, "terminals": 200}
SEED = 7


def main() -> None:
    """Run each step, print what it showed, and exit with 1 at the first that does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="the whole graph, not the data stage")
    whole = parser.parse_args().all
    with tempfile.TemporaryDirectory() as folder:
        for step in steps(Path(folder), [] if whole else [f"data@{NAME}"]):
            print(step, flush=True)


def steps(folder: Path, targets: list[str]) -> Iterator[str]:
    """Each step in words; AssertionError where one does not hold."""
    project = served(folder / "project")
    sealed = project.run(sys.executable, "-m", "plumbline", "seal", NAME)
    assert "2025-05-05: sealed" in sealed, sealed
    yield f"sealed: {sealed.count(': sealed:')} days"
    project.repro(*targets)
    project.commit("A run on sealed days")
    project.run("dvc", "push", "-q", *([] if not targets else [*targets, *pointers(project)]))
    clone = project.clone(folder / "clone")
    refused = clone.run("dvc", "repro", *targets, ok=False)
    assert "missing data 'source" in refused, refused
    yield "a clone without pull: refused"
    clone.run("dvc", "pull", "-q", *pointers(clone))
    clone.repro("--force", *targets)
    changed = clone.run("git", "status", "--porcelain")
    assert not changed, changed
    yield "after pull and repro --force: every out has the recorded bytes"
    clone.run(sys.executable, "-m", "plumbline", "gc", "--apply")
    verified = clone.run(sys.executable, "-m", "plumbline", "verify")
    yield f"plumbline gc, then verify: {verified.strip().splitlines()[-1]}"
    if not targets:
        again = project.run(sys.executable, "-m", "plumbline", "reproduce", "HEAD")
        yield f"plumbline reproduce: {again.strip().splitlines()[-1]}"
    status = next_day(project)
    assert f"sources/{NAME}" in status, status
    yield "a new sealed day: `dvc status` shows the source as changed"
    (path := next((clone.path / "sources" / NAME / "sealed").glob("events-*.parquet"))).write_bytes(
        b"?"
    )
    answer = clone.run("dvc", "repro", *targets, ok=False)
    assert "never rewritten" in answer, answer
    yield f"{path.name} changed, which DVC takes: refused by the data stage"


def served(path: Path) -> Project:
    """The project, its params on sealed days, and a log."""
    project = make(path, [NAME])
    data = {"source": "simulate", "start": str(START), "as_of": str(FIRST), "simulate": SIZES}
    section: dict[str, Any] = {"source": "served", "as_of": str(AS_OF), "seed": data}
    project.set({f"{NAME}.data": section})
    project.run("dvc", "remote", "add", "-f", "-d", "here", str(path.parent / "remote"))
    project.commit("Serve")
    usecase = load_features(NAME)
    rows = sorted(log_rows(usecase), key=lambda row: row.received)
    fill(project, usecase, rows, 0)
    return project


def log_rows(usecase: FeatureSet) -> Iterator[LoggedEvent | LoggedOutcome]:
    """The world's events from FIRST on, and the outcomes that became known since then; without a sequence."""
    tables = simulate(SIZES, START, AS_OF + timedelta(days=2), SEED)
    delay = timedelta(days=usecase.label_delay)
    start, end = (datetime.combine(day, datetime.min.time()) for day in (FIRST, AS_OF))
    for event in (row for table in tables for row in table.to_pylist()):
        time = event[usecase.time]
        if time >= start:
            yield served_row(usecase, event, logged.micros(time))
        if start <= time + delay < end:
            known = logged.micros(time + delay)
            values = {c.name: event[c.name] for c in usecase.unknown}
            yield logged.outcome(1, event[usecase.key], known, known_at=known, values=values)


def served_row(usecase: FeatureSet, event: dict[str, Any], received: int) -> LoggedEvent:
    """An event as a service logs it, with histories of zeros."""
    computed = len(usecase.rows) + len(usecase.categories)
    return logged.row(
        1,
        event[usecase.key],
        received,
        event={c.name: event[c.name] for c in usecase.known},
        aggregates=(0.0,) * len(usecase.aggregates),
        computed=(0.0,) * computed,
        derived=(None,) * len(usecase.derived),
    )


def fill(
    project: Project, usecase: FeatureSet, rows: list[LoggedEvent | LoggedOutcome], last: int
) -> None:
    """Append the rows to the project's log, numbered."""
    log = PredictionLog(places.log(project.path, NAME), usecase)
    numbered = [replace(row, sequence=last + n) for n, row in enumerate(rows, 1)]
    for start in range(0, len(numbered), 1000):
        log.append(numbered[start : start + 1000])
    log.close()


def pointers(project: Project) -> list[str]:
    """The pointers of the sealed days."""
    files = sorted((project.path / "sources" / NAME / "sealed").glob("*.dvc"))
    return [path.relative_to(project.path).as_posix() for path in files]


def next_day(project: Project) -> str:
    """What `dvc status` says once the next day is sealed."""
    log = PredictionLog(places.log(project.path, NAME), usecase := load_features(NAME))
    received = logged.micros(datetime.combine(AS_OF + timedelta(days=9), datetime.min.time()))
    event = {c.name: None for c in usecase.known}
    row = replace(served_row(usecase, event, received), key=0, sequence=log.last_sequence + 1)
    log.append([row])
    log.close()
    project.run(sys.executable, "-m", "plumbline", "seal", NAME)
    return project.run("dvc", "status")


if __name__ == "__main__":
    main()
