"""How a stage starts: quiet libraries, its paths from the command line, one message when it fails."""

from __future__ import annotations

import errno
import inspect
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from plumbline.core import imports, machine
from plumbline.core.errors import PlumblineError
from plumbline.core.safe_text import log_line, log_lines
from plumbline.runtime import cyclic_garbage, keys, preflight, run_records

QUIET = {
    "ANONYMIZED_TELEMETRY": "false",
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "FEAST_USAGE": "False",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_ALLOW_MODEL_CODE_EXECUTION": "false",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MPLBACKEND": "Agg",
    "NML_DISABLE_USAGE_LOGGING": "1",
    "OMP_WAIT_POLICY": "PASSIVE",  # boosting's threads sleep: on a busy machine spinning ones cost 7 times the seconds
}
"""Environment of every stage and command: no telemetry, no unpickling, no window, no spinning."""

FIXABLE = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM),
    *(errno.EIO, errno.EMFILE, errno.ENFILE),
}
"""Errors of the machine that a user can fix: a full disk, a folder without write permission."""

log = logging.getLogger("plumbline")


class SafeFormatter(logging.Formatter):
    """One line per record, whatever data stand in it; an error may have several."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        """The message, without what a terminal or a CI runner would act on."""
        text = super().formatMessage(record)
        return log_lines(text) if record.levelno >= logging.ERROR else log_line(text)


def run(main: Callable[..., None], *, frames: bool = True) -> None:
    """Run a stage's `main(name, *paths)` with the command line's arguments, and exit.

    `frames`: whether it works with pandas; one that does not is spared its import (Spark may need it).

    Exit codes: 0 done, 2 an error that the user can fix (one message, no traceback), 1 anything else.
    """
    prepare()
    keys.withhold()
    stage = Path(sys.argv[0]).stem
    try:
        arguments = parse(main, sys.argv[1:], stage)
        started = time.perf_counter()
        paths = [a for a in arguments.values() if isinstance(a, Path)]
        name = str(next(iter(arguments.values())))
        preflight.begin(name, stage, paths)
        if not frames and machine.engine() == machine.DUCKDB:
            imports.arrow_alone()
        main(**arguments)
        seconds = time.perf_counter() - started
        if run_records.kept():
            run_records.keep(name, stage, seconds)
        log.info("%s: done in %.1f s", stage, seconds)
    except (PlumblineError, OSError) as error:
        log.error("%s: %s", stage, message(error))
        sys.exit(PlumblineError.exit_code)
    if getattr(sys.modules["__main__"], "main", None) is main:  # not where a test calls it
        cyclic_garbage.end_process()


def message(error: PlumblineError | OSError) -> str:
    """The message for the user; an OSError that the user cannot fix is raised again."""
    if isinstance(error, PlumblineError):
        return str(error)
    if error.errno not in FIXABLE:
        raise error
    where = f"{error.filename}: " if error.filename else ""
    return (
        f"{where}{os.strerror(error.errno or 0)}; previous outputs are intact. Free disk space or "
        "fix permissions, then run again."
    )


def prepare() -> None:
    """Set the quiet environment and one-line logs to standard error; call before other imports."""
    os.environ.update(QUIET)
    cyclic_garbage.search_rarely()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(SafeFormatter("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.captureWarnings(True)
    sys.excepthook = traceback_of
    log.setLevel(logging.INFO)


def traceback_of(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    """Print what nobody caught; a message that holds data forges no line of a log."""
    for part in traceback.format_exception(kind, error, trace):
        first, *rest = part.rstrip().split("\n")
        for line in (log_line(first), *(f"  {log_line(line)}" for line in rest)):
            sys.stderr.write(f"{line}\n")


def parse(main: Callable[..., None], arguments: list[str], stage: str) -> dict[str, Any]:
    """The arguments as `main`'s parameters: the first a use case's name, the rest paths."""
    names = list(inspect.signature(main).parameters)
    if len(arguments) != len(names):
        raise PlumblineError(
            f"expected {len(names)} arguments, found {len(arguments)}; "
            f"usage: python -m stages.{stage} {' '.join(n.upper() for n in names)}"
        )
    return {
        names[0]: arguments[0],
        **{n: Path(w) for n, w in zip(names[1:], arguments[1:], strict=True)},
    }
