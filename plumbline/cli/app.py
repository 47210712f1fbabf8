"""The command `plumbline`: its groups, its help, its exit codes."""

from __future__ import annotations

import functools
import os
import select
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from plumbline.cli import (
    experiments,
    feedback,
    history,
    hooks,
    load_tests,
    manifests,
    models,
    operations,
    project,
    promotions,
    replays,
    review,
    routes,
    run,
    served_rows,
    serving,
    storage,
    studies,
    tables,
    training_studies,
)
from plumbline.core.errors import PlumblineError

GROUPS = (
    run.group,
    tables.group,
    manifests.group,
    project.group,
    review.group,
    history.group,
    models.registered,
    hooks.group,
    studies.group,
    training_studies.group,
    operations.group,
    load_tests.group,
    serving.group,
    served_rows.group,
    feedback.group,
    replays.group,
    routes.group,
    promotions.group,
    experiments.group,
    models.group,
    storage.group,
)

PIPE_CLOSED = 128 + 13
"""The exit code where the reader of the output has gone: a shell's for SIGPIPE."""

HELP = """Reproduce, review, roll back and watch machine-learning models.

Run it from the root of a project, beside `dvc repro`, which computes data, models and reports."""

EPILOG = """\b
Examples:
  plumbline compare main --json reports/change.json
  plumbline rollback model-v1
  plumbline COMMAND --help

\b
Exit codes:
  0    done; nothing was found that should not be there
  1    something was found, or a change, model or output is refused
  2    bad input, or a problem that you can fix: one message on standard error
  130  interrupted by Ctrl-C
  141  the reader of the output has gone, as in `| head -1`
"""


class Commands(TyperGroup):
    """Lists the commands by group, in plain text."""

    def titles(self) -> dict[str, list[str]]:
        """The names of each group's commands, in alphabetical order."""
        titles: dict[str, list[str]] = {group.title: [] for group in GROUPS}
        for name, command in sorted(self.commands.items()):
            titles[str(getattr(command, "rich_help_panel", None))].append(name)
        return titles

    def list_commands(self, _ctx: Any) -> list[str]:
        """Group by group."""
        return [name for names in self.titles().values() for name in names]

    def format_commands(self, _ctx: Any, formatter: Any) -> None:
        """A section of the help for each group."""
        width = max(map(len, self.commands))
        for title, names in self.titles().items():
            rows = [(n.ljust(width), self.commands[n].get_short_help_str(200)) for n in names]
            with formatter.section(title):
                formatter.write_dl(rows)


def finish(code: int | None, **_: object) -> None:
    """End with the code that a command returned."""
    raise typer.Exit(code or 0)


app = typer.Typer(
    name="plumbline",
    cls=Commands,
    help=HELP,
    epilog=EPILOG,
    no_args_is_help=True,
    result_callback=finish,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for _group in GROUPS:
    app.add_typer(_group.app)


def version(wanted: bool) -> None:
    """Print the version and end, with --version."""
    if wanted:
        from plumbline.model.version import VERSION

        print(f"plumbline {VERSION}")
        raise typer.Exit


@app.callback()
def prepare(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Before any command: quiet libraries, the project's own modules importable."""
    from plumbline.runtime import runner

    runner.prepare()
    here = str(Path.cwd())
    if "" not in sys.path and here not in sys.path:
        sys.path.insert(0, here)


@functools.cache
def command_line() -> Commands:
    """The whole command line as an object: its commands by name, with their options."""
    group = typer.main.get_command(app)
    assert isinstance(group, Commands)
    for command in group.commands.values():  # also for one that is looked at by itself
        command.context_settings = {**group.context_settings, **command.context_settings}
    return group


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code. A problem that the user can fix is one message and code 2.

    Where the reader of the output has gone, as in `| head -1`, it ends without a message.
    """
    try:
        code = _run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        if not _reader_gone():
            raise
        code = PIPE_CLOSED
    if code == 1 and _reader_gone():  # what typer makes of it
        code = PIPE_CLOSED
    if code == PIPE_CLOSED:
        _silence()
    return code


def _run(arguments: list[str]) -> int:
    try:
        command_line().main(arguments, prog_name="plumbline")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except (PlumblineError, OSError) as error:
        from plumbline.core.safe_text import log_lines
        from plumbline.runtime import runner

        message = f"plumbline {arguments[0]}: {runner.message(error)}"
        print(log_lines(message), file=sys.stderr)
        return PlumblineError.exit_code
    return 0


def _reader_gone() -> bool:
    """Whether standard output, or error, is a pipe that nobody reads any more."""
    poll = select.poll()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # a stream without a file, or closed
            poll.register(stream.fileno(), 0)
    return any(events & select.POLLERR for _, events in poll.poll(0))


def _silence() -> None:
    """Send what is still to be written nowhere, so that the interpreter's end does not fail on it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            os.dup2(nowhere, stream.fileno())
