"""All seven stages on worlds of 1, 10, 35 and 100 million simulated payments.

`make bench-large`, or one size per call: `python -m bench.large --sizes 10 --results large.json`. Each size is a
copy of the project in a folder of its own, params as shipped but for the source and the direct join; each stage
runs by `dvc repro --no-commit` (outs are hashed, but not copied to DVC's cache) with the memory of `--memory`.
The payments are made first, which is not counted. Results are added to a JSON file stage by stage; a call with
the same arguments and `--folder` goes on with the first stage that is missing. At the end the table, the
exponents and the plot are made of all sizes in the file.

100 million events need about 60 GB of disk and some hours on two processors.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from bench.large import measured, plot, processes, records, worlds
from bench.large.measured import Place
from plumbline.core import machine
from plumbline.core.errors import PlumblineError

SIZES = (1.0, 10.0, 35.0, 100.0)
LEAST_MONTHS = 5


def main(words: Sequence[str] | None = None) -> int:
    """1 where a stage of one of the sizes failed."""
    chosen = _arguments(words)
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="plumbline-large-"))
    try:
        through = [_size(folder, _setting(chosen, size), chosen.results) for size in chosen.sizes]
    finally:
        if not (chosen.keep or chosen.folder):
            shutil.rmtree(folder, ignore_errors=True)
    known = records.read(chosen.results)
    print("\n".join(records.lines(known)))
    if chosen.plot and known:
        plot.draw(chosen.plot, known, _bytes(chosen.memory) / processes.MB)
        print(f"wrote {chosen.plot}")
    return int(not all(through))


def _size(folder: Path, setting: Mapping[str, Any], results: Path) -> bool:
    """Measure what is missing of one size; whether all stages are through."""
    place = Place((folder / f"{setting['millions']:g}-million").resolve())
    world = measured.prepare(place, setting)
    records.keep(results, world)
    print(f"{world.events:,} events in {place.folder}", flush=True)
    last = world
    for last in measured.measured(place, world):
        records.keep(results, last)
        stage, cost = list(last.stages.items())[-1]
        spent = f"{cost.wall:.1f} s, {cost.cpu:.1f} s of CPU, {cost.resident:,.0f} MB"
        print(f"{stage}: {spent}", flush=True)
    return last.whole is not None


def _setting(chosen: argparse.Namespace, size: float) -> dict[str, Any]:
    return {
        "millions": size,
        "months": chosen.months,
        "memory": chosen.memory,
        "set": dict(chosen.set),
    }


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--sizes", type=float, nargs="*", default=SIZES, help="million events; none: only show")
    add("--months", type=int, default=12, help="that the events are spread over")
    add("--memory", default="8GB", help="of a stage, as PLUMBLINE_MEMORY")
    add("--set", type=_param, nargs="*", default=[], help="params, e.g. tune.max_evals=0")
    add("--folder", type=Path, help="of the copies, which stay; default: a temporary one")
    add("--keep", action="store_true", help="leave the temporary folder as well")
    add("--results", type=Path, default=Path("large.json"), help="JSON that is added to")
    add("--plot", type=Path, help="PNG of all sizes in the results")
    chosen = parser.parse_args(words)
    if any(size <= 0 for size in chosen.sizes) or chosen.months < LEAST_MONTHS:
        parser.error(f"expected sizes above 0, and {LEAST_MONTHS} months or more for the windows")
    try:
        _bytes(chosen.memory)
    except PlumblineError as error:
        parser.error(str(error))
    return chosen


def _param(text: str) -> tuple[str, Any]:
    key, sign, value = text.partition("=")
    if not sign:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected KEY=VALUE")
    return f"{worlds.USECASE}.{key}", yaml.safe_load(value)


def _bytes(memory: str) -> int:
    return machine.amount(memory, "--memory")


if __name__ == "__main__":
    raise SystemExit(main())
