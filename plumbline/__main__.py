"""`plumbline COMMAND`: what a person runs beside `dvc repro`."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from types import ModuleType

from plumbline.core.errors import PlumblineError
from plumbline.runtime import runner

COMMANDS = (
    "accept",
    "alert",
    "audit",
    "backtest",
    "baseline",
    "champions",
    "comment",
    "compare",
    "explain",
    "feature-value",
    "features",
    "gate",
    "gc",
    "golden-check",
    "issue",
    "lineage",
    "mlflow-ui",
    "mltest",
    "new",
    "open-monitor",
    "propose",
    "publish",
    "push",
    "registry",
    "release",
    "remote",
    "report",
    "reproduce",
    "resolve",
    "retrain",
    "rollback",
    "scan-pii",
    "sensitivity",
    "verify",
)
"""Modules of plumbline/commands; only the one asked for is imported, with what it needs."""


def main(words: list[str] | None = None) -> int:
    """Run one command; its exit code. A mistake of the user's is one message and code 2."""
    runner.prepare()
    parser = argparse.ArgumentParser(prog="plumbline", description=__doc__)
    parsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in _commands(sys.argv[1:] if words is None else words):
        command.add(parsers)
    chosen = parser.parse_args(words)
    try:
        code: int | None = chosen.run(chosen)
    except (PlumblineError, OSError) as error:
        print(f"plumbline {chosen.command}: {runner.told(error)}", file=sys.stderr)
        return PlumblineError.exit_code
    return code or 0


def _commands(words: list[str]) -> list[ModuleType]:
    """The command that the first word names; all of them where it names none."""
    named = [name for name in COMMANDS if words[:1] == [name]]
    return [import_module(f"plumbline.cli.{name.replace('-', '_')}") for name in named or COMMANDS]


if __name__ == "__main__":
    sys.exit(main())
