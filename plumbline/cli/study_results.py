"""What the commands of studies share: the least that an option may be, and where results are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plumbline.cli.options import keep_json

if TYPE_CHECKING:
    from plumbline.core.documents import Document


def at_least(option: str, value: int | None, least: int) -> None:
    from plumbline.core.errors import PlumblineError

    if value is not None and value < least:
        raise PlumblineError(f"{option}: got {value}, expected {least} or more")


def keep_study(
    study: str,
    usecase: str,
    result: Document,
    draw: Callable[[Path, Any], None],
    json: Path | None,
    plot: Path | None,
) -> Path:
    """JSON and plot in the study's folder, which is returned, and where the options say."""
    from plumbline.core import documents, files
    from plumbline.repo import artifacts

    target = artifacts.study_folder(usecase, study)
    with files.replacing_folder(target) as folder:
        documents.write(folder / f"{study}.json", result)
        draw(folder / f"{study}.png", result)
    keep_json(json, result)
    if plot:
        with files.replacing(plot) as beside:
            draw(beside, result)
    return target
