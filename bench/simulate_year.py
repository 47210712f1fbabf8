"""A year in a rehearsal: `make simulate-year` (`python -m bench.simulate_year`).

The card-fraud world goes on for months, with a unit error and a new fraud pattern planted in it. `--money`: the money
lost with no model, a frozen one, this loop, and retraining every week, over `--seeds`. `--loop`: the real commands and
HTTP, once, from the planted drift to the new champion; exits with 1 where there is none, or where a bad challenger
came further than it may. Without either, both. Results go to docs/simulated-year/, the page to docs/simulated-year.md;
`--out` names another folder.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from bench.year import compare, page
from bench.year.calendar import Year
from bench.year.evidence import Diary

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Run what is wanted, print it, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--money", action="store_true", help="the four policies only")
    parser.add_argument("--loop", action="store_true", help="the run by commands and HTTP only")
    parser.add_argument("--seeds", type=int, default=5, help="how many")
    parser.add_argument("--short", action="store_true", help="a tiny world, a few weeks")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="where the page goes")
    given = parser.parse_args()
    both, results = given.money == given.loop, given.out / "simulated-year" / "results.json"
    if given.money or both:
        money(given, results)
    wrong = loop(results) if given.loop or both else []
    if results.exists():
        page.write(results, given.out)
    sys.exit("\n".join(wrong) or 0)


def money(given: argparse.Namespace, results: Path) -> None:
    """The policies at each seed; a line as each ends, then the table."""
    year, began = Year(seed=0), time.monotonic()
    year = year.short() if given.short else year
    runs = []
    for one in compare.played(year, range(1, given.seeds + 1), given.processes):
        runs.append(one)
        total, seconds = sum(one.costs) / 100, time.monotonic() - began
        print(f"{seconds:6.0f} s  seed {one.seed} {one.policy:7} {total:12,.0f}", flush=True)
    compare.write(results, year, runs)
    print("\n".join(compare.lines([asdict(r) for r in runs])))


def loop(results: Path) -> list[str]:
    """The rehearsal in a temporary folder, its steps beside the results; what was not as it has to be."""
    from bench.year import rehearsal

    diary = Diary()
    results.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix="plumbline-year-") as folder:
            done = rehearsal.rehearse(rehearsal.YEAR, Path(folder), diary)
    finally:
        diary.write(results.with_name("loop.json"))
    missing = [] if done.promoted else ["no model was promoted after the planted drift"]
    return [*missing, *done.wrong]


if __name__ == "__main__":
    main()
