"""Prints how fast the card-payments simulator is, and its peak memory: `python -m bench.simulator [rows]`."""

from __future__ import annotations

import argparse
import resource
import time
from datetime import date

from sources.card_fraud.simulator import simulate

PER_CUSTOMER = 378  # payments of a customer from January to June


def main() -> None:
    """About 10 million payments by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("payments", nargs="?", type=int, default=10_000_000)
    wanted = parser.parse_args().payments
    customers = max(1, wanted // PER_CUSTOMER)
    settings = {"customers": customers, "terminals": customers}
    started = time.perf_counter()
    rows = sum(t.num_rows for t in simulate(settings, date(2025, 1, 1), date(2025, 7, 1), seed=7))
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{rows:,} payments in {seconds:.1f} s: {rows / seconds:,.0f} a second, peak {peak:,.0f} MB"
    )


if __name__ == "__main__":
    main()
