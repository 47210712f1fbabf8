"""What is said of definitions that differ, and what is refused of their versions. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from plumbline.review.definition_sections import DefinitionChange, DefinitionChanges

NEED_VERSION = ("redefined", "breaking")
"""Changes after which the same version would stand for two things."""
MENTIONED = (*NEED_VERSION, "renamed", "version only")
NAMED = 5


def reasons(name: str, changes: DefinitionChanges) -> Iterator[tuple[str, str]]:
    """Kind and text of each reason against merging, of the use case `name`."""
    if changes.unread:
        yield (
            "definitions",
            f"cannot tell whether features are defined otherwise: {changes.unread}; write the declarations so "
            "that they can be read without running them, or say why in gate.override",
        )
    for one in changes.changes:
        if text := refused(name, one):
            yield "version", text


def refused(usecase: str, one: DefinitionChange) -> str | None:
    """Why a change of a definition cannot be merged with its version; the line to write."""
    if one.base is None or one.head is None:
        return None
    needed = one.base + 1
    if one.change in NEED_VERSION and one.head <= one.base:
        why = f"{_subject(one)} {_what(one)} ({_some(one.parts)})"
        now = f"still version {one.head}" if one.head == one.base else f"down to version {one.head}"
        return f"{why}, {now}: write {line(usecase, one, needed)}"
    if one.head < one.base:
        return (
            f"{_subject(one)}: from version {one.base} down to {one.head}, which is taken: write "
            f"{line(usecase, one, one.base)}"
        )
    return None


def line(usecase: str, one: DefinitionChange, version: int) -> str:
    """What to write, and where."""
    texts = {
        "view": f'views={{"{one.name}": {version}}} for the FeatureSet',
        "tables": f"version={version} for the FeatureSet",
    }
    own = f"Row({one.name}, version={version})"
    if one.declared != "Row":
        own = f'{one.declared}("{one.renamed or one.name}", ..., version={version})'
    return f"{texts.get(one.kind, own)} in usecases/{usecase}/features.py"


def summary(changes: DefinitionChanges) -> str | None:
    """One line on what an existing reader meets otherwise and the gate does not refuse; None for nothing."""
    allowed = [one for one in changes.changes if one.change in MENTIONED and not refused("", one)]
    mentioned = list(map(_line, allowed))
    more = f"; and {len(mentioned) - NAMED} more, below" if len(mentioned) > NAMED else ""
    return f"Features: {'; '.join(mentioned[:NAMED])}{more}" if mentioned else None


def lines(changes: DefinitionChanges) -> Iterator[str]:
    """What differs, a line each, for the report."""
    for one in changes.changes:
        yield _line(one)


def _line(one: DefinitionChange) -> str:
    subject, parts = _subject(one), f" ({_some(one.parts)})" if one.parts else ""
    moved = _moved(one)
    if one.change == "redefined":
        others = f"; also changes {_some(one.reaches)}" if one.reaches else ""
        return f"redefined: {subject}{parts}, {moved}{others}"
    if one.change == "breaking":
        return f"breaking: {subject}{parts}, {moved}"
    if one.change == "appended":
        return f"not breaking: {subject}{parts}, {moved}"
    if one.change == "renamed":
        return f"renamed: {subject} → {one.renamed}, the same definition"
    if one.change == "version only":
        return f"version without a change: {subject}, {moved}"
    return f"{one.change}: {subject}"


def _moved(one: DefinitionChange) -> str:
    if one.base == one.head:
        return f"version {one.head}"
    return f"version {one.base} → {one.head}"


def _subject(one: DefinitionChange) -> str:
    if one.kind == "view":
        return f"view {one.name}"
    return "the tables" if one.kind == "tables" else one.name


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def by_name(changes: Mapping[str, DefinitionChanges], name: str) -> DefinitionChanges:
    """What differs in a use case; nothing where git said nothing of it."""
    return changes.get(name, DefinitionChanges(changes=[], unread=None))


def _what(one: DefinitionChange) -> str:
    if one.change == "redefined":
        return "is redefined"
    return "change in a way that breaks readers" if one.kind == "tables" else "breaks its readers"
