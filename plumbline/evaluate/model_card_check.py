"""Does a model card say what the metrics say? Every line of it is held against evaluate.json. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher

from plumbline.core.usecase import UseCase
from plumbline.evaluate import model_card
from plumbline.report.card_text import Figures

LONGEST = 160
"""Characters of a line that are quoted."""


def contradictions(usecase: UseCase, figures: Figures, card: str) -> list[str]:
    """Where the card in Markdown says something else than the figures: what it says, what they say."""
    expected = model_card.render(usecase, figures).splitlines()
    return list(_differing(card.splitlines(), expected))


def page_contradicts(
    usecase: UseCase, figures: Figures, page: str, pictures: Mapping[str, bytes]
) -> list[str]:
    """The same of the card's page; `pictures`: the PNGs beside it, by name."""
    try:
        expected = model_card.page(usecase, figures, pictures)
    except KeyError as error:
        return [f"the page shows a picture that is not beside it: {error.args[0]}.png"]
    return list(_differing(page.splitlines(), expected.splitlines()))


def _differing(card: list[str], expected: list[str]) -> Iterator[str]:
    matcher = SequenceMatcher(None, card, expected, autojunk=False)
    for word, low, high, first, last in matcher.get_opcodes():
        if word == "equal":
            continue
        said = _quoted(card[low:high], expected[first:last])
        meant = _quoted(expected[first:last], card[low:high])
        if said and meant:
            yield f"line {low + 1} says {said}; the metrics say {meant}"
        elif said:
            yield f"line {low + 1} says {said}, which the metrics do not"
        else:
            yield f"after line {low} it leaves out {meant}"


def _quoted(lines: list[str], other: list[str]) -> str:
    """The first line that has something to say, from where it differs."""
    line = next((text for text in lines if text.strip() and text not in other), "")
    return repr(line if len(line) <= LONGEST else line[: LONGEST - 1] + "…") if line else ""
