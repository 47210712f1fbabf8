"""Switches under load, and the red button in every fault: `python -m bench.serving_switches`.

A copy of the checkout is served while clients send events at a fixed rate. First a hundred switches between two
bundles: every answer must be there, and its score must be that of the bundle which it names, scored again from the
histories in the prediction log. Then, with the challenger in use, `plumbline red-button` in each fault: git, MLflow
or DVC gone, no network, the challenger's files damaged, the disk full. Measured is the time from the start of the
command to the last answer of the challenger. Prints a line of JSON per part; exits with 1 where one fails.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.planted_bundles import Workshop
from bench.served_copy import Clients, ServedCopy, served
from plumbline.core import usecase_loader
from plumbline.ops.serving import places
from plumbline.serve.log.reader import LogReader
from plumbline.serve.protocols import LoggedEvent
from plumbline.serve.routes.arms import Arms
from plumbline.serve.routes.bundle_store import BundleStore

LIMIT = 1.0
"""Seconds from the command to the last answer of the old bundle."""
SIZE = "64m"
"""Of the small disk that is filled."""
LOCAL = ("unshare", "--net")
"""What a command without network is started by."""


def main() -> None:
    """Both parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("usecase", nargs="?", default="card_fraud")
    parser.add_argument("--switches", type=int, default=100)
    parser.add_argument("--every", type=float, default=0.2, help="seconds between switches")
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--challenger", type=Path, help="a bundle; one is trained if omitted")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as name:
        folder = Path(name)
        challenger = given.challenger or Workshop.of(Path("."), given.usecase).make(
            "equal", folder / "challenger"
        )
        with served(Path("."), given.usecase, folder) as copy, small_disk(copy) as disk:
            _answer_without_log(copy)
            copy.start()
            old, new = _two(copy, challenger)
            results = [switches(copy, (old, new), given)]
            trial = Trial(copy, new, given.rate, disk)
            results += [pressed(trial, name) for name in FAULTS]
            copy.stop()
    for result in results:
        print(json.dumps(result))
    sys.exit(int(not all(result["passed"] for result in results)))


def _answer_without_log(copy: ServedCopy) -> None:
    """Where the disk is full, the service goes on, and flags its answers."""
    with (copy.root / "params.yaml").open("a") as stream:
        stream.write("\nserve:\n  unlogged: true\n")


def _two(copy: ServedCopy, challenger: Path) -> tuple[str, str]:
    """The md5s of the champion and of the challenger, which is loaded."""
    added = copy.run("routes", copy.usecase, "add", str(challenger.resolve()), "challenger")
    if added.returncode:
        raise SystemExit(added.stderr)
    arms = copy.call({"do": "routes"})["routes"]["arms"]
    return arms[0]["bundle"], arms[1]["bundle"]


def switches(copy: ServedCopy, md5s: tuple[str, str], given: argparse.Namespace) -> dict[str, Any]:
    """So many switches under load."""
    clients = Clients(copy, given.rate)

    async def work() -> None:
        sending = asyncio.create_task(clients.run())
        for turn in range(given.switches):
            await asyncio.sleep(given.every)
            request = {"do": "routes", "action": "switch", "bundle": md5s[1 - turn % 2]}
            await asyncio.to_thread(copy.call, request)
        await asyncio.sleep(given.every)
        clients.stop()
        await sending

    asyncio.run(work())
    copy.stop()
    errors = clients.lost + [a.text for a in clients.answers if a.status != 200]
    wrong = misnamed(copy, clients)
    copy.start()
    return {
        "part": "switches",
        "switches": given.switches,
        "answers": len(clients.answers),
        "of_each": {md5: sum(a.bundle == md5 for a in clients.answers) for md5 in md5s},
        "errors": len(errors),
        "first_errors": errors[:3],
        "scores_not_of_the_bundle_named": wrong,
        "passed": not errors and not wrong and bool(clients.answers),
    }


def misnamed(copy: ServedCopy, clients: Clients) -> int:
    """Answers whose score is not what the bundle that they name gives to the logged histories."""
    place = places.folder(copy.root, copy.usecase)
    usecase = usecase_loader.load_features(copy.usecase)
    arms = Arms(usecase, BundleStore(place))
    loaded = {md5: arms.admit(md5).compiled for md5 in {a.bundle for a in clients.answers}}
    rows = {
        row.key: row
        for row in LogReader(places.log(copy.root, copy.usecase)).rows()
        if isinstance(row, LoggedEvent)
    }
    wrong = 0
    for answer in clients.answers:
        row = rows[answer.key]
        (again,) = loaded[answer.bundle].score([row.event], [row.aggregates])
        wrong += again.score != (answer.score,) or row.bundle != answer.bundle
    return wrong


@dataclass(frozen=True)
class Trial:
    """What is served, which bundle is to be left, the clients' rate, and the small disk, if there is one."""

    copy: ServedCopy
    challenger: str
    rate: float
    disk: Path | None


def pressed(trial: Trial, fault: str) -> dict[str, Any]:
    """The red button with the challenger in use and a fault at hand."""
    copy, challenger = trial.copy, trial.challenger
    copy.call({"do": "routes", "action": "switch", "bundle": challenger})
    clients = Clients(copy, trial.rate)
    result: dict[str, Any] = {}

    async def work() -> None:
        sending = asyncio.create_task(clients.run())
        await asyncio.sleep(1.0)
        with FAULTS[fault](trial) as within:
            result["before"] = time.monotonic()
            done = await asyncio.to_thread(copy.run, "red-button", copy.usecase, within=within)
            result["after"] = time.monotonic()
            await asyncio.sleep(1.0)
            clients.stop()
            await sending
        result["printed"] = done.stdout + done.stderr
        result["code"] = done.returncode

    asyncio.run(work())
    written = _written(copy)
    old = [a.at for a in clients.answers if a.bundle == challenger]
    seconds = max(old) - result["before"]
    bad = [a.text for a in clients.answers if a.status != 200] + clients.lost
    return {
        "part": f"red button, {fault}",
        "seconds_to_the_last_old_answer": round(seconds, 3),
        "seconds_of_the_command": round(result["after"] - result["before"], 3),
        "said_not_on_disk": "not on disk yet" in result["printed"],
        "on_disk_afterwards": written,
        "answers": len(clients.answers),
        "of_each": {
            b: sum(a.bundle == b for a in clients.answers)
            for b in {a.bundle for a in clients.answers}
        },
        "errors": len(bad),
        "first_errors": bad[:2],
        "printed": result["printed"][:600],
        "passed": result["code"] == 0 and seconds <= LIMIT and not bad and written,
    }


def _written(copy: ServedCopy) -> bool:
    """Whether the routes reach the disk within ten seconds of the fault's end."""
    for _ in range(50):
        state = copy.call({"do": "routes"})
        file = places.folder(copy.root, copy.usecase) / "routes.json"
        if not state["unwritten"] and json.loads(file.read_bytes()) == state["routes"]:
            return True
        time.sleep(0.2)
    return False


@contextmanager
def without(copy: ServedCopy, *names: str) -> Iterator[tuple[str, ...]]:
    """While files of the project are gone."""
    gone = [(copy.root / n, copy.root / f"{n}.gone") for n in names if (copy.root / n).exists()]
    for path, aside in gone:
        path.rename(aside)
    try:
        yield ()
    finally:
        for path, aside in gone:
            aside.rename(path)


@contextmanager
def damaged(copy: ServedCopy, challenger: str) -> Iterator[tuple[str, ...]]:
    """While every file of the challenger is rubbish."""
    place = places.folder(copy.root, copy.usecase) / "bundles" / challenger
    files = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    for path in files:
        path.write_bytes(b"\0" * 100)
    try:
        yield ()
    finally:
        for path, content in files.items():
            path.write_bytes(content)


@contextmanager
def full(disk: Path | None) -> Iterator[tuple[str, ...]]:
    """While the disk below the service's folder takes nothing more."""
    if disk is None:
        raise SystemExit("a small disk cannot be mounted here: run as root")
    filler = disk / "filler"
    try:
        with filler.open("wb", buffering=0) as stream:
            while True:
                stream.write(b"\0" * 4096)
    except OSError:
        pass
    try:
        yield ()
    finally:
        filler.unlink()


@contextmanager
def no_network() -> Iterator[tuple[str, ...]]:
    """A command that has no network; the service's is its loopback."""
    can = shutil.which(LOCAL[0]) and not subprocess.run([*LOCAL, "true"], check=False).returncode
    if not can:
        raise SystemExit(f"`{' '.join(LOCAL)}` does not work here: run as root")
    before = dict(os.environ)
    proxies = ("http_proxy", "https_proxy", "all_proxy")
    os.environ.update(dict.fromkeys(proxies, "http://192.0.2.1:9"))  # nobody answers there
    try:
        yield LOCAL
    finally:
        os.environ.clear()
        os.environ.update(before)


Fault = Callable[[Trial], AbstractContextManager[tuple[str, ...]]]
FAULTS: Mapping[str, Fault] = {
    "nothing wrong": lambda here: without(here.copy),
    "git gone": lambda here: without(here.copy, ".git"),
    "MLflow gone": lambda here: without(here.copy, "mlflow.db", "mlruns", "mlartifacts"),
    "DVC gone": lambda here: without(here.copy, ".dvc", "dvc.lock", "dvc.yaml", "models"),
    "network down": lambda _: no_network(),
    "challenger damaged": lambda here: damaged(here.copy, here.challenger),
    "disk full": lambda here: full(here.disk),
}


@contextmanager
def small_disk(copy: ServedCopy) -> Iterator[Path | None]:
    """A small disk below the service's folder; None where it cannot be mounted."""
    place = copy.root / places.FOLDER
    place.mkdir(parents=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)]
    mounted = not subprocess.run(words, check=False, capture_output=True).returncode
    try:
        yield place if mounted else None
    finally:
        copy.stop()
        if mounted:
            subprocess.run(["umount", "-l", str(place)], check=False)


if __name__ == "__main__":
    main()
