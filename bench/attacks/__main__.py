"""Plays each attack as a pull request in a clone, and prints what the gate and the comment say.

`python -m bench.attacks [WORD ...]`: those whose family or name holds a word; all without. Exit code 1
where one attack passes with a green verdict, or one control is refused.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from bench.attacks import catalogue
from bench.attacks.edits import Attack
from tests import project as projects
from tests.project import Project
from tests.rehearsal import base as rehearsal
from tests.usecases import delivery_rows

QUIET = {"MLFLOW_TRACKING_URI": "off"}
BASE = "attacks-base"
COMMAND = ("python", "-m", "plumbline")


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
        return (self.verdict == "yes") == (self.attack.family == "control")


def make(folder: Path) -> Project:
    """The project with both tables, run, accepted and tagged."""
    project = projects.make(folder, ["diabetes"])
    projects.add_usecase(project, catalogue.DELIVERIES)
    table = project.path / catalogue.CSV
    delivery_rows.write(table, delivery_rows.rows(rehearsal.FIRST, rehearsal.DAYS))
    (project.path / "profiles" / f"{catalogue.DELIVERIES}.json").write_text("{}\n")
    (project.path / "profiles" / f"{catalogue.DELIVERIES}.history.csv").touch()
    with (project.path / "params.yaml").open("a") as params:
        params.write(yaml.safe_dump({catalogue.DELIVERIES: rehearsal.SECTION}))
    project.set(
        {"usecases": [catalogue.DELIVERIES, catalogue.DIABETES], "diabetes.tune.max_evals": 0}
    )
    project.repro(env=QUIET)
    project.run(*COMMAND, "accept", catalogue.DELIVERIES)
    project.repro(env=QUIET)
    project.commit("base")
    project.run("git", "tag", BASE)
    return project


def play(base: Project, folder: Path, usecase: str, attack: Attack) -> Result:
    """The attack with the worse model, run and judged as a pull request is."""
    folder.mkdir()
    base.run("cp", "-a", "--reflink=auto", str(base.path), str(folder / "project"))
    project = Project(folder / "project")
    if attack.family != "control":
        catalogue.PAYLOAD[usecase](project)
    attack.edit(project)
    log, change = folder / "repro.log", folder / "change.json"
    log.write_text(project.run("dvc", "repro", "--no-run-cache", env=QUIET, ok=False))
    if attack.after:
        attack.after(project)
    project.commit(attack.what)
    if attack.after:
        log.write_text(project.run("dvc", "repro", "--no-run-cache", env=QUIET, ok=False))
    words = ("compare", BASE, "--committed", "--json", str(change), "--log", str(log))
    printed = project.run(*COMMAND, *words, ok=False)
    if not change.exists():
        return Result(usecase, attack, "error", printed.strip().splitlines()[-1], ())
    gate = json.loads(change.read_text())["gate"]
    kinds = tuple(dict.fromkeys(reason["kind"] for reason in gate["reasons"]))
    return Result(usecase, attack, gate["verdict"], printed.splitlines()[-2], kinds)


def main(words: list[str]) -> int:
    """Play them, two at a time."""
    plan = [(name, one) for name, some in catalogue.attacks().items() for one in some]
    plan += [(catalogue.DELIVERIES, one) for one in catalogue.controls()]
    wanted = [
        p for p in plan if not words or any(w in f"{p[1].family}: {p[1].what}" for w in words)
    ]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="attacks-") as built, ThreadPoolExecutor(2) as pool:
        root = Path(built)
        (root / "base").mkdir()
        base = make(root / "base")
        places = [root / str(number) for number in range(len(wanted))]
        tasks = [
            pool.submit(play, base, place, *one) for place, one in zip(places, wanted, strict=True)
        ]
        results = []
        for task in tasks:
            results.append(task.result())
            print(shown(results[-1]), flush=True)
    wrong = [one for one in results if not one.right]
    attacks = [one for one in results if one.attack.family != "control"]
    refused = sum(one.right for one in attacks)
    print(
        f"\n{refused} of {len(attacks)} attacks refused; "
        f"{len(results) - len(attacks) - sum(o.attack.family == 'control' for o in wrong)} of "
        f"{len(results) - len(attacks)} controls pass; {time.monotonic() - began:.0f} s"
    )
    return int(bool(wrong))


def shown(result: Result) -> str:
    """A line of the table."""
    sign = "ok " if result.right else "NO "
    start = f"{sign}{result.attack.family:9}{result.usecase:11}{result.attack.what}"
    return f"{start}\n     {result.verdict} ({', '.join(result.kinds)}): {result.line[:160]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
