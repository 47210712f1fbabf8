"""Plays every scenario, or those named, and prints what a reviewer would see; exit code 1 where one fails."""

from __future__ import annotations

import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.rehearsal import base, retrains, scenarios
from tests.rehearsal.hub import Hub, hub
from tests.rehearsal.reviews import Seen


def main(names: list[str]) -> int:
    """Play them, two at a time; how many failed."""
    known = (*retrains.SCENARIOS, *scenarios.SCENARIOS)  # the longest begin at once
    request = [s for s in known if not names or s.__name__ in names]
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as built, ThreadPoolExecutor(2) as pool:
        (Path(built) / "base").mkdir()
        start = base.make(Path(built) / "base")
        print(f"the base repository was made in {time.monotonic() - started:.0f} s", flush=True)
        results = list(pool.map(lambda s: play(s, start, Path(built)), request))
    seconds, failed = time.monotonic() - started, results.count(False)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    worked = f"{used.ru_utime + used.ru_stime:.0f} s of processor time"
    print(f"\n{len(results)} scenarios in {seconds:.0f} s ({worked}), {failed} failed")
    return failed


def play(scenario: Callable[[Hub], Seen], start: Path, built: Path) -> bool:
    """Play one on a host of its own and print what is seen; whether it went as it must."""
    folder, began = built / scenario.__name__, time.monotonic()
    folder.mkdir()
    try:
        with hub(start, folder) as host:
            report, good = scenario(host).summary(), True
    except Exception:  # noqa: BLE001 (one scenario's end, whatever it is, is not the others')
        report, good = f"FAILED\n{traceback.format_exc()}", False
    head = f"{scenario.__name__}: {(scenario.__doc__ or '').splitlines()[0]}"
    print(f"\n== {head} ({time.monotonic() - began:.0f} s)\n{report}", flush=True)
    return good


if __name__ == "__main__":
    sys.exit(bool(main(sys.argv[1:])))
