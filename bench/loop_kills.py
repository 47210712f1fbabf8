"""Kill each arrow of the loop in its middle, once, and go on by the same command: `python -m bench.loop_kills`.

The rehearsal's project (bench/year), served by HTTP. SIGKILL to the service while it appends; to `plumbline seal` with a
day half written; to `dvc repro` in the data stage; to `plumbline retrain` at its commit; to `plumbline promote` as a
shadow, in the canary, and as the champion changes. After each the same command runs again. Printed: whether it was
killed in the middle, and what shows that nothing is lost and nothing there twice. Exits with 1 where something is.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from bench.year import project as projects
from bench.year import rehearsal as rehearsals
from bench.year import world
from bench.year.calendar import Year
from bench.year.project import CASE, CommandError, Project
from bench.year.traffic import Client
from bench.year.training import ROUNDS
from plumbline.ops.serving import places
from plumbline.serve.log.reader import LogReader
from plumbline.serve.protocols import LoggedEvent

SEALED = f"sources/{CASE}/sealed"
DAYS = 9
"""Served before the first kill: a model is overdue more than a week after its windows."""
YEAR = replace(rehearsals.YEAR, fault=90, pattern=95)
"""Nothing is planted in its first days."""
FIRST = {f"{CASE}.train.rounds": 1, f"{CASE}.train.params": {"max_depth": 1}}
"""The first champion is one stump, so that the gate lets the retrained model through."""
AMOUNTS = ("amount_cents", "size_over_customer", "size_over_terminal", "size_over_expected")
SECOND = {
    f"{CASE}.train.rounds": ROUNDS,
    f"{CASE}.train.params": {},
    f"{CASE}.train.monotone": dict.fromkeys(AMOUNTS, 1),
}
"""The retrained one; its answers rise with the amount, as its expected behaviours want."""
AGE = 36
"""Days of its shelf life: more than a new model has, and less than the champion."""
PROMOTED = {"alarms": 100.0, "decisions": 0.95, "level": 0.97, "moved": 0.9}
"""Limits that let a model pass that is so unlike the champion: here the kills count."""


@dataclass(frozen=True)
class Killed:
    """One arrow: whether SIGKILL came while it was at work, and what is wrong afterwards ("" where nothing is)."""

    arrow: str
    killed: bool
    shown: str
    wrong: str = ""


def killed(project: Project, line: list[str], when: Callable[[], bool]) -> bool:
    """Start a command, kill it with all that it started as soon as `when` holds; False where it ended before."""
    process = subprocess.Popen(
        [sys.executable, "-m", *line], cwd=project.root, env=projects.environment(project.root),
        start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while process.poll() is None:
        if when():
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return True
        time.sleep(0.005)
    return False


def append(project: Project, client: Client, payments: world.Payments) -> Killed:
    """The service, while a day comes in; its client sends on to the next process."""
    sender = threading.Thread(target=client.day, args=(payments,))
    client.rate = 200.0
    sender.start()
    time.sleep(1.0)
    assert project.process is not None
    running = project.process.poll() is None
    project.process.kill()
    project.process.wait()
    client.address = project.serve()
    sender.join()
    client.rate = 0.0
    client.day(payments)  # every event again: answered from the log, or for the first time
    rows = list(LogReader(places.log(project.root, CASE)).rows())
    keys = [r.key for r in rows if isinstance(r, LoggedEvent) and r.mode == "live"]
    lost = set(payments.sent["payment_id"].tolist()) - set(keys)
    gapless = [r.sequence for r in rows] == list(range(1, len(rows) + 1))
    wrong = f"{len(lost)} lost; {len(keys) - len(set(keys))} twice; gapless: {gapless}"
    good = not lost and len(keys) == len(set(keys)) and gapless
    return Killed("log: append", running, f"{len(keys)} events, each once", "" if good else wrong)


def seal(project: Project) -> Killed:
    """`plumbline seal`, once a file of the day is there; compared with a seal of the same log that nobody killed."""
    folder = project.root / SEALED
    before = set(_files(folder))
    hit = killed(project, ["plumbline", "seal", CASE], lambda: set(_files(folder)) != before)
    project.plumbline("seal", CASE)
    names = sorted(p.name for p in folder.glob("*.dvc"))
    own = {p.name: _sha(p) for p in folder.glob("*.parquet")}
    for day in (n.removesuffix(".dvc") for n in names):
        project.plumbline("seal", CASE, day)  # compares each sealed day with the log
    left = [
        p.name for p in folder.iterdir() if not p.name.endswith((".dvc", ".parquet", ".gitignore"))
    ]
    same = own == {p.name: _sha(p) for p in folder.glob("*.parquet")}
    wrong = "" if same and not left else f"left over: {left}; same bytes: {same}"
    return Killed("log → seal", hit, f"{len(names)} days, equal to the log", wrong)


def data(project: Project) -> Killed:
    """`dvc repro data`, once the stage has begun to write; the out's md5 is that of a run nobody killed."""
    line = ["dvc", "repro", "-q", f"data@{CASE}"]
    raw = project.root / "data" / CASE
    known = set(raw.iterdir())
    hit = killed(project, line, lambda: set(raw.iterdir()) != known)
    project.dvc(*line[1:])
    once = _md5(project, "data")
    project.dvc(
        "repro", "-q", "-f", "-s", f"data@{CASE}"
    )  # without -s DVC lays out the pointers anew
    again = _md5(project, "data")
    wrong = "" if once == again else f"{once} and {again}"
    return Killed("seal → data", hit, f"md5 {once[:8]} of a run that nobody killed", wrong)


def retrain(project: Project, as_of: str, out: Path) -> Killed:
    """`plumbline retrain`, as it makes its commit; the same command makes it again, and the checkout is as committed."""
    shim = out.parent / "shim"
    shim.mkdir()
    real = subprocess.run(
        ["which", "git"], capture_output=True, text=True, check=True
    ).stdout.strip()
    script = f'#!/bin/sh\ncase "$*" in *commit-tree*) touch {shim}/now; sleep 30;; esac\nexec {real} "$@"\n'
    (shim / "git").write_text(script)
    (shim / "git").chmod(0o755)
    path, os.environ["PATH"] = os.environ["PATH"], f"{shim}:{os.environ['PATH']}"
    words = ["plumbline", "retrain", "--as-of", as_of, "--json", str(out)]
    try:
        hit = killed(project, words, (shim / "now").exists)
    finally:
        os.environ["PATH"] = path
    project.git("checkout", "-q", "HEAD", "--", ".")
    project.plumbline(*words[1:], codes=(0, 1))
    (record,) = project.json(str(out))["usecases"]
    dirty = project.git("status", "--porcelain", "--untracked-files=no")
    if record["outcome"] != "challenger":
        raise CommandError(f"retrain: {record['outcome']}: {'; '.join(record['reasons'])}")
    count = project.git("rev-list", "--count", f"HEAD..retrain/{CASE}")
    wrong = "" if not dirty and count == "1" else f"changed: {dirty}; {count} commits"
    return Killed("data → commit", hit, f"one commit, {record.get('commit')}", wrong)


def promote(project: Project) -> Iterator[Killed]:
    """`plumbline promote` as a shadow, in the canary, and at the champion: each time the same command goes on."""
    line = ["plumbline", "promote", CASE]
    for name, first in (("shadow", "shadow"), ("canary", "canary"), ("champion", "replace")):
        hit = killed(project, line, lambda first=first: first in _begun(project))  # type: ignore[misc]
        (last,) = _promotions(project)
        shown = f"killed after {last['steps'][-1]['name']} began; {last['status']}"
        yield Killed(f"promote: {name}", hit and last["status"] == "running", shown)
    done = project.plumbline(*line[1:], codes=(0, 1))
    (last,) = _promotions(project)[-1:]
    names = [s["name"] for s in last["steps"]]
    arms = project.call({"do": "routes"})["routes"]["arms"]
    live = [a["bundle"] for a in arms if a["weight"]]
    good = last["status"] in ("promoted", "already") and len(names) == len(set(names))
    good = good and live == [last["bundle"]] and len(_promotions(project)) == 1
    wrong = "" if good else f"exit {done.code}: {last['status']}: {last['reason']}; {names}; {live}"
    yield Killed("routes", True, f"{last['status']}; each step once: {', '.join(names)}", wrong)


def _promotions(project: Project) -> list[dict[str, Any]]:
    folder = places.folder(project.root, CASE) / "promotions"
    return [json.loads(p.read_text()) for p in sorted(folder.glob("[0-9]*.json"))]


def _begun(project: Project) -> list[str]:
    """The steps of the last promotion that have begun."""
    try:
        return [s["name"] for s in _promotions(project)[-1]["steps"]]
    except (IndexError, OSError, ValueError):
        return []


def _files(folder: Path) -> list[str]:
    return [str(p) for p in folder.rglob("*")] if folder.exists() else []


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _md5(project: Project, stage: str) -> str:
    lock = yaml.safe_load((project.root / "dvc.lock").read_text())["stages"]
    return str(lock[f"{stage}@{CASE}"]["outs"][0]["md5"])


def arrows(folder: Path, year: Year) -> Iterator[Killed]:
    """Every arrow of the loop, one after the other."""
    project = rehearsals.first_champion(folder / "project", year, FIRST)
    client = Client(project.serve())
    days = rehearsals.with_seed(year, client)
    try:
        for _ in range(DAYS):
            client.day(next(days))
        yield append(project, client, next(days))
        yield seal(project)
        project.change({f"{CASE}.data.as_of": str(year.day(DAYS))})
        yield data(project)
        project.git("checkout", "-q", "HEAD", "--", "params.yaml", "dvc.lock", "metrics")
        project.change(SECOND)
        promoted = {**project.params()["serve"]["promote"], **PROMOTED}
        project.change({f"{CASE}.monitor.shelf_life_days": AGE, "serve.promote": promoted})
        project.commit("Retrain every day")
        out = folder / "retrain.json"
        yield retrain(project, str(year.day(DAYS)), out)
        project.git("merge", "-q", "--ff-only", f"retrain/{CASE}")
        project.dvc("checkout", "-q", "--force")
        with rehearsals.coming(client, days):
            yield from promote(project)
    finally:
        project.stop()


def main() -> None:
    """Print a line of JSON per arrow; exit with 1 where something is wrong."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    wrong = False
    with tempfile.TemporaryDirectory(prefix="plumbline-kills-") as folder:
        for one in arrows(Path(folder), YEAR):
            print(json.dumps(asdict(one)), flush=True)
            wrong |= bool(one.wrong) or not one.killed
    sys.exit(int(wrong))


if __name__ == "__main__":
    main()
