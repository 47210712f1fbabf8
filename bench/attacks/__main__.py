"""Plays each attack as a pull request in a clone, and prints what the gate and the comment say.

`python -m bench.attacks [WORD ...]`: those whose use case, family or name holds a word; all without. `--kept
FOLDER`: the projects to begin with are made once and stay there. Commands start by fork (tests/warm); COLD=1
starts a new Python for each, which takes three times as long. Exit code 1 where one attack is not refused, or
one control is.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from bench.attacks import catalogue, patients
from bench.attacks.edits import Attack
from bench.attacks.subjects import BOTH, CSV, DELIVERIES, DIABETES, PAYLOAD, REASON, TRAIN
from tests import project as projects
from tests.project import Project
from tests.rehearsal import base as rehearsal
from tests.usecases import delivery_rows

QUIET = {"MLFLOW_TRACKING_URI": "off"}
BASE = "attacks-base"
COMMAND = ("python", "-m", "plumbline")
REFUSED = ("no", "failed", "error")
REPRO = ("dvc", "repro")


@dataclass(frozen=True)
class Result:
    """What came of one: the verdict, the first line, the kinds of the reasons."""

    usecase: str
    attack: Attack
    verdict: str
    line: str
    kinds: tuple[str, ...]

    @property
    def right(self) -> bool:
        """An attack is refused, a control passes."""
        return self.verdict in (("yes",) if self.attack.family == "control" else REFUSED)


def make(folder: Path) -> Project:
    """The project with both tables, run, accepted and tagged."""
    project = projects.make(folder, ["diabetes"], warm=True)
    projects.add_usecase(project, DELIVERIES)
    table = project.path / CSV[DELIVERIES]
    delivery_rows.write(table, delivery_rows.rows(rehearsal.FIRST, rehearsal.DAYS))
    patients.write(project.path / CSV[DIABETES])
    (project.path / "profiles" / f"{DELIVERIES}.json").write_text("{}\n")
    (project.path / "profiles" / f"{DELIVERIES}.history.csv").touch()
    with (project.path / "params.yaml").open("a") as params:
        gate = {"gate": {"override": REASON}}
        params.write(yaml.safe_dump({DELIVERIES: {**rehearsal.SECTION, **gate}}))
    changes = {"usecases": [DELIVERIES, DIABETES], f"{DIABETES}.tune.max_evals": 0}
    project.set({**changes, f"{DIABETES}.gate": {"override": REASON}, f"{DIABETES}.train": TRAIN})
    project.repro(env=QUIET)
    for name in BOTH:
        project.run(*COMMAND, "accept", name)
    project.repro(env=QUIET)
    project.commit("base")
    project.run("git", "tag", BASE)
    return project


def worse(base: Project, folder: Path, usecase: str) -> Project:
    """A copy of base with the worse model of a use case, run and not committed: where its attacks begin."""
    project = copied(base, folder)
    PAYLOAD[usecase](project)
    project.repro(env=QUIET)
    return project


def copied(project: Project, folder: Path) -> Project:
    """The same in another folder."""
    project.run("cp", "-a", "--reflink=auto", str(project.path), str(folder))
    return Project(folder, warm=True)


def starts(root: Path) -> dict[str, Project]:
    """Base ("") and the worse model of each use case, in folders of `root`; those that are there are taken."""
    names = ("", *BOTH)
    folders = {name: root / (name or "base") for name in names}
    if not folders[""].exists():
        folders[""].mkdir(parents=True)
        make(folders[""])
    base = Project(folders[""], warm=True)
    for name in BOTH:
        if not folders[name].exists():
            worse(base, folders[name], name)
    return {name: Project(folder, warm=True) for name, folder in folders.items()}


def play(start: Project, folder: Path, usecase: str, attack: Attack) -> Result:
    """The attack on a copy of its start, run and judged as a pull request is."""
    folder.mkdir()
    project = copied(start, folder / "project")
    attack.edit(project)
    (folder / "tmp").mkdir()
    env = {**QUIET, "TMPDIR": str(folder / "tmp")}
    log, change = folder / "repro.log", folder / "change.json"
    log.write_text(project.run(*REPRO, env=env, ok=False))
    if attack.after:
        attack.after(project)
    project.commit(attack.what)
    if attack.after:
        log.write_text(project.run(*REPRO, env=env, ok=False))
    if attack.before:
        attack.before(project)
    words = ("compare", BASE, "--committed", "--json", str(change), "--log", str(log))
    printed = project.run(*COMMAND, *words, env=env, ok=False)
    if not change.exists():
        return Result(usecase, attack, "error", printed.strip().splitlines()[-1], ())
    gate = json.loads(change.read_text())["gate"]
    kinds = tuple(dict.fromkeys(reason["kind"] for reason in gate["reasons"]))
    return Result(usecase, attack, gate["verdict"], _first_line(printed), kinds)


def _first_line(printed: str) -> str:
    """What `compare` says: the line before the one that names the file."""
    return printed.strip().splitlines()[-2]


def wanted(words: Sequence[str]) -> list[tuple[str, Attack]]:
    """Those of the catalogue whose use case, family or name holds a word."""
    return [
        (name, one)
        for name, one in catalogue.everything()
        if not words or any(word in f"{name} {one.family}: {one.what}" for word in words)
    ]


def results(plan: Sequence[tuple[str, Attack]], jobs: int, kept: Path | None) -> Iterator[Result]:
    """Each as soon as it and those before it have ended."""
    with tempfile.TemporaryDirectory(prefix="attacks-") as built, ThreadPoolExecutor(jobs) as pool:
        root = Path(built)
        begin = starts(kept or root / "starts")
        places = [root / str(number) for number in range(len(plan))]
        yield from pool.map(lambda pair: _played(begin, *pair), zip(places, plan, strict=True))


def _played(begin: Mapping[str, Project], place: Path, one: tuple[str, Attack]) -> Result:
    usecase, attack = one
    plain = attack.alone or attack.family == "control"
    try:
        return play(begin["" if plain else usecase], place, usecase, attack)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def main() -> int:
    """Play them, and print a line for each, and the counts by family."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--kept", type=Path, help="folder where the projects to begin with stay")
    parser.add_argument("--jobs", type=int, default=2, help="at a time")
    chosen = parser.parse_args()
    began = time.monotonic()
    played = []
    for one in results(wanted(chosen.words), chosen.jobs, chosen.kept):
        played.append(one)
        print(shown(one), flush=True)
    print("\n" + "\n".join(counts(played)) + f"\n{time.monotonic() - began:.0f} s")
    return int(not all(one.right for one in played))


def counts(played: Sequence[Result]) -> Iterator[str]:
    """By family and verdict: a table in Markdown."""
    verdicts = (*REFUSED, "overridden", "yes")
    yield f"| family | tried | {' | '.join(verdicts)} | as it should be |"
    yield "|---" * (len(verdicts) + 3) + "|"
    for family in dict.fromkeys(one.attack.family for one in played):
        own = [one for one in played if one.attack.family == family]
        by = [str(sum(one.verdict == verdict for one in own)) for verdict in verdicts]
        right = sum(one.right for one in own)
        yield f"| {family} | {len(own)} | {' | '.join(by)} | {right} |"


def shown(result: Result) -> str:
    """A line of the table."""
    sign = "ok " if result.right else "NO "
    start = f"{sign}{result.attack.family:9}{result.usecase:11}{result.attack.what}"
    return f"{start}\n     {result.verdict} ({', '.join(result.kinds)}): {result.line[:200]}"


if __name__ == "__main__":
    sys.exit(main())
