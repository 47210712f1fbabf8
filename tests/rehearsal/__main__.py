"""Plays every scenario, or those named, and prints what a reviewer would see; exit code 1 where one fails."""

from __future__ import annotations

import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.rehearsal import base, scenarios
from tests.rehearsal.hub import hub


def main(names: list[str]) -> int:
    """Play them; the number that failed."""
    chosen = [s for s in scenarios.SCENARIOS if not names or s.__name__ in names]
    started, failed = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as made:
        (Path(made) / "base").mkdir()
        start = base.make(Path(made) / "base")
        for scenario in chosen:
            print(
                f"\n== {scenario.__name__}: {(scenario.__doc__ or '').splitlines()[0]}", flush=True
            )
            folder = Path(made) / scenario.__name__
            folder.mkdir()
            began = time.monotonic()
            try:
                with hub(start, folder) as host:
                    print(scenario(host).told())
            except AssertionError:
                failed.append(scenario.__name__)
                traceback.print_exc(file=sys.stdout)
            print(f"({time.monotonic() - began:.0f} s)", flush=True)
    seconds = time.monotonic() - started
    print(f"\n{len(chosen)} scenarios in {seconds:.0f} s; failed: {', '.join(failed) or 'none'}")
    return len(failed)


if __name__ == "__main__":
    sys.exit(bool(main(sys.argv[1:])))
