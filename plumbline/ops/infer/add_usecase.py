"""An inferred use case written into a project: package, params section, source, empty profile."""

from __future__ import annotations

import shutil
from pathlib import Path

from plumbline.config import read
from plumbline.core.errors import PlumblineError
from plumbline.ops.infer.guess import Guess
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role


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
    text = with_usecase(params.read_text(encoding="utf-8"), guess.name, settings["usecases"])
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


def with_usecase(text: str, name: str, listed: list[str]) -> str:
    """params.yaml's text with `name` in the list `usecases`.

    >>> with_usecase("usecases: [a]  # both\\nseed: 7\\n", "b", ["a"])
    'usecases: [a, b]  # both\\nseed: 7\\n'
    """
    import re

    names = ", ".join([*map(str, listed), name])
    flow = re.compile(r"^usecases:[ \t]*\[[^\]]*\]", re.MULTILINE)
    block = re.compile(r"^usecases:[ \t]*(#.*)?\n(?:[ \t]*-[ \t]+\S+.*\n?)+", re.MULTILINE)
    for form, end in ((flow, ""), (block, "\n")):
        if match := form.search(text):
            return f"{text[: match.start()]}usecases: [{names}]{end}{text[match.end() :]}"
    raise PlumblineError(
        "params.yaml, usecases: expected a list like [my_table] at the top of the file; write it so"
    )


def _copy(file: Path, target: Path) -> None:
    if file.resolve() != target.resolve():
        shutil.copyfile(file, target)


def _readme(guess: Guess) -> str:
    return (
        f"# {guess.name}\n\n`{guess.source_name}` is a copy of `{guess.file.name}`. Say here where the data "
        "come from, and who may use them.\n"
    )
