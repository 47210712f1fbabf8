"""Canaries over HTTP: planted worse models, and equal ones: `python -m bench.serving_canary`.

A copy of the checkout is served while clients send 200 events a second. Each model is proposed by
`plumbline canary` with its defaults. A worse one must be aborted within 60 seconds; the same bundle under another
name, and models of other seeds, must pass. Prints a line of JSON per model; exits with 1 where one ends otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.planted_bundles import WORSE, Workshop
from bench.served_copy import Clients, ServedCopy, served
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role

LIMIT = 60.0


def main() -> None:
    """Propose every model, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("usecase", nargs="?", default="card_fraud")
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--equal", type=int, default=20, help="how many equal models")
    parser.add_argument("--worse", nargs="*", default=list(WORSE), choices=WORSE)
    given = parser.parse_args()
    failed = False
    with (
        tempfile.TemporaryDirectory(prefix="plumbline-bench-") as name,
        served(Path("."), given.usecase, Path(name)) as copy,
    ):
        for kind, model in proposals(given, Path(name)):
            result = proposed(copy, kind, model, given.rate)
            print(json.dumps(result), flush=True)
            failed |= not result["passed"]
    sys.exit(int(failed))


def proposals(given: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Path]]:
    """Each model's kind and folder; the first equal one is the champion itself."""
    shop = Workshop.of(Path("."), given.usecase)
    for kind in given.worse:
        yield kind, shop.make(kind, folder / kind.replace(" ", "-"))
    if given.equal:
        yield "the same bundle", artifacts.path(given.usecase, Role.BUNDLE)
    for seed in range(1, given.equal):
        yield f"equal, seed {seed}", shop.make("equal", folder / f"equal-{seed}", seed)


def proposed(copy: ServedCopy, kind: str, model: Path, rate: float) -> dict[str, Any]:
    """One canary of a service that starts anew with the checkout's bundle."""
    shutil.rmtree(copy.root / ".plumbline", ignore_errors=True)
    copy.start()
    clients = Clients(copy, rate)
    result: dict[str, Any] = {}

    async def work() -> None:
        sending = asyncio.create_task(clients.run())
        await asyncio.sleep(2.0)
        words = ("canary", copy.usecase, str(model.resolve()), "--detach")
        started = await asyncio.to_thread(copy.run, *words)
        if started.returncode:
            raise SystemExit(started.stderr)
        began = time.monotonic()
        state = {"status": "running"}
        while state["status"] == "running":
            await asyncio.sleep(0.5)
            answer = await asyncio.to_thread(copy.call, {"do": "canary"})
            state = answer["canary"]
        result.update(seconds=round(time.monotonic() - began, 1), **state)
        clients.stop()
        await sending

    asyncio.run(work())
    copy.stop()
    expected = "aborted" if kind in WORSE else "passed"
    errors = clients.lost + [a.text for a in clients.answers if a.status != 200]
    in_time = result["seconds"] <= LIMIT or expected == "passed"
    return {
        "model": kind,
        "end": result["status"],
        "seconds": result["seconds"],
        "reason": result["reason"],
        "lines": result["lines"],
        "answers": len(clients.answers),
        "errors": len(errors),
        "passed": result["status"] == expected and in_time and not errors,
    }


if __name__ == "__main__":
    main()
