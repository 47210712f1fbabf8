"""What DVC was started with, from the processes above a stage: DVC does not pass its options on to it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from plumbline.runtime.preflight import SHELLS

EXPERIMENTS = ("exp", "experiments")
HARMLESS = {
    "-v",
    "-vv",
    "--verbose",
    "-q",
    "--quiet",
    "-P",
    "--all-pipelines",
    "-k",
    "--keep-going",
}
"""Options of a run of the whole graph, as it is without them."""


def above() -> list[str] | None:
    """The words after `dvc` of the process that started this one, past shells; None where it is not DVC."""
    for name, words in _linux() if sys.platform == "linux" else _parents():
        if name not in SHELLS:
            return after_dvc(words)
    return None


def _linux() -> Iterator[tuple[str, list[str]]]:
    """Name and command line of each process above, as the kernel shows them: psutil's import takes longer."""
    process = os.getppid()
    while process:
        folder = Path("/proc") / str(process)
        line = (folder / "cmdline").read_bytes().decode(errors="replace")
        before, _, after = (folder / "stat").read_text(errors="replace").rpartition(")")
        yield before.partition("(")[2], line.split("\0")[:-1]
        process = int(after.split()[1])


def _parents() -> Iterator[tuple[str, list[str]]]:
    import psutil

    for parent in psutil.Process().parents():
        yield parent.name(), parent.cmdline()


def after_dvc(words: Sequence[str]) -> list[str] | None:
    """A command line's words after `dvc`; None where it has none.

    >>> after_dvc(["python", "-m", "dvc", "repro", "-f"])
    ['repro', '-f']
    """
    names = [Path(word).stem for word in words]
    return list(words[names.index("dvc") + 1 :]) if "dvc" in names else None


def options(words: Sequence[str]) -> list[str] | None:
    """What follows `repro`, or `exp run`; None for any other command.

    >>> options(["-v", "exp", "run", "-S", "seed=1"])
    ['-S', 'seed=1']
    """
    for i, word in enumerate(words):
        if word == "repro":
            return list(words[i + 1 :])
        if word == "run" and i and words[i - 1] in EXPERIMENTS:
            return list(words[i + 1 :])
    return None


def executes(words: Sequence[str]) -> bool:
    """Whether stages must run: `--force`, `--force-downstream`, `--no-run-cache`, or a command not known here.

    >>> executes(["repro", "-sf", "train"]), executes(["repro", "--no-run-cache"]), executes(["repro"])
    (True, True, False)
    """
    given = options(words)
    return given is None or any(
        word.startswith(("--f", "--no-r")) or re.match(r"-[^-]*f", word) for word in given
    )


def whole(words: Sequence[str]) -> bool:
    """Whether it is a `repro` of all stages.

    >>> whole(["repro", "-q"]), whole(["repro", "train@a"]), whole(["exp", "run"])
    (True, False, False)
    """
    return "repro" in words and HARMLESS.issuperset(options(words) or ())
