"""A new project around one table: its files, its use case, git and DVC. An edge: writes a folder, whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from plumbline.core import usecase_name
from plumbline.core.errors import PlumblineError
from plumbline.core.files import replacing_folder
from plumbline.ops import new_usecase
from plumbline.ops.init import pin, texts, written
from plumbline.repo import artifacts, environment_files, library_file, state
from plumbline.repo.artifacts import Role
from plumbline.runtime import git, libraries

MESSAGE = "Start from plumbline init"


@dataclass(frozen=True)
class Table:
    """A team's table: its file, the columns with a role, and the use case's name."""

    file: Path
    label: str
    time: str | None
    key: str | None
    usecase: str


def create(folder: Path, table: Table, *, commit: bool = False) -> list[str]:
    """Write the project of a table into `folder`; lines that say what to do next.

    PlumblineError, before anything is written, where the folder is in use or the table cannot be read.
    """
    usecase_name.check(table.usecase, "the use case's name (--name)")
    _refuse_used(folder)
    if not table.file.is_file():
        raise PlumblineError(f"--from {table.file}: no such file; name a CSV or Parquet file")
    with replacing_folder(folder.absolute().parent / f".{folder.absolute().name}.init") as made:
        _write(made, folder.absolute().name, table)
        _move(made, folder)
    state.keep_private(folder)
    if commit:
        git.output(folder, "add", "-A")
        git.output(folder, "commit", "-q", "-m", MESSAGE)
    return _next(folder, table.usecase, commit)


def usecase_of(file: Path) -> str:
    """A use case's name made of a file's.

    >>> usecase_of(Path("My Orders-2024.csv"))
    'my_orders_2024'
    """
    words = re.sub(r"[^a-z0-9]+", "_", file.name.partition(".")[0].lower()).strip("_")
    return words if words[:1].isalpha() else f"table_{words}".rstrip("_")


def write_texts(root: Path, files: Mapping[str, str]) -> None:
    """Write files by path below `root`."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def _refuse_used(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise PlumblineError(f"{folder}: expected a new folder, found a file; choose another name")
    inside = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    if inside:
        raise PlumblineError(
            f"{folder}: expected a new or an empty folder, found {libraries.some(inside)} in it; choose "
            "another name (in a project that is there already: `plumbline new NAME`)"
        )


def _write(root: Path, project: str, table: Table) -> None:
    """All files of the project; nothing of it is outside `root`."""
    files, wheel = texts.upgraded(), pin.installed().wheel
    write_texts(root, {**files, **texts.own(project, table.usecase), **texts.locks()})
    if wheel:
        (root / pin.FOLDER).mkdir()
        shutil.copyfile(wheel, root / pin.FOLDER / wheel.name)
    for name in ("profiles", "metrics"):
        (root / name).mkdir()
    _usecase(root, table)
    written.write(root, files)
    library_file.sync(root)
    git.output(root, "init", "-q", "-b", "main")


def _usecase(root: Path, table: Table) -> None:
    new_usecase.create(table.usecase, root)
    source = artifacts.path(table.usecase, Role.SOURCE, root)
    shutil.copyfile(table.file, source / f"{table.usecase}.csv")


def _move(made: Path, folder: Path) -> None:
    """Put what was made into the folder, which is new or empty: it may be the current one."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in made.iterdir():
        os.rename(path, folder / path.name)


def _next(folder: Path, usecase: str, commit: bool) -> list[str]:
    locked = (folder / texts.LOCKS[0]).read_text(encoding="utf-8")
    used = environment_files.of_stages(folder)
    differing = libraries.differing(used or [locked])
    lines = [f"{folder}: written, with the use case {usecase}; every file is yours to change"]
    if differing:
        lines.append(
            f"the lock names other libraries than are installed ({libraries.some(differing)}): "
            "`make install` first"
        )
    first = "" if commit else "git add -A && git commit -m 'Start' && "
    return [*lines, f"next: cd {folder} && {first}make repro"]
