"""`python -m plumbline COMMAND`: what a person runs beside `dvc repro`."""

from __future__ import annotations

import argparse
import sys

from plumbline import runner
from plumbline.commands import (
    accept,
    audit,
    compare,
    features,
    gate,
    gc,
    issue,
    new,
    propose,
    publish,
    registry,
    release,
    report,
    reproduce,
    retrain,
    rollback,
    ui,
    verify,
)
from plumbline.errors import PlumblineError

COMMANDS = (
    accept,
    audit,
    compare,
    features,
    gate,
    gc,
    issue,
    new,
    propose,
    publish,
    registry,
    release,
    report,
    reproduce,
    retrain,
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
    except PlumblineError as error:
        print(f"plumbline {chosen.command}: {error}", file=sys.stderr)
        return error.exit_code
    return code or 0


if __name__ == "__main__":
    sys.exit(main())
