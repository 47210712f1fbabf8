"""Three texts merged line by line: what a team made, and what a newer library makes, of one text. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

Lines = Sequence[str]


@dataclass(frozen=True)
class Conflict:
    """Lines that both changed: the number of the team's first one, the team's text and the library's."""

    line: int
    yours: str
    library: str


@dataclass(frozen=True)
class Merged:
    """The merged text, and the places where it could not be made."""

    text: str
    conflicts: tuple[Conflict, ...] = ()


def merge(base: str, yours: str, library: str) -> Merged:
    """Both changes of `base`; a place that both changed, each in its way, is a conflict.

    >>> merge("a\\nb\\nc\\nd\\n", "a\\nB\\nc\\nd\\n", "a\\nb\\nc\\nd\\ne\\n").text
    'a\\nB\\nc\\nd\\ne\\n'
    >>> merge("a\\nb\\n", "a\\nB\\n", "a\\nx\\n").conflicts
    (Conflict(line=2, yours='B\\n', library='x\\n'),)
    """
    three = [text.splitlines(keepends=True) for text in (base, yours, library)]
    parts: list[str] = []
    conflicts: list[Conflict] = []
    for start, (old, own, theirs) in _chunks(*three):
        if own == theirs or theirs == old:
            parts += own
        elif own == old:
            parts += theirs
        else:
            conflicts.append(Conflict(start + 1, "".join(own), "".join(theirs)))
            parts += own
    return Merged("".join(parts), tuple(conflicts))


def _chunks(
    base: Lines, yours: Lines, library: Lines
) -> Iterator[tuple[int, tuple[Lines, Lines, Lines]]]:
    """The lines between those that all three have, and these; with the number of yours before them."""
    b = y = n = 0
    for base_at, yours_at, library_at, size in _shared(base, yours, library):
        yield y, (base[b:base_at], yours[y:yours_at], library[n:library_at])
        same = base[base_at : base_at + size]
        yield yours_at, (same, same, same)
        b, y, n = base_at + size, yours_at + size, library_at + size
    yield y, (base[b:], yours[y:], library[n:])


def _shared(base: Lines, yours: Lines, library: Lines) -> Iterator[tuple[int, int, int, int]]:
    """Runs of lines that all three have: where each begins, and how many lines."""
    for b, y, size in _matches(base, yours):
        for other, n, length in _matches(base, library):
            first, last = max(b, other), min(b + size, other + length)
            if first < last:
                yield first, y + first - b, n + first - other, last - first


def _matches(base: Lines, other: Lines) -> list[tuple[int, int, int]]:
    blocks = SequenceMatcher(None, base, other, autojunk=False).get_matching_blocks()
    return [(block.a, block.b, block.size) for block in blocks if block.size]
