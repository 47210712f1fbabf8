"""A project moved to a newer library, with a team's edits in it; a use case dropped, and brought back.

`python -m bench.upgrade_project` builds this tree's wheel and that of a made-up next version (another number, a
comment in `plumbline/features`, another Makefile), starts a project from the first, runs it, edits what a team edits,
and moves it to the second. It prints whether the stages refused the newer library before `plumbline upgrade`, whether each
edit is still there, which stages ran again, and whether the tests and the lock's check pass. Then it drops the use case,
rolls back to before, and to after. Exit code 1 where one of these is not so.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.init_tables import TABLES, Run, write
from plumbline.model.version import VERSION
from tests import installed

NEXT = "99.0.0"
CHANGES = {
    "plumbline/model/version.py": (VERSION, NEXT),
    "plumbline/features/splits.py": ('"""', '"""Newer. '),
    "plumbline/ops/init/template/Makefile.txt": ("\ntest:\n", "\n# the library's line\ntest:\n"),
}
EDITS = {
    "Makefile": ("\nsync:\n", "\n# our line\nsync:\n"),
    "dvc.yaml": ("# Seven stages", "# Our seven stages"),
    "stages/train.py": ("from plumbline.runtime", "# our stage\nfrom plumbline.runtime"),
    "params.yaml": ("seed: 7", "seed: 8"),
    "README.md": ("# ", "# Our "),
    "requirements.txt": ("aiobotocore==", "# our lock\naiobotocore=="),
}
"""By file, a text and what stands in its place, once."""

Check = tuple[str, bool]


def edit(root: Path, changes: dict[str, tuple[str, str]]) -> None:
    """Replace each file's text once."""
    for name, (old, new) in changes.items():
        text = (root / name).read_text()
        assert old in text, name
        (root / name).write_text(text.replace(old, new, 1))


def next_version(first: Path, folder: Path) -> Path:
    """The programs of an environment with the made-up next version."""
    shutil.copytree(first / "source", folder / "source")
    edit(folder / "source", CHANGES)
    return installed.programs(installed.build(folder))


def upgraded(run: Run, programs: Path) -> Iterator[Check]:
    """The project, as `run` left it, moved to the library of `programs`."""
    edit(run.folder, EDITS)
    run.commit("Our edits")
    run.programs = programs
    refused = not run.step("refused", "dvc", "repro", "-f", "-s", "train@diabetes")
    yield "the stages refuse the newer library", refused and "plumbline sync" in run.stops.pop()
    yield "upgrade shows what it would rewrite", run.step("upgrade", "plumbline", "upgrade")
    yield "upgrade writes it", run.step("upgrade", "plumbline", "upgrade", "--apply")
    kept = [new in (run.folder / name).read_text() for name, (_, new) in EDITS.items()]
    yield f"edits kept: {sum(kept)} of {len(kept)}", all(kept)
    yield "the library's line is there", "library's line" in (run.folder / "Makefile").read_text()
    yield "the tests pass", run.step("tests", "make", "test")
    well = run.step("repro", "dvc", "repro")
    ran = [line.split("'")[1] for line in run.answer.splitlines() if line.startswith("Running")]
    yield f"ran again: {', '.join(name.partition('@')[0] for name in ran)}", well
    run.commit("A newer library")
    yield "dvc.lock is what the files give", run.step("gate", "plumbline", "gate", "--lock-only")


def dropped(run: Run) -> Iterator[Check]:
    """The use case dropped, then back before and after it."""
    yield "drop", run.step("drop", "plumbline", "drop", "diabetes")
    run.commit("Drop it")
    run.step("git", "git", "tag", "dropped")
    for rev in ("dropped~1", "dropped"):
        yield f"rollback to {rev}", run.step("rollback", "plumbline", "rollback", rev)


def main() -> int:
    """Both, in a folder that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="plumbline-upgrade-") as scratch:
        first, second, folder = (Path(scratch) / name for name in ("first", "second", "project"))
        for path in (first, second, folder):
            path.mkdir()
        run = Run(folder, installed.programs(installed.wheel(first)))
        table = next(table for table in TABLES if table.name == "diabetes")
        words = ("plumbline", "init", ".", "--from", str(write(table, Path(scratch))))
        well = run.step("init", *words, *table.options, "--commit")
        well = well and run.step("first model", "make", "repro") and run.commit("First model")
        checks: list[Check] = [("a first model", well)]
        checks += upgraded(run, next_version(first, second)) if well else ()
        checks += dropped(run) if well else ()
    for text, held in checks:
        print(f"{'yes' if held else 'NO '}  {text}")
    print("\n".join(run.stops))
    return 0 if all(held for _, held in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
