"""Git's command: the one way to it. An edge: starts processes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.runtime import child_process

QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false")
"""Options before the command: no hook runs, no advice is printed."""
TIMEOUT = 10.0
"""Seconds that `answer` waits."""
LAST_LINES = 20


def output(
    root: Path, *words: str, data: bytes | None = None, env: Mapping[str, str] | None = None
) -> bytes:
    """What the command prints; PlumblineError with git's own message where it fails.

    `data`: its standard input; `env`: variables beside this process's.
    """
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *words],
            input=data,
            env={**os.environ, **(env or {})},
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise PlumblineError("git: no such command; install git") from None
    if done.returncode:
        raise PlumblineError(
            f"git {_command(words)}: {done.stderr.decode(errors='replace').strip()}"
        )
    return done.stdout


def text(root: Path, *words: str, env: Mapping[str, str] | None = None) -> str:
    """What the command prints, as text without space around it."""
    return output(root, *words, env=env).decode(errors="replace").strip()


def lines(root: Path, *words: str) -> list[str]:
    """The lines that the command prints, as they are."""
    return output(root, *words).decode(errors="replace").splitlines()


def names(root: Path, *words: str) -> list[str]:
    """The file names that a command with `-z` prints."""
    return [name for name in output(root, *words).decode(errors="replace").split("\0") if name]


def answer(*words: str, root: Path = Path("."), timeout: float | None = TIMEOUT) -> str | None:
    """What the command prints, as text; None where it fails, hangs or is not installed."""
    try:
        done = subprocess.run(
            ["git", *words], cwd=root, capture_output=True, text=True, timeout=timeout, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def guarded(root: Path, *words: str) -> None:
    """Run a command that ends with this process, however that ends; PlumblineError where it fails."""
    printed: list[str] = []
    if child_process.run(["git", *words], root, os.environ, printed.append):
        raise PlumblineError(f"git {_command(words)}: " + " ".join(printed[-LAST_LINES:]))


def _command(words: tuple[str, ...]) -> str:
    """The command's name, behind its options.

    >>> _command((*QUIET, "clone", "-q"))
    'clone'
    """
    options = [i + 2 for i, word in enumerate(words) if word == "-c"]
    return words[max(options, default=0)]
