"""MonitorBench: does an alert mean harm, and silence health? Simulated payments, judged day by day.

`python -m bench.monitor --scenario X[,Y] --seeds dev --detector plumbline` prints each judged window of
those scenarios: level, columns, why. `--size 500`, `--seeds 1,2`, `--group fault` and `--quiet` (a line
a stream) narrow it. `--final` runs all on the seeds kept for it and writes `docs/monitor/results.json`,
the plots and `docs/monitor-benchmark.md`; `--short` does so with fewer seeds; `--quick` prints a small part of
it in about a minute. Streams are kept in MONITORBENCH_CACHE (a temporary folder unless set).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.monitoring import campaign, document, figures, runs, true_loss
from bench.monitoring.populations import SIZES, Population
from bench.monitoring.runs import Record
from bench.monitoring.scenarios import BY_NAME, SCENARIOS, Scenario

ROOT = Path(__file__).resolve().parents[1]
MIX_PAGE = "monitor-mix.md"
MIX_HEAD = """# Other mixes of events

Regions, preferences and prices that change, for [the monitor's benchmark](monitor-benchmark.md), whose terms these
are: seeds {seeds}, the same streams, detector and truth. The land is a square, and a region is a quarter of it. No
column says in which region a payment was made: the monitor sees numbers of rows, amounts, distances, categories and
histories. Made by `python -m bench.monitor --mix --seeds {seeds}`.

"""
DEV = (1, 2, 3, 4)
"""Seeds for tuning; those from 101 on are for the final figures alone."""


def chosen(names: str, group: str) -> list[Scenario]:
    """The scenarios of these names or of a group; exits where there is none of a name."""
    if not names:
        return [s for s in SCENARIOS if group in ("", s.group)]
    unknown = set(names.split(",")) - set(BY_NAME)
    if unknown:
        sys.exit(f"no scenario {', '.join(sorted(unknown))}; there are {', '.join(BY_NAME)}")
    return [BY_NAME[n] for n in names.split(",")]


def print_records(records: Iterable[Record], *, quiet: bool) -> None:
    """A line a window, or with `quiet` a line a stream: a alert, w warning, . ok, X crash."""
    lines: dict[tuple[int, str], str] = {}
    for r in records:
        mark = "X" if r.crash else {"alert": "a", "warning": "w", "ok": "."}[r.level]
        key = (r.seed, r.scenario)
        if r.number == 0 and quiet:
            print("", flush=True)
        lines[key] = lines.get(key, "") + mark
        if quiet:
            print(f"\rseed {r.seed} {r.scenario:18} {lines[key]}", end="", flush=True)
            continue
        blind = " blind" if r.blind else ""
        head = f"seed {r.seed} {r.scenario} {r.number:2d} {r.level}{blind} {r.rows:,} rows"
        print(f"{head} {r.seconds:.2f} s {r.crash}", flush=True)
        for line in r.why:
            print(f"    {line}")
    print("")


def mix_page(seeds: Sequence[int], size: int) -> str:
    """The page on other mixes of events: regions, preferences and prices that change."""
    scenarios = chosen("", "mix")
    records, losses = [], {}
    for seed in seeds:
        population = Population(SIZES[size], seed)
        records += list(runs.judged(population, scenarios, "plumbline"))
        for scenario in scenarios:
            losses[seed, scenario.name] = true_loss.true_loss(population, scenario)
    tables = document.scenarios(figures.by_scenario(records, losses, size))
    return MIX_HEAD.format(seeds=", ".join(map(str, seeds))) + tables


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="", help="names with commas between; all if left out")
    parser.add_argument(
        "--group", default="", help="harmless, covariate, label, concept, fault ..."
    )
    parser.add_argument("--seeds", default="dev", help="dev, or numbers with commas between")
    parser.add_argument("--size", type=int, default=5_000, choices=list(SIZES))
    parser.add_argument("--detector", default="plumbline", choices=list(runs.DETECTORS))
    parser.add_argument("--quiet", action="store_true", help="a line a stream")
    parser.add_argument("--final", action="store_true", help="all, on the seeds kept for it")
    parser.add_argument("--short", action="store_true", help="as --final, with fewer of its seeds")
    parser.add_argument("--quick", action="store_true", help="a small part, in about a minute")
    parser.add_argument("--mix", action="store_true", help=f"the group mix, to docs/{MIX_PAGE}")
    parser.add_argument("--fresh", action="store_true", help="run the peers again too")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="where --final writes")
    arguments = parser.parse_args()
    if arguments.final or arguments.short or arguments.quick:
        plan = campaign.FINAL if arguments.final else campaign.SHORT
        if arguments.quick:
            results = campaign.run(
                campaign.QUICK, ("evidently-default", "ks-bh"), fresh=arguments.fresh
            )
        else:
            results = campaign.run(plan, fresh=arguments.fresh)
            document.write(results, arguments.out)
        print(document.text(results))
        return
    seeds = DEV if arguments.seeds == "dev" else tuple(int(s) for s in arguments.seeds.split(","))
    if arguments.mix:
        page = mix_page(seeds, arguments.size)
        (arguments.out / MIX_PAGE).write_text(page.rstrip() + "\n", encoding="utf-8")
        print(page)
        return
    scenarios = chosen(arguments.scenario, arguments.group)
    for seed in seeds:
        population = Population(SIZES[arguments.size], seed)
        print_records(runs.judged(population, scenarios, arguments.detector), quiet=arguments.quiet)


if __name__ == "__main__":
    main()
