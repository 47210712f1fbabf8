"""An inferred use case written into a project: package, params section, source, empty profile."""

from __future__ import annotations

import shutil
from pathlib import Path

from plumbline.config import read
from plumbline.core.errors import PlumblineError
from plumbline.ops import params_text
from plumbline.ops.infer.guess import Guess
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.report.markdown import escaped


def write(guess: Guess, project: Path = Path(".")) -> list[Path]:
    """Write it below `project`, and add it to `usecases` in params.yaml; the paths written.

    Raises PlumblineError, before anything is written, where the name is taken.
    """
    params = project / "params.yaml"
    package, source = (
        project / "usecases" / guess.name,
        artifacts.path(guess.name, Role.SOURCE, project),
    )
    settings = read(params)
    if package.exists() or guess.name in settings:
        raise PlumblineError(
            f"'{guess.name}' exists already ({package}, {params}); choose another name, or remove it first "
            f"with `plumbline drop {guess.name}`"
        )
    names = [*map(str, settings["usecases"]), guess.name]
    text = params_text.with_names(params.read_text(encoding="utf-8"), names)
    profile, history = (
        artifacts.path(guess.name, role, project)
        for role in (Role.ACCEPTED_PROFILE, Role.MONITOR_HISTORY)
    )
    package.mkdir(parents=True)
    for part, code in guess.modules.items():
        (package / f"{part}.py").write_text(code, encoding="utf-8")
    source.mkdir(parents=True, exist_ok=True)
    _copy(guess.file, source / guess.source_name)
    (source / "README.md").write_text(_readme(guess), encoding="utf-8")
    profile.parent.mkdir(parents=True, exist_ok=True)
    profile.write_text("{}\n", encoding="utf-8")
    history.touch()
    params.write_text(f"{text.rstrip()}\n\n{guess.section_text}", encoding="utf-8")
    return [package, source, profile, history, params]


def _copy(file: Path, target: Path) -> None:
    if file.resolve() != target.resolve():
        shutil.copyfile(file, target)


def _readme(guess: Guess) -> str:
    return (
        f"# {guess.name}\n\n`{guess.source_name}` is a copy of {escaped(guess.file.name)}. Say here where the data "
        "come from, and who may use them.\n"
    )
