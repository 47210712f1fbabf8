"""`python -m bench.mutants`: plants each fault in a copy of the project and runs the marked tests there.

Prints one line per fault: the test that noticed, or MISSED. Keeps the evidence for `plumbline
score`. `--only "Data 3"` takes the faults of one id. Exit code 1 where a fault was not noticed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue

from bench.mutants import copies, data, infra, model, monitor, running
from bench.mutants.plant import Mutant
from plumbline.studies.mltest import rubric, run_evidence, tree
from tests.conftest import ROOT

MUTANTS = (*data.MUTANTS, *model.MUTANTS, *infra.MUTANTS, *monitor.MUTANTS)
AT_ONCE = 2
WORD = {"caught": "caught", "missed": "MISSED", "wrong": "WRONG "}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.mutants", description=__doc__)
    parser.add_argument("--only", choices=rubric.IDS, action="append", help="the faults of this id")
    parser.add_argument(
        "--verbose", action="store_true", help="pytest's output where one is missed"
    )
    parser.add_argument("--jobs", type=int, choices=(1, AT_ONCE), default=AT_ONCE)
    chosen = parser.parse_args()
    wanted = [m for m in MUTANTS if not chosen.only or m.id in chosen.only]
    before, caught = tree.state(ROOT), 0
    with tempfile.TemporaryDirectory() as folder:
        for outcome in outcomes(wanted, Path(folder), chosen.jobs):
            caught += outcome.verdict == "caught"
            report(outcome, chosen.verbose)
            if tree.state(ROOT) == before:
                run_evidence.keep(
                    ROOT / run_evidence.FOLDER / "mutants.json", [record(outcome, before)]
                )
    print(f"{caught} of {len(wanted)} planted faults were noticed by a test of their id")
    sys.exit(0 if caught == len(wanted) else 1)


def outcomes(wanted: Iterable[Mutant], folder: Path, jobs: int) -> Iterator[running.Outcome]:
    """Each fault's outcome, in order, `jobs` at once, each in a copy of its own."""
    free: SimpleQueue[Path] = SimpleQueue()
    for number in range(jobs):
        free.put(copies.copy(folder / f"copy{number}"))

    def one(mutant: Mutant) -> running.Outcome:
        root = free.get()
        try:
            return running.judge(root, mutant)
        finally:
            free.put(root)

    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(one, wanted)


def record(outcome: running.Outcome, state: str) -> run_evidence.Caught:
    """The outcome as evidence for this state of the project."""
    return run_evidence.Caught(
        mutant=outcome.mutant.what,
        id=outcome.mutant.id,
        file=outcome.mutant.file,
        verdict=outcome.verdict,
        node=outcome.node,
        kind=outcome.kind,
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=outcome.seconds,
        commit=tree.commit(ROOT),
        state=state,
    )


def report(outcome: running.Outcome, verbose: bool) -> None:
    """One line; with the end of pytest's words where it was not caught."""
    mutant = outcome.mutant
    print(
        f"{WORD[outcome.verdict]} {mutant.id:9} {mutant.what:62} {outcome.seconds:5.1f} s "
        f"{outcome.kind} {outcome.node}",
        flush=True,
    )
    if verbose and outcome.verdict != "caught":
        print(outcome.output)


if __name__ == "__main__":
    main()
