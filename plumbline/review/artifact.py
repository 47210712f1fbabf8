"""A comparison from a run of a stranger's code: checked as data, then rendered. An edge: reads a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NoReturn

from plumbline import config
from plumbline.core.errors import PlumblineError
from plumbline.report import markdown
from plumbline.review import comparison, comparison_blocks
from plumbline.review.comparison import Comparison

LARGEST = 2_000_000
"""Bytes."""


class RefusedArtifactError(PlumblineError):
    """The comparison is none, or lacks what a report needs; the message repeats nothing of it."""


def rendered(path: Path) -> str:
    """The report as Markdown; PlumblineError, which repeats nothing of the file, where it is refused."""
    return report(by_limits_here(read(path)), path)


def report(artifact: Comparison, path: Path) -> str:
    """A comparison as Markdown; PlumblineError, which repeats nothing of it, where figures are missing."""
    try:
        return markdown.comment(comparison_blocks.blocks(artifact, path.name))
    except (PlumblineError, ArithmeticError, RecursionError):
        raise RefusedArtifactError(
            f"{path}: figures or names are missing: no report is made of it"
        ) from None


def by_limits_here(artifact: Comparison, params: Path = Path(config.FILE)) -> Comparison:
    """The comparison with the limits of the params.yaml here in place of those that it claims.

    Those of a use case that is new stay as they are: there is nothing to judge it by.
    """
    listed = config.read(params)["usecases"] if params.is_file() else []
    update = {
        name: usecase.model_copy(update={"limits": gate.limits(), "margin": gate.margin})
        for name, usecase in artifact.usecases.items()
        if name in listed and (gate := config.load(name, params).gate)
    }
    return artifact.model_copy(update={"usecases": {**artifact.usecases, **update}})


def read(path: Path) -> Comparison:
    """The comparison, no larger than LARGEST and as its schema says."""
    data = _bytes(path)
    try:
        value = json.loads(data, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise RefusedArtifactError(f"{path}: not JSON: no report is made of it") from None
    try:
        return comparison.untrusted(value)
    except PlumblineError as error:
        raise RefusedArtifactError(
            f"{path}: not a comparison: {error}: no report is made of it"
        ) from None


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise RefusedArtifactError(
            f"{path}: {error.strerror}; did the other job upload it?"
        ) from None
    if len(data) > LARGEST:
        raise RefusedArtifactError(
            f"{path}: larger than {LARGEST:,} bytes: no report is made of it"
        )
    return data


def _no_number(_text: str) -> NoReturn:
    raise ValueError
