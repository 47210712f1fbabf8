"""Promotions over HTTP: planted worse models, equal ones, and kills: `python -m bench.promotions`.

A copy of the checkout is served while clients send 200 events a second. Each model is committed to the copy's main, in
dvc.lock and DVC's cache as a run would have done it, and promoted by `plumbline promote` with its defaults. A worse one
must be refused, answer at most 5 % of the entities, and be gone within 60 seconds of its first answer; the equal one
must become champion, too where the command is killed (SIGKILL) `--kills` times on its way. Prints a line of JSON per
model; exits with 1 where one ends otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.planted_bundles import WORSE, Workshop
from bench.served_copy import Clients, ServedCopy, served
from plumbline.core import dvc_hash, tables, usecase_loader
from plumbline.model import bundle
from plumbline.ops.hosting import accepted
from plumbline.ops.promotion import promotion_records
from plumbline.repo import artifacts, object_stores
from plumbline.repo.artifacts import Role
from plumbline.serve import scoring

SHARE, SECONDS = 5, 60.0
"""What a worse model may answer, percent of the entities, and for how long."""


@dataclass
class Commits:
    """The main of a copy of the project: each model becomes a commit there, accepted."""

    root: Path
    usecase: str
    folder: Path

    def git(self, *words: str) -> str:
        """Git in the copy."""
        line = ["git", "-c", "user.name=bench", "-c", "user.email=bench@localhost", *words]
        done = subprocess.run(line, cwd=self.root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, kind: str, model: Path) -> str:
        """A commit whose dvc.lock records the model, and the scores that it gives to the test table."""
        name, root = self.usecase, self.root
        report = artifacts.path(name, Role.EVALUATE_REPORT, root)
        changed = self.folder / f"report-{kind}".replace(" ", "-")
        shutil.copytree(report, changed)
        self._rescored(model, changed / "predictions.parquet")
        for role, folder in ((Role.BUNDLE, model), (Role.EVALUATE_REPORT, changed)):
            declared = artifacts.declared(name, role, root)
            assert declared is not None
            self._record(declared, folder)
        self.git("commit", "-q", "-m", kind, "dvc.lock")
        commit = self.git("rev-parse", "HEAD")
        self.git("update-ref", accepted.REF, commit)
        return commit

    def _rescored(self, model: Path, path: Path) -> None:
        loaded = bundle.load(model, self.usecase)
        table = pq.read_table(path)
        test = tables.read(artifacts.path(self.usecase, Role.TEST_TABLE, self.root))
        key = usecase_loader.load_features(self.usecase).key
        labelled = np.isin(test[key], table[key].to_numpy())  # evaluate scores no others
        test = {name: values[labelled] for name, values in test.items()}
        score = loaded.predict(test)
        decided = loaded.decisions_of(test, score)
        for column, values in ((scoring.SCORE, score), (scoring.DECISION, decided)):
            if values is not None and column in table.column_names:
                place = table.column_names.index(column)
                table = table.set_column(place, column, pa.array(np.asarray(values).tolist()))
        pq.write_table(table, path)

    def _record(self, declared: str, folder: Path) -> None:
        """The folder's objects in the cache, and its md5 in dvc.lock in the place of the one that is there."""
        files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
        md5s = {name: dvc_hash.md5(path) for name, path in files.items()}
        cache = object_stores.settings(self.root).folder()
        for name, path in files.items():
            _copy(path.read_bytes(), Path(cache.locate(md5s[name])))
        listing = dvc_hash.manifest_bytes(md5s)
        md5 = dvc_hash.manifest_md5(md5s)
        _copy(listing, Path(cache.locate(md5)))
        lock = self.root / "dvc.lock"
        lines, at = lock.read_text().splitlines(), -1
        for place, line in enumerate(lines):
            if line.strip() == f"- path: {declared}":
                at = place
            elif at >= 0 and place - at <= 3 and line.strip().startswith("md5: "):
                lines[place] = f"{line[: line.index('md5:')]}md5: {md5}"
        lock.write_text("\n".join(lines) + "\n")


def _copy(data: bytes, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        target.write_bytes(data)


def main() -> None:
    """Promote every model, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("usecase", nargs="?", default="card_fraud")
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--worse", nargs="*", default=list(WORSE), choices=WORSE)
    parser.add_argument("--kills", type=int, default=20, help="of the equal model's promotion")
    given = parser.parse_args()
    failed = False
    with (
        tempfile.TemporaryDirectory(prefix="plumbline-bench-") as name,
        served(Path("."), given.usecase, Path(name)) as copy,
    ):
        commits = prepared(copy, Path(name))
        for kind, model in proposals(given, Path(name)):
            result = promoted(copy, commits.commit(kind, model), kind, given)
            print(json.dumps(result), flush=True)
            failed |= not result["passed"]
    sys.exit(int(failed))


def prepared(copy: ServedCopy, folder: Path) -> Commits:
    """The copy's default remote is the checkout's cache, which is only read."""
    cache = object_stores.settings(Path(".")).cache
    config = (
        f"[core]\n    remote = checkout\n['remote \"checkout\"']\n    url = {cache.resolve()}\n"
    )
    (copy.root / ".dvc" / "config.local").write_text(config)
    commits = Commits(copy.root, copy.usecase, folder)
    commits.git("remote", "remove", "origin")
    return commits


def proposals(given: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Path]]:
    """Each model's kind and folder."""
    shop = Workshop.of(Path("."), given.usecase)
    for kind in (*given.worse, "equal"):
        yield kind, shop.make(kind, folder / kind.replace(" ", "-"))


def promoted(copy: ServedCopy, commit: str, kind: str, given: argparse.Namespace) -> dict[str, Any]:
    """One promotion of a service that starts anew with the checkout's bundle."""
    shutil.rmtree(copy.root / ".plumbline", ignore_errors=True)
    copy.start()
    clients = Clients(copy, given.rate)
    began = time.monotonic()

    async def work() -> int:
        sending = asyncio.create_task(clients.run())
        await asyncio.sleep(1.0)
        kills = given.kills if kind == "equal" else 0
        code = await asyncio.to_thread(command, copy, commit, kills)
        clients.stop()
        await sending
        return code

    code = asyncio.run(work())
    promotion = promotion_records.last(copy.root, copy.usecase)
    assert promotion is not None
    history = (copy.root / ".plumbline/serve" / copy.usecase / "journal.jsonl").read_text()
    copy.stop()
    own = [a for a in clients.answers if a.bundle == promotion.bundle and a.arm == "canary"]
    shares = [
        arm["weight"]
        for line in history.splitlines()
        for arm in json.loads(line)["routes"]["arms"]
        if arm["bundle"] == promotion.bundle
    ]
    errors = clients.lost + [a.text for a in clients.answers if a.status != 200]
    served_for = own[-1].at - own[0].at if own else 0.0
    worse = kind != "equal"
    passed = (code, promotion.status) == ((1, "failed") if worse else (0, "promoted"))
    judged = not worse or promotion.reason.startswith(("golden: ", "shadow: ", "canary: "))
    once = history.count('"what":"canary passed"') == int(not worse)
    bounded = not worse or (max(shares, default=0) <= SHARE and served_for <= SECONDS)
    return {
        "model": kind, "status": promotion.status, "reason": promotion.reason, "seconds": round(time.monotonic() - began, 1),
        "largest_share": max(shares, default=0), "served_seconds": round(served_for, 1), "answers": len(clients.answers),
        "errors": len(errors), "passed": passed and judged and once and bounded and not errors,
    }  # fmt: skip


def command(copy: ServedCopy, commit: str, kills: int) -> int:
    """`plumbline promote`, killed so many times at a random moment; the exit code of the last."""
    chance = Random(1)
    line = [sys.executable, "-m", "plumbline", "promote", copy.usecase]
    for number in range(kills):
        rev = [commit] if number == 0 else []
        with subprocess.Popen([*line, *rev], cwd=copy.root, stdout=subprocess.DEVNULL) as process:
            try:
                process.wait(2.0 + 5.0 * chance.random())
            except subprocess.TimeoutExpired:
                process.kill()
    return copy.run("promote", copy.usecase, *([] if kills else [commit])).returncode


if __name__ == "__main__":
    main()
