"""A new project around one table: its files, its use case, git and DVC. An edge: writes a folder, whole or not at all."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.ops import infer
from plumbline.ops.infer.guess import Guess
from plumbline.ops.init import pin, texts, written
from plumbline.repo import artifacts, dvc_command, environment_files, library_file, state
from plumbline.repo.artifacts import Role
from plumbline.runtime import git, libraries

MESSAGE = "Start from plumbline init"
ALLOWED = (".git", ".venv")
"""What may be in the folder: an empty clone, the environment that runs this."""
LARGE = 50_000_000
"""Bytes of a table from which on DVC keeps it, and git only its hash."""


def create(folder: Path, guess: Guess, *, commit: bool = False) -> list[str]:
    """Write the project of an inferred use case into `folder`; lines that say what to do next.

    PlumblineError, before anything is written, where the folder is in use.
    """
    refuse_used(folder)
    here = folder if folder.is_dir() else Path(".")
    if commit and git.answer("var", "GIT_COMMITTER_IDENT", root=here) is None:
        raise PlumblineError(
            "--commit: git does not know who commits; set `git config --global user.name` and user.email, or "
            "leave --commit out"
        )
    whole = folder.absolute()
    whole.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=whole.parent, prefix=f".{whole.name}.") as made:
        _write(Path(made), whole.name, guess)
        _move(Path(made), folder)
    if not (folder / ".git").exists():
        git.output(folder, "init", "-q", "-b", "main")
    state.keep_private(folder)
    _track_large(folder, guess)
    if commit:
        git.output(folder, "add", "-A")
        git.output(folder, "commit", "-q", "-m", MESSAGE)
    return _next(folder, guess.name, commit)


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


def refuse_used(folder: Path) -> None:
    """PlumblineError where the folder is there, with more in it than a repository or an environment."""
    if folder.exists() and not folder.is_dir():
        raise PlumblineError(f"{folder}: expected a new folder, found a file; choose another name")
    names = {path.name for path in folder.iterdir()} if folder.exists() else set()
    inside = sorted(names.difference(ALLOWED))
    if inside:
        raise PlumblineError(
            f"{folder}: expected a new or an empty folder, found {libraries.some(inside)} in it; choose "
            "another name (in a project that is there already: `plumbline new NAME`)"
        )


def _write(root: Path, project: str, guess: Guess) -> None:
    """All files of the project; nothing of it is outside `root`."""
    files, wheel = texts.upgraded(), pin.installed().wheel
    write_texts(root, {**files, **texts.own(project, guess.name), **texts.locks()})
    if wheel:
        (root / pin.FOLDER).mkdir()
        shutil.copyfile(wheel, root / pin.FOLDER / wheel.name)
    for name in ("profiles", "metrics"):
        (root / name).mkdir()
    infer.write(guess, root)
    written.write(root, files)
    library_file.sync(root)


def _move(made: Path, folder: Path) -> None:
    """Put what was made into the folder, which is new or empty: it may be the current one."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in made.iterdir():
        os.rename(path, folder / path.name)


def _track_large(folder: Path, guess: Guess) -> None:
    """Let DVC keep a table that is too large for git."""
    table = artifacts.path(guess.name, Role.SOURCE, folder) / guess.source_name
    if table.stat().st_size >= LARGE:
        dvc_command.check(folder, "add", "-q", str(table.absolute()))


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
    there = "" if folder == Path(".") else f"cd {shlex.quote(str(folder))} && "
    return [*lines, f"next: {there}{first}make repro"]
