"""Replay of a long log: rows equal over three champions, seconds of CPU and peak memory per million rows.

`python -m bench.replay --rows 1000000` serves nothing by HTTP: three small bundles of parcels score drawn events one
request after the other, and a real log keeps them; then they are replayed, from the log and sealed.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import chdir
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.ops.replay import replaying
from plumbline.ops.serving import places
from plumbline.serve.log.prediction_log import PredictionLog
from plumbline.serve.online import answers, checks
from plumbline.serve.online.scorer import CompiledScorer
from plumbline.serve.protocols import LoggedEvent
from plumbline.serve.routes import arms
from tests import replays
from tests.boosting import parcels
from tests.routed import store_of

START = datetime(2025, 3, 1)
WAVE = 500


def main() -> int:
    """Serve, replay the log, seal it, replay the sealed days; 1 where a row is not equal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        root = Path(folder)
        md5s = served(root, rows)
        wrong = replayed(root, md5s, "log")
        replays.seal(root, now=date(2027, 1, 1))
        return int(replayed(root, md5s, "sealed days") + wrong > 0)


def served(root: Path, count: int) -> list[str]:
    """A log of so many answers, a third by each of three champions; the bundles' md5s."""
    folder, usecase = places.folder(root, "parcels"), parcels()
    store, md5s = store_of(folder, replays.bundles(root / "made"))
    scorers = [CompiledScorer(arms.load(store.model(md5), usecase)) for md5 in md5s]
    log = PredictionLog(folder / "log", usecase)
    for first in range(0, count, WAVE):
        numbers = range(first, min(first + WAVE, count))
        place = 3 * first // count
        log.append(list(_rows(scorers[place], md5s[place], numbers, count)))
        log.flush()
    log.close()
    return md5s


def _rows(scorer: CompiledScorer, md5: str, numbers: range, count: int) -> Iterator[LoggedEvent]:
    random = np.random.default_rng(numbers[0])
    events = [_event(random, number, count) for number in numbers]
    pasts = [(float(value),) for value in random.integers(50, 150, len(numbers))]
    writer = answers.AnswerWriter("number", scorer.bundle, "champion", md5)
    for event, past, one in zip(events, pasts, scorer.score(events, pasts), strict=True):
        at = (event["at"] - datetime(1970, 1, 1)) // timedelta(microseconds=1)
        yield LoggedEvent(
            sequence=event["number"] + 1, received=at, request_id="bench", key=event["number"],
            digest=checks.digest(event), event=event, aggregates=past, computed=one.computed, derived=one.derived,
            raw=one.raw, score=one.score, alarm=one.alarm, decision=None, action="alarm" if one.alarm else "none",
            propensity=1.0, arm="champion", mode="live", route_version=1, bundle=md5,
            definitions=scorer.definitions, watermark=event["number"], flags=(), micros=500,
            answer=writer.write(event["number"], one),
        )  # fmt: skip


def _event(random: np.random.Generator, number: int, count: int) -> dict[str, Any]:
    return {
        "number": number,
        "at": START + timedelta(days=30) * (number / count),
        "sender": int(random.integers(0, 1_000)),
        "height": int(random.integers(1, 200)),
        "kind": ("box", "tube")[int(random.integers(0, 2))],
        "worth": int(random.integers(0, 5_000)),
    }


def replayed(root: Path, md5s: list[str], what: str) -> int:
    """Replay all rows, and print what that took; the rows that differ."""
    started = time.process_time()
    report = replaying.replayed(parcels(), replays.sources(root), replays.admitted(root, md5s))
    seconds = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{what}: {report.equal:,} of {report.rows:,} rows of {len(report.bundles)} champions equal to the bit, "
        f"{1e6 * seconds / report.rows:.0f} microseconds of CPU a row, peak of the process {peak:.2f} GB"
    )
    return report.differing


if __name__ == "__main__":
    sys.exit(main())
