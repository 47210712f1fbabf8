"""What validate, the monitor and the comparison see of poisoned data: a part of the monitor's benchmark.

`python -m bench.poisoning` judges streams of card payments that are poisoned at 1 % and 5 %, and clean ones, on seeds
that nothing was tuned on; it writes `docs/monitor/poisoning.json` and its part of `docs/monitor-benchmark.md`.
`--quick` judges a few and prints them. What is judged is kept in MONITORBENCH_CACHE until `--fresh`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.monitoring import cells, document, poisoning, poisons, scoring
from bench.monitoring.populations import SIZES, Population, cache
from plumbline.core.files import write_json

ROOT = Path(__file__).resolve().parents[1]
CLEAN_HEAD = ("clean streams", "flagged by the checks of poisoning", "by which", "by the others")
PAGE, FIGURES = ROOT / "docs/monitor-benchmark.md", ROOT / "docs/monitor/poisoning.json"
CUSTOMERS = {300: "600", 1_000: "2,000"}
"""Of validate's streams, with the payments a day that they make."""
SEEDS = (101, 102, 103, 104)
CLEAN_SEEDS = tuple(range(101, 109))
POPULATIONS = (101,)
"""Seeds of the monitor's and the comparison's streams, of 5,000 payments a day."""


class Kept:
    """Results by name, kept from run to run in one file."""

    def __init__(self, path: Path, *, fresh: bool) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        if fresh:
            path.unlink(missing_ok=True)
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.known: dict[str, Any] = dict(json.loads(line) for line in lines)

    def of(self, name: str, compute: Callable[[], Any]) -> Any:
        """The result of that name, computed where it is not known."""
        if name not in self.known:
            self.known[name] = compute()
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([name, self.known[name]]) + "\n")
            print(name, self.known[name], flush=True)
        return self.known[name]


def figures(kept: Kept, seeds: Sequence[int], clean: Sequence[int], pop: Sequence[int]) -> Any:
    """All figures, as docs/monitor/poisoning.json has them."""
    listed = poisons.poisons()
    by_population = {seed: _of_population(kept, seed, listed) for seed in pop}
    return {
        "seeds": list(seeds),
        "clean_seeds": list(clean),
        "populations": list(pop),
        "poisons": {
            poisoning.key(p): {
                "title": p.title,
                "share": p.share,
                "hides": p.hides,
                "validate": _validate(kept, poisoning.key(p), seeds, (p.shock,)),
                "monitor": [by_population[s][0][poisoning.key(p)] for s in pop],
                "comparison": [by_population[s][1][poisoning.key(p)] for s in pop],
            }
            for p in listed
        },
        "clean": {
            title: _validate(kept, title, clean, shocks) for title, shocks in poisons.CLEAN.items()
        },
        "clean_monitor": [by_population[s][0]["clean"] for s in pop],
        "clean_comparison": [by_population[s][1]["again"] for s in pop],
    }


def _validate(
    kept: Kept, name: str, seeds: Sequence[int], shocks: Sequence[poisons.Shock]
) -> dict[str, list[dict[str, list[str]]]]:
    return {
        str(customers): [
            kept.of(
                f"validate {name} {customers} {seed}",
                lambda c=customers, s=seed: poisoning.checks(c, s, shocks),
            )
            for seed in seeds
        ]
        for customers in CUSTOMERS
    }


def _of_population(kept: Kept, seed: int, listed: Sequence[poisons.Poison]) -> tuple[Any, Any]:
    population = Population(SIZES[5_000], seed)
    seen = kept.of(f"monitor {seed}", lambda: poisoning.monitored(population, listed))
    compared = {
        poisoning.key(p): kept.of(
            f"comparison {poisoning.key(p)} {seed}", lambda p=p: poisoning.retrained(population, p)
        )
        for p in listed
    }
    again = kept.of(f"comparison again {seed}", lambda: poisoning.retrained(population, None))
    return seen, {**compared, "again": again}


def text(results: Mapping[str, Any]) -> str:
    """The part of the page."""
    head = (ROOT / "bench/monitoring/poisoning_head.md").read_text(encoding="utf-8")
    rows = [_row(results["poisons"][poisoning.key(p)]) for p in poisons.poisons()]
    columns = (
        "what is poisoned",
        "share of the rows",
        *(f"validate, {n} a day" for n in CUSTOMERS.values()),
        "by which checks",
        "validate without them",
        "monitor: alert",
        "model of it, average precision",
    )
    clean = [_clean_row(title, results["clean"][title]) for title in poisons.CLEAN]
    return (
        f"{document.POISONED}\n\n{head}\n{cells.table(columns, rows)}\n\n"
        f"{cells.table(CLEAN_HEAD, clean)}\n\n"
        f"{_clean(results)}\n"
    )


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    streams = one["validate"]
    every = [s for some in streams.values() for s in some]
    names = sorted({name for s in every for name in s["new"]})
    of = " of the frauds" if one["hides"] else ""
    losses = [c["relative"] for c in one["comparison"]]
    words = sorted({c["word"] for c in one["comparison"]})
    alerts = sum(m["alert"] for m in one["monitor"])
    return (
        one["title"],
        f"{one['share']:.0%}{of}",
        *(_seen(streams[str(customers)], "new") for customers in CUSTOMERS),
        ", ".join(f"`{n}`" for n in names) or "none",
        _seen(every, "old"),
        f"{alerts} of {len(one['monitor'])}",
        f"{_range(losses)}: {', '.join(words)}",
    )


def _range(values: Sequence[float]) -> str:
    low, high = f"{min(values):+.1%}", f"{max(values):+.1%}"
    return low if low == high else f"{low} to {high}"


def _seen(streams: Sequence[Mapping[str, Any]], which: str) -> str:
    return f"{sum(bool(s[which]) for s in streams)} of {len(streams)}"


def _clean_row(title: str, one: Mapping[str, Any]) -> tuple[str, ...]:
    every = [s for some in one.values() for s in some]
    names = sorted({name for s in every for name in s["new"]})
    checks = ", ".join(f"`{n}`" for n in names) or "none"
    return title, _seen(every, "new"), checks, _seen(every, "old")


def _clean(results: Mapping[str, Any]) -> str:
    every = [s for some in results["clean"]["nothing changes"].values() for s in some]
    flagged = sum(bool(s["new"]) for s in every)
    low, high = scoring.ends(flagged, len(every))
    alerts = sum(m["alert"] for m in results["clean_monitor"])
    losses = [c["relative"] for c in results["clean_comparison"]]
    return (
        f"False flags of validate where nothing changes: {flagged} of {len(every)} streams of nine months "
        f"({low:.1%} to {high:.1%}). Of the monitor: an alert on {alerts} of {len(results['clean_monitor'])} "
        f"streams of 14 days. The same clean data with another seed: {_range(losses)} of "
        "average precision."
    )


def put(page: str, part: str) -> str:
    """The page with its part on poisoned data replaced, or added at its end."""
    before = page.partition(document.POISONED)[0]
    return before.rstrip() + "\n\n" + part


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few streams; nothing is written")
    parser.add_argument("--fresh", action="store_true", help="judge all again")
    arguments = parser.parse_args()
    kept = Kept(cache() / "poisoning.jsonl", fresh=arguments.fresh)
    if arguments.quick:
        for poison in poisons.poisons()[:2]:
            found = kept.of(
                f"quick {poisoning.key(poison)}",
                lambda p=poison: poisoning.checks(300, SEEDS[0], (p.shock,)),
            )
            print(poison.title, found)
        return
    results = figures(kept, SEEDS, CLEAN_SEEDS, POPULATIONS)
    write_json(FIGURES, results)
    PAGE.write_text(put(PAGE.read_text(encoding="utf-8"), text(results)), encoding="utf-8")
    print(text(results))


if __name__ == "__main__":
    main()
