"""Checks the model cards of a work tree against its metrics. An edge: reads files."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from plumbline.config import read
from plumbline.core import documents
from plumbline.core.errors import PlumblineError, SpecError
from plumbline.core.files import read_json
from plumbline.core.usecase import UseCase
from plumbline.repo import artifacts

if TYPE_CHECKING:
    from plumbline.evaluate.evaluate_document import EvaluateDocument

MOST = 3
"""Contradictions of one card that are reported."""


def here() -> Path | None:
    """The tree whose use cases Python imports: that of the checkout, or the working directory."""
    spec = find_spec("usecases")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return Path(folders[0]).resolve().parent if folders else None


def check(root: Path) -> list[str]:
    """Where the cards of the work tree at `root` contradict its metrics.

    A card whose bytes were not fetched is skipped. So is every other tree than the one Python runs in:
    its use cases would be this one's.
    """
    if root.resolve() != here() or not (root / "params.yaml").exists():
        return []
    return [
        text for name in read(root / "params.yaml")["usecases"] for text in _usecase(root, name)
    ]


def _usecase(root: Path, name: str) -> Iterator[str]:
    from plumbline.core import usecase_loader
    from plumbline.evaluate import model_card
    from plumbline.evaluate.evaluate_document import EvaluateDocument

    try:
        metrics = artifacts.metrics_path(name, "evaluate", root)
        report = artifacts.path(name, artifacts.Role.EVALUATE_REPORT, root)
    except PlumblineError:
        return  # another project's stages: there is no card
    card = report / model_card.MARKDOWN
    if not metrics.exists() or not card.exists():
        return
    try:
        usecase = usecase_loader.load(name)
    except SpecError as error:
        yield f"{card} cannot be compared with the metrics: {error}"
        return
    remedy = f"{card} cannot be compared with it; run `dvc repro`"
    written = read_json(metrics)
    try:
        figures = documents.parse(EvaluateDocument, written, str(metrics), remedy)
    except PlumblineError as error:
        yield str(error)
        return
    for path, lines in _compared(usecase, figures, report).items():
        yield from (f"{path}: {line}" for line in lines[:MOST])
        if len(lines) > MOST:
            yield f"{path}: {len(lines) - MOST} more places differ"


def _compared(usecase: UseCase, figures: EvaluateDocument, report: Path) -> dict[Path, list[str]]:
    from plumbline.evaluate import model_card, model_card_check

    card, page = report / model_card.MARKDOWN, report / model_card.PAGE
    out = {card: model_card_check.contradictions(usecase, figures, _text(card))}
    if page.exists():
        drawn = {path.stem: path.read_bytes() for path in sorted(report.glob("*.png"))}
        out[page] = model_card_check.page_contradicts(usecase, figures, _text(page), drawn)
    return out


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise PlumblineError(f"{path}: not a text; restore it with `dvc checkout`") from None
