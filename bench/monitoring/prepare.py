"""Writes the streams of some seeds ahead of a run: `python -m bench.monitoring.prepare 5000 101,102`.

The last argument, if any, is a group of scenarios.
"""

from __future__ import annotations

import sys

from bench.monitoring import streams
from bench.monitoring.populations import SIZES, Population
from bench.monitoring.scenarios import SCENARIOS


def main(rows: str, seeds: str, group: str = "") -> None:
    for seed in seeds.split(","):
        population = Population(SIZES[int(rows)], int(seed))
        for scenario in SCENARIOS:
            if group in ("", scenario.group):
                streams.stream(population, scenario)
        print(f"{rows} rows, seed {seed}: ready", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
