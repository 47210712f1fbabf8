"""From `pip install` to the verdict on a first pull request, on five tables, each in an empty folder of its own.

`python -m bench.init_tables [TABLE ...]` builds the library's wheel, installs it in a new environment that sees the
locked packages, and for each table runs what a new user runs: `plumbline init`, `make repro`, `plumbline accept`, a
branch with one changed line of params.yaml, `dvc repro`, `plumbline compare` and `plumbline gate`. Nothing is
edited by hand. It prints rows, machine time, the commands that failed, and both verdicts; exit code 1 where a command
fails. Diabetes and breast cancer come with scikit-learn, doctor's visits and carbon dioxide with statsmodels;
FLIGHTS_CSV names the file that sources/flights/README.md describes, without which flights is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests import installed
from tests.project import environment

QUIET = {"MLFLOW_TRACKING_URI": "off"}
CHANGE = ("  train:\n", "  train:\n    params: {alpha: 1.0}\n")
"""The one line of the pull request: L1 regularisation."""
LAST_LINES = 12


@dataclass(frozen=True)
class Table:
    """A table and the words after `--from FILE`."""

    name: str
    options: tuple[str, ...]


TABLES = (
    Table("flights", ("--label", "arr_delay")),
    Table("diabetes", ("--label", "target")),
    Table("breast_cancer", ("--label", "target")),
    Table("randhie", ("--label", "mdvis")),
    Table("co2", ("--label", "co2", "--time", "date")),
)


@dataclass
class Run:
    """What a run in one folder has come to: wall and processor seconds by step, commands that failed, the last answer."""

    folder: Path
    programs: Path
    seconds: dict[str, tuple[float, float]] = field(default_factory=dict)
    stops: list[str] = field(default_factory=list)
    answer: str = ""

    def step(self, step: str, *words: str, refused: bool = False) -> bool:
        """Run a command and note its time; whether it ended well. `refused`: exit code 1 is an answer, too."""
        before = spent()
        path = f"{self.programs}{os.pathsep}{os.environ['PATH']}"
        env = {**environment(self.folder), **QUIET, "PATH": path}
        env.pop("PYTHONPATH")
        done = subprocess.run(
            words, cwd=self.folder, env=env, capture_output=True, text=True, check=False
        )
        kept = self.seconds.get(step, (0.0, 0.0))
        wall, processor = (
            k + now - then for k, now, then in zip(kept, spent(), before, strict=True)
        )
        self.seconds[step] = (wall, processor)
        self.answer = done.stdout.strip()
        well = done.returncode == 0 or (refused and done.returncode == 1)
        if not well:
            lines = (done.stdout + done.stderr).strip().splitlines()[-LAST_LINES:]
            self.stops.append(f"{' '.join(words)}:\n" + "\n".join(lines))
        return well

    def commit(self, message: str) -> bool:
        """Commit all that git sees."""
        return self.step("git", "git", "add", "-A") and self.step(
            "git", "git", "commit", "-q", "--allow-empty", "-m", message
        )


def spent() -> tuple[float, float]:
    """Wall seconds, and the processor's in programs that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter(), used.ru_utime + used.ru_stime


def write(table: Table, folder: Path) -> Path | None:
    """The table as a CSV file; None where it is not there."""
    target = folder / f"{table.name}.csv"
    if table.name == "flights":
        source = os.environ.get("FLIGHTS_CSV")
        return Path(shutil.copyfile(source, target)) if source else None
    if table.name in ("diabetes", "breast_cancer"):
        from sklearn import datasets

        options = {"scaled": False} if table.name == "diabetes" else {}
        bunch = getattr(datasets, f"load_{table.name}")(as_frame=True, **options)
        bunch.frame.to_csv(target, index_label="id")
        return target
    import statsmodels.datasets

    home = Path(statsmodels.datasets.__file__).parent / table.name
    return Path(shutil.copyfile(home / f"{table.name}.csv", target))


def to_verdict(run: Run, table: Table, file: Path) -> bool:
    """All that a new user does, up to the gate; whether every command ended well."""
    words = ("plumbline", "init", ".", "--from", str(file), *table.options, "--commit")
    return (
        run.step("init", *words)
        and run.step("first model", "make", "repro")
        and run.step("first model", "plumbline", "accept", table.name)
        and run.step("first model", "dvc", "repro")
        and run.commit("First model")
        and run.step("git", "git", "switch", "-q", "-c", "change")
        and changed(run.folder / "params.yaml")
        and run.step("change", "dvc", "repro")
        and run.commit("L1 regularisation")
        and run.step("verdict", "plumbline", "compare", "main", "--json", "reports/change.json")
        and run.step("verdict", "plumbline", "gate", "reports/change.json", refused=True)
    )


def changed(params: Path) -> bool:
    """Change the one line."""
    text = params.read_text()
    params.write_text(text.replace(*CHANGE, 1))
    return CHANGE[0] in text


def lines(run: Run, table: Table, rows: int) -> Iterator[str]:
    """The result in lines."""
    wall, processor = (sum(values) / 60 for values in zip(*run.seconds.values(), strict=True))
    parts = ", ".join(f"{step} {cpu:.0f}" for step, (_, cpu) in run.seconds.items())
    yield f"{table.name}: {rows:,} rows, {len(run.stops)} stops, no line edited by hand"
    yield f"  {processor:.1f} minutes of processor time ({parts} s), {wall:.1f} by the clock"
    yield from (f"  stopped at {stop}" for stop in run.stops)
    evaluated = run.folder / "metrics" / table.name / "evaluate.json"
    if evaluated.exists():
        gate = json.loads(evaluated.read_text())["gate"]
        yield f"  model: {gate['verdict']}: {'; '.join(gate['reasons'])}"
    if not run.stops:
        yield from (f"  pull request: {line}" for line in run.answer.splitlines())


def main(arguments: list[str]) -> int:
    """Every table, or those that are named."""
    parser = argparse.ArgumentParser(prog="python -m bench.init_tables")
    parser.add_argument("tables", nargs="*", metavar="TABLE", help="of those that are named above")
    parser.add_argument("--keep", type=Path, help="the folder to work in, which stays")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="plumbline-init-") as scratch:
        base = (options.keep or Path(scratch)).absolute()
        (base / "wheel").mkdir(parents=True)
        programs = installed.programs(installed.wheel(base / "wheel"))
        results = [
            one(base, programs, table)
            for table in TABLES
            if table.name in (options.tables or [t.name for t in TABLES])
        ]
    return 0 if all(results) else 1


def one(base: Path, programs: Path, table: Table) -> bool:
    """One table in a folder of its own; whether it came to a verdict."""
    file = write(table, base)
    if file is None:
        print(f"{table.name}: FLIGHTS_CSV is not set: left out")
        return True
    folder = base / f"{table.name}_project"
    folder.mkdir()
    run = Run(folder, programs)
    well = to_verdict(run, table, file)
    rows = sum(1 for _ in file.open()) - 1
    for line in lines(run, table, rows):
        print(line, flush=True)
    return well


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
