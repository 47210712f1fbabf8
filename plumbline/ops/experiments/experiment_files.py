"""Declarations under `experiments/USECASE/`, and the report beside each that ended. An edge: reads and writes files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from plumbline.core.errors import PlumblineError, suggest
from plumbline.core.files import replacing
from plumbline.ops.experiments import declaration
from plumbline.ops.experiments.declaration import Ended, Experiment

FOLDER = "experiments"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
HEAD = """\
# An experiment: what is compared, in which shares, until when. Judged by `plumbline experiment status {usecase} {name}`.
# Change nothing once it runs; `plumbline experiment stop` ends it.
"""


def path(root: Path, usecase: str, name: str) -> Path:
    """Where a declaration lies; PlumblineError for a name that is none."""
    if not NAME.fullmatch(name):
        raise PlumblineError(
            f"experiment '{name}': expected a name of small letters, digits, - and _, like lower-threshold"
        )
    return root / FOLDER / usecase / f"{name}.yaml"


def names(root: Path, usecase: str) -> list[str]:
    """The use case's experiments."""
    return sorted(file.stem for file in (root / FOLDER / usecase).glob("*.yaml"))


def load(root: Path, usecase: str, name: str) -> Experiment:
    """A declaration; PlumblineError where there is none, or with a line per mistake."""
    file = path(root, usecase, name)
    if not file.is_file():
        known = names(root, usecase)
        hint = (
            suggest(name, known)
            if known
            else f"`plumbline experiment new {usecase} {name}` writes it"
        )
        raise PlumblineError(f"{_shown(root, file)}: no such experiment; {hint}")
    try:
        value = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PlumblineError(
            f"{_shown(root, file)}: not valid YAML: {' '.join(str(error).split())}"
        ) from None
    return declaration.parsed(_shown(root, file), value)


def check_free(root: Path, usecase: str, name: str) -> None:
    """PlumblineError where there is an experiment of that name."""
    file = path(root, usecase, name)
    if file.exists():
        raise PlumblineError(
            f"{_shown(root, file)}: there is one already; choose another name: what is judged does not change"
        )


def write(root: Path, usecase: str, name: str, experiment: Experiment) -> Path:
    """Write a new declaration; PlumblineError where there is one of that name."""
    check_free(root, usecase, name)
    file = path(root, usecase, name)
    file.parent.mkdir(parents=True, exist_ok=True)
    _write(
        file,
        HEAD.format(usecase=usecase, name=name)
        + _yaml(experiment.model_dump(mode="json", exclude_none=True)),
    )
    return file


def end(root: Path, usecase: str, name: str, ended: Ended, report: str) -> list[Path]:
    """Put the end under the declaration, and the report beside it; the files written, the declaration last."""
    file = path(root, usecase, name)
    page = file.with_suffix(".md")
    _write(page, report)
    text = file.read_text(encoding="utf-8").rstrip("\n")
    _write(file, f"{text}\n{_yaml({'ended': ended.model_dump(mode='json')})}")
    return [page, file]


def _write(file: Path, text: str) -> None:
    with replacing(file) as beside:
        beside.write_text(text, encoding="utf-8")


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)


def _shown(root: Path, file: Path) -> str:
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file)
