"""DVC's command: the one way to it. An edge: starts processes that end with this one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from plumbline.core import usecase_name
from plumbline.core.errors import PlumblineError
from plumbline.runtime import child_process, dvc_yaml, runner

LAST_LINES = 20
"""Of what DVC printed, those that an error repeats."""


@dataclass(frozen=True)
class Done:
    """An ended command: exit code, and the lines that it printed."""

    code: int
    lines: Sequence[str]

    @property
    def last(self) -> str:
        """The last lines, for an error message."""
        return "\n".join(self.lines[-LAST_LINES:])

    @property
    def errors(self) -> list[str]:
        """The lines with which DVC says what is wrong."""
        return [line for line in self.lines if line.startswith("ERROR")]


def run(
    root: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Done:
    """Run `dvc WORDS` in `root`, whatever comes of it; `progress` receives each line as it is printed.

    `env`: variables beside those of `environment`.
    """
    return run_with(
        Path(sys.executable), root, {**environment(), **(env or {})}, arguments, progress
    )


def run_with(
    python: Path,
    root: Path,
    env: Mapping[str, str],
    arguments: Sequence[str],
    progress: Callable[[str], None] | None = None,
) -> Done:
    """Run the DVC of another Python, with no variables but `env`."""
    if arguments[0] == "repro":
        _refuse_names(root)
    lines: list[str] = []

    def hear(line: str) -> None:
        lines.append(line)
        if progress:
            progress(line)

    code = child_process.run([str(python), "-m", "dvc", *arguments], root, env, hear)
    return Done(code, lines)


def _refuse_names(root: Path) -> None:
    """ParamsError where a use case's name is none: DVC would put it into a shell's command."""
    path = root / dvc_yaml.PARAMS
    try:
        named = dvc_yaml.document(path.read_text(encoding="utf-8"), str(path)).get("usecases")
    except (OSError, ValueError, PlumblineError):
        return  # DVC says what is wrong with it
    usecase_name.check_all(named if isinstance(named, list) else [], f"{dvc_yaml.PARAMS}, usecases")


def check(root: Path, *arguments: str, env: Mapping[str, str] | None = None) -> list[str]:
    """Run `dvc WORDS`; PlumblineError with its last lines where it fails, else what it printed."""
    done = run(root, *arguments, env=env)
    if done.code:
        raise PlumblineError(f"dvc {arguments[0]}: {done.last}")
    return list(done.lines)


def environment(python: Path | None = None) -> dict[str, str]:
    """This process's variables, quiet, its own Python (or another) first: the one that the stages' commands find."""
    first = (python or Path(sys.executable)).parent
    path = f"{first}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {**os.environ, **runner.QUIET, "PATH": path}
