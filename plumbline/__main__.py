"""`python -m plumbline COMMAND`: what a person runs beside `dvc repro`."""

from __future__ import annotations

import argparse
import sys

from plumbline import runner
from plumbline.commands import (
    accept,
    compare,
    features,
    gate,
    gc,
    new,
    push,
    registry,
    report,
    reproduce,
    rollback,
    ui,
    verify,
)
from plumbline.errors import PlumblineError

COMMANDS = (
    accept,
    compare,
    features,
    gate,
    gc,
    new,
    push,
    registry,
    report,
    reproduce,
    rollback,
    ui,
    verify,
)


def main(words: list[str] | None = None) -> int:
    """Run one command; its exit code. A mistake of the user's is one message and code 2."""
    runner.prepare()
    parser = argparse.ArgumentParser(prog="python -m plumbline", description=__doc__)
    parsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(parsers)
    chosen = parser.parse_args(words)
    try:
        code: int | None = chosen.run(chosen)
    except (PlumblineError, OSError) as error:
        print(f"plumbline {chosen.command}: {runner.told(error)}", file=sys.stderr)
        return PlumblineError.exit_code
    return code or 0


if __name__ == "__main__":
    sys.exit(main())
