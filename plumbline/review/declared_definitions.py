"""Both sides' definitions read from their commits, of which nothing runs. An edge: reads git."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from plumbline.features import definition_items, source_reader
from plumbline.features.definition_items import Definitions
from plumbline.features.live_definitions import by_text
from plumbline.features.source_values import UnreadableError
from plumbline.repo import revisions
from plumbline.review import definition_changes
from plumbline.review.definition_sections import DefinitionChanges
from plumbline.review.revision import Revision
from plumbline.runtime import dvc_lock

FOLDER = source_reader.FOLDER


def of_all(
    base: Revision, head: Revision, release: Revision | None = None
) -> dict[str, DefinitionChanges]:
    """By use case that both sides have, what is defined otherwise; those where nothing is are left out.

    `release`: the last one before head, whose versions are taken, too.
    """
    known = sorted(dvc_lock.usecases(base.entries) & dvc_lock.usecases(head.entries))
    found = {name: changes(base, head, name, release) for name in known}
    return {name: one for name, one in found.items() if one.changes or one.unread}


def changes(
    base: Revision, head: Revision, name: str, release: Revision | None = None
) -> DefinitionChanges:
    """How head defines the features of a use case otherwise than base."""
    released = {} if release is None else texts(release, name)
    return between(name, texts(base, name), texts(head, name), released)


def between(
    name: str,
    old: Mapping[str, str],
    new: Mapping[str, str],
    released: Mapping[str, str] | None = None,
) -> DefinitionChanges:
    """As `changes`, from the texts of both sides' modules by path.

    Where a side cannot be read, that counts only if the code differs in more than words.
    """
    if old == new:
        return DefinitionChanges(changes=[], unread=None)
    try:
        before, after = by_text(name, old), by_text(name, new)
        optional = _optional(name, new)
    except UnreadableError as error:
        return DefinitionChanges(changes=[], unread=None if _same(old, new) else str(error)[:300])
    found = definition_changes.changes(before, after, optional, _released(name, released or {}))
    return DefinitionChanges(changes=found, unread=None)


def definitions(side: Revision, name: str) -> Definitions:
    """A side's definitions; UnreadableError where only running would tell."""
    return by_text(name, texts(side, name))


def texts(side: Revision, name: str) -> dict[str, str]:
    """The text of each module that the use case may import, by path."""
    paths = [path for path in _paths(side) if path.endswith(".py")]
    others = dvc_lock.usecases(side.entries) - {name}
    own = [p for p in paths if p.split("/")[1].removesuffix(".py") not in others]
    blobs = revisions.blobs(side.root, side.rev, own)
    return {path: data.decode(errors="replace") for path, data in blobs.items()}


def _paths(side: Revision) -> list[str]:
    if side.rev is not None:
        return revisions.below(side.root, side.rev, FOLDER)
    found = sorted((side.root / FOLDER).rglob("*.py"))
    return [path.relative_to(side.root).as_posix() for path in found]


def _released(name: str, texts: Mapping[str, str]) -> Definitions:
    """A release's definitions; none where it cannot be read, as one from long ago may not be."""
    try:
        return by_text(name, texts)
    except UnreadableError:
        return {}


def _optional(name: str, own: Mapping[str, str]) -> list[str]:
    found, _ = source_reader.read(name, own)
    return sorted(definition_items.optional(found))


def _same(old: Mapping[str, str], new: Mapping[str, str]) -> bool:
    """Whether two sides' modules are the same code, whatever their words and their format."""
    try:
        return {p: _code(text) for p, text in old.items()} == {
            p: _code(text) for p, text in new.items()
        }
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _code(text: str) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if "__doc__" not in text and isinstance(body, list) and body and _is_text(body[0]):
            node.body = body[1:]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
