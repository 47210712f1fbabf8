"""Checks that a model card agrees with its metrics: each line is compared with evaluate.json. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher

from plumbline.core.usecase import UseCase
from plumbline.evaluate import model_card
from plumbline.evaluate.evaluate_document import EvaluateDocument

LONGEST = 160
"""Characters of a line that are quoted."""


def contradictions(usecase: UseCase, figures: EvaluateDocument, card: str) -> list[str]:
    """Where the card in Markdown differs from the figures: what it says, and what they say."""
    expected = model_card.render(usecase, figures).splitlines()
    return list(_differing(card.splitlines(), expected))


def page_contradicts(
    usecase: UseCase, figures: EvaluateDocument, page: str, pictures: Mapping[str, bytes]
) -> list[str]:
    """The same for the card's page; `pictures`: the PNGs beside it, by name."""
    try:
        expected = model_card.page(usecase, figures, pictures)
    except KeyError as error:
        return [f"the page shows a picture that is not beside it: {error.args[0]}.png"]
    return list(_differing(page.splitlines(), expected.splitlines()))


def _differing(card: list[str], expected: list[str]) -> Iterator[str]:
    matcher = SequenceMatcher(None, card, expected, autojunk=False)
    for change, low, high, first, last in matcher.get_opcodes():
        if change == "equal":
            continue
        own = _quoted(card[low:high], expected[first:last])
        correct = _quoted(expected[first:last], card[low:high])
        if own and correct:
            yield f"line {low + 1} says {own}; the metrics say {correct}"
        elif own:
            yield f"line {low + 1} says {own}, which the metrics do not"
        else:
            yield f"after line {low} this is missing: {correct}"


def _quoted(lines: list[str], other: list[str]) -> str:
    """The first line with text that the other does not have."""
    line = next((text for text in lines if text.strip() and text not in other), "")
    return repr(line if len(line) <= LONGEST else line[: LONGEST - 1] + "…") if line else ""
