"""The model cards of a work tree, held against its metrics. An edge."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from plumbline.config import read
from plumbline.core.errors import PlumblineError, SpecError
from plumbline.core.files import read_json
from plumbline.core.usecase import UseCase
from plumbline.repo import artifacts

MOST = 3
"""Contradictions of one card that are told."""


def here() -> Path | None:
    """The tree whose use cases Python imports: that of the checkout, or the working directory."""
    spec = find_spec("usecases")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return Path(folders[0]).resolve().parent if folders else None


def check(root: Path) -> list[str]:
    """What the cards of the work tree at `root` say that its metrics do not.

    A card that is not here (its bytes were not fetched) says nothing. Nothing is said of another tree
    than the one Python runs in: its use cases would be this one's.
    """
    if root.resolve() != here() or not (root / "params.yaml").exists():
        return []
    return [
        text for name in read(root / "params.yaml")["usecases"] for text in _usecase(root, name)
    ]


def _usecase(root: Path, name: str) -> Iterator[str]:
    from plumbline.core import usecase_loader
    from plumbline.evaluate import model_card as modelcard

    try:
        metrics = artifacts.metrics_path(name, "evaluate", root)
        report = artifacts.path(name, artifacts.Role.EVALUATE_REPORT, root)
    except PlumblineError:
        return  # another project's stages: there is no card
    card = report / modelcard.MARKDOWN
    if not metrics.exists() or not card.exists():
        return
    try:
        case = usecase_loader.load(name)
    except SpecError as error:
        yield f"{card} cannot be held against the metrics: {error}"
        return
    try:
        found = _compared(case, read_json(metrics), report)
    except KeyError as error:
        yield f"{metrics} has no {error}: {card} cannot be held against it; run `dvc repro`"
        return
    for path, lines in found.items():
        yield from (f"{path}: {line}" for line in lines[:MOST])
        if len(lines) > MOST:
            yield f"{path}: {len(lines) - MOST} more places differ"


def _compared(case: UseCase, figures: Any, report: Path) -> dict[Path, list[str]]:
    from plumbline.evaluate import model_card as modelcard
    from plumbline.evaluate import model_card_check

    card, page = report / modelcard.MARKDOWN, report / modelcard.PAGE
    out = {card: model_card_check.contradictions(case, figures, _text(card))}
    if page.exists():
        drawn = {path.stem: path.read_bytes() for path in sorted(report.glob("*.png"))}
        out[page] = model_card_check.page_contradicts(case, figures, _text(page), drawn)
    return out


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise PlumblineError(f"{path}: not a text; restore it with `dvc checkout`") from None
