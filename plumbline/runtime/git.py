"""Git's command: the one way to it, the same whatever a user's git configuration says. An edge: starts processes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.runtime import child_process

QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false")
"""Options before the command: no hook runs, no advice is printed."""
PLAIN = {
    "core.autocrlf": "false", "core.eol": "lf", "core.safecrlf": "false", "core.quotePath": "false",
    "core.fsmonitor": "false", "core.pager": "cat", "core.warnAmbiguousRefs": "true",
    "color.ui": "false", "color.branch": "false", "color.diff": "false", "color.status": "false",
    "column.ui": "never", "diff.noprefix": "false", "diff.mnemonicPrefix": "false",
    "diff.relative": "false", "diff.renames": "true", "i18n.commitEncoding": "utf-8",
    "i18n.logOutputEncoding": "utf-8", "log.follow": "false", "log.showRoot": "true",
    "log.showSignature": "false", "status.renames": "true", "status.showUntrackedFiles": "normal",
    "fetch.prune": "false", "fetch.pruneTags": "false", "push.followTags": "false",
}  # fmt: skip
"""Settings of a user's that would change what is read here, or the bytes that are checked out."""
OWN_PROGRAMS = ("--no-ext-diff", "--no-textconv")
"""Options of the commands that would run a user's diff programs."""
COMPARING = ("diff", "log", "show")
WITHOUT = (
    "; this command reads the project's history: clone the repository, or start one with "
    "`git init && git add -A && git commit`. Without git these work: `plumbline verify`, `features`, `clean`, "
    "single stages (`python -m stages.NAME`), and `dvc repro` after `dvc config --local core.no_scm true`"
)
"""What is added to git's message where there is no repository."""
PROMISED = "promisor remote"
"""In git's message where a partial clone cannot fetch what it left out."""
PARTIAL = (
    "; this is a partial clone (`git clone --filter`), and git could not fetch what it left out: connect, or "
    "complete it where the remote can be reached: `git config --unset remote.origin.partialCloneFilter && git "
    "fetch --refetch`"
)
TIMEOUT = 10.0
"""Seconds that `answer` waits."""
LAST_LINES = 20


def output(
    root: Path, *arguments: str, data: bytes | None = None, env: Mapping[str, str] | None = None
) -> bytes:
    """What the command prints; PlumblineError with git's own message where it fails.

    `data`: its standard input; `env`: variables beside this process's.
    """
    try:
        done = subprocess.run(
            _line(root, arguments),
            input=data,
            env={**os.environ, **(env or {})},
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise PlumblineError("git: no such command; install git") from None
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip()
        raise PlumblineError(_message(root, arguments, reason))
    return done.stdout


def text(root: Path, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """What the command prints, as text without space around it."""
    return output(root, *arguments, env=env).decode(errors="replace").strip()


def lines(root: Path, *arguments: str) -> list[str]:
    """The lines that the command prints, as they are."""
    return output(root, *arguments).decode(errors="replace").splitlines()


def names(root: Path, *arguments: str) -> list[str]:
    """The file names that a command with `-z` prints."""
    return [name for name in output(root, *arguments).decode(errors="replace").split("\0") if name]


def answer(*arguments: str, root: Path = Path("."), timeout: float | None = TIMEOUT) -> str | None:
    """What the command prints, as text; None where it fails, hangs or is not installed."""
    try:
        done = subprocess.run(
            _line(root, arguments),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def guarded(root: Path, *arguments: str) -> None:
    """Run a command that ends with this process, however that ends; PlumblineError where it fails."""
    printed: list[str] = []
    if child_process.run(_line(root, arguments), root, os.environ, printed.append):
        reason = " ".join(printed[-LAST_LINES:])
        raise PlumblineError(_message(root, arguments, reason))


def here(root: Path = Path(".")) -> bool:
    """Whether there is a repository around the folder, one that git may refuse to read included."""
    folder = root.absolute()
    return "GIT_DIR" in os.environ or any((p / ".git").exists() for p in (folder, *folder.parents))


def require(root: Path) -> None:
    """PlumblineError with git's own message where it cannot read the repository at all."""
    text(root, "rev-parse", "--git-dir")


def _message(root: Path, arguments: tuple[str, ...], reason: str) -> str:
    """Git's message, and what helps where there is no repository, or only a part of one."""
    added = PARTIAL if PROMISED in reason else "" if here(root) else WITHOUT
    return f"git {_command(arguments)}: {reason}{added}"


def _line(root: Path, arguments: tuple[str, ...]) -> list[str]:
    """The whole command line, with what makes it independent of a user's configuration."""
    settings = [word for key, value in PLAIN.items() for word in ("-c", f"{key}={value}")]
    first = _start(arguments)
    options = OWN_PROGRAMS if arguments[first] in COMPARING else ()
    return [
        *("git", "-C", str(root), "--no-pager", "--no-replace-objects", *settings),
        *arguments[: first + 1],
        *options,
        *arguments[first + 1 :],
    ]


def _command(arguments: tuple[str, ...]) -> str:
    """The command's name, behind its options.

    >>> _command((*QUIET, "clone", "-q"))
    'clone'
    """
    return arguments[_start(arguments)]


def _start(arguments: tuple[str, ...]) -> int:
    """Where the command stands, behind its options."""
    return max((i + 2 for i, word in enumerate(arguments) if word == "-c"), default=0)
