"""The command on git hooks."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from plumbline.cli.options import CommandGroup, Json, keep_json, say

group = CommandGroup("History")


@group.command("install-hooks", "", "--uninstall")
def install_hooks(
    uninstall: Annotated[
        bool, typer.Option("--uninstall", help="Remove them; hooks from before come back.")
    ] = False,
    json: Json = None,
) -> None:
    """Let `git checkout`, `switch`, `merge`, `pull` and `rebase` bring the outs of the commit, and check them.

    The hooks also name what git does not move: MLflow's champion, the feature store. A hook that is
    there already runs first. PLUMBLINE_HOOKS=0 in the environment switches ours off.
    """
    from plumbline.ops.hooks import install

    hooks = install.uninstall(Path(".")) if uninstall else install.install(Path("."))
    say(install.lines(hooks))
    keep_json(json, {"hooks": [asdict(hook) for hook in hooks]})
