"""How a change defines features otherwise, judged from both sides' definitions: redefined, renamed, breaking. Pure.

An item that is defined otherwise needs a higher version than base's. Of a schema, what is appended breaks
nothing; what is removed, renamed, of another type or in another place does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from plumbline.features import definition_items
from plumbline.features.definition_items import TABLES, DefinitionItem, Definitions
from plumbline.review.definition_sections import DefinitionChange

MOST = 500


def changes(
    base: Definitions,
    head: Definitions,
    optional: Sequence[str],
    released: Definitions | None = None,
) -> list[DefinitionChange]:
    """Each item that differs, by name; `optional`: head's columns that an event of before may lack.

    `released`: of the last release. A feature that comes back after base dropped it is held against that one.
    """
    known = {**_returning(base, head, released or {}), **base}
    renamed = renames(known, head)
    found = [
        *_features(known, head, renamed),
        *_views(base, head, renamed),
        *_tables(base, head, renamed, frozenset(optional)),
    ]
    return found[:MOST]


def _returning(base: Definitions, head: Definitions, released: Definitions) -> Definitions:
    """The release's features that base has not, and head has again, defined otherwise."""
    return {
        k: item
        for k, item in released.items()
        if item.kind == "feature" and k not in base and k in head and differing(item, head[k])
    }


def renames(base: Definitions, head: Definitions) -> dict[str, str]:
    """Features that head has under another name: the same definition, base's name gone, head's new."""
    gone, new = (
        [k for k, i in one.items() if i.kind == "feature" and k not in other]
        for one, other in ((base, head), (head, base))
    )
    found: dict[str, str] = {}
    for old in gone:
        same = [n for n in new if n not in found.values() and head[n].digest == base[old].digest]
        found |= {old: same[0]} if same else {}
    return found


def _features(
    base: Definitions, head: Definitions, renamed: Mapping[str, str]
) -> Iterator[DefinitionChange]:
    for name, old in base.items():
        if old.kind != "feature":
            continue
        if name in renamed:
            yield _change(old, head[renamed[name]], "renamed", renamed=renamed[name])
        elif name not in head:
            yield _change(old, None, "removed")
        elif parts := differing(old, head[name]):
            reached = tuple(definition_items.reached(head, name))
            yield _change(old, head[name], "redefined", parts, reaches=reached)
        elif old.version != head[name].version:
            yield _change(old, head[name], "version only")
    new = [n for n, item in head.items() if item.kind == "feature" and n not in base]
    yield from (_change(None, head[n], "added") for n in new if n not in renamed.values())


def differing(old: DefinitionItem, new: DefinitionItem) -> tuple[str, ...]:
    """The parts of a definition that differ."""
    kind = ("kind",) if old.declared != new.declared else ()
    names = sorted(old.parts.keys() | new.parts.keys())
    return (*kind, *(n for n in names if old.parts.get(n) != new.parts.get(n)))


def _views(
    base: Definitions, head: Definitions, renamed: Mapping[str, str]
) -> Iterator[DefinitionChange]:
    for key, old in base.items():
        if old.kind == "view" and key in head:
            yield from _schema(old, head[key], list(_view_parts(old, head[key], renamed)))
        elif old.kind == "view":
            yield _change(old, None, "removed")
    new = [k for k, item in head.items() if item.kind == "view" and k not in base]
    yield from (_change(None, head[key], "added") for key in new)


def _view_parts(
    old: DefinitionItem, new: DefinitionItem, renamed: Mapping[str, str]
) -> Iterator[tuple[str, bool]]:
    """What differs in a view, and whether it breaks a reader of it."""
    for one in old.made_of:
        if one not in new.made_of:
            yield _gone(one, renamed, new.made_of), True
    added = [one for one in new.made_of if one not in (*old.made_of, *renamed.values())]
    yield from ((f"{one} appended", False) for one in added)
    for part in ("key", "key's type"):
        if old.parts[part] != new.parts[part]:
            yield f"{part} {old.parts[part]} → {new.parts[part]}", True


def _gone(name: str, renamed: Mapping[str, str], there: Sequence[str]) -> str:
    new = renamed.get(name)
    return f"{name} renamed to {new}" if new in there else f"{name} removed"


def _tables(
    base: Definitions, head: Definitions, renamed: Mapping[str, str], optional: frozenset[str]
) -> Iterator[DefinitionChange]:
    old, new = base[TABLES], head[TABLES]
    lost = [k for k, i in base.items() if i.kind == "view" and k not in head]
    parts = [
        *((f"{key} removed", True) for key in lost),
        *_column_parts(old, new, optional),
        *_other_parts(old, new),
        *_unstored(base, head, renamed),
        *_order_parts(base, head, renamed),
    ]
    yield from _schema(old, new, list(dict.fromkeys(parts)))


def _column_parts(
    old: DefinitionItem, new: DefinitionItem, optional: frozenset[str]
) -> Iterator[tuple[str, bool]]:
    """Columns of an event that are gone, other or new."""
    for name in sorted(old.parts.keys() | new.parts.keys()):
        before, after = old.parts.get(name), new.parts.get(name)
        if not name.startswith("column ") or before == after:
            continue
        if after is None:
            yield f"{name} removed", True
        elif before is None:
            needed = name.removeprefix("column ") not in optional
            yield f"{name} appended" + (", which events of before lack" if needed else ""), needed
        else:
            yield f"{name}: {before} → {after}"[:200], True


def _other_parts(old: DefinitionItem, new: DefinitionItem) -> Iterator[tuple[str, bool]]:
    for name in ("time", "key", "only", "eligible"):
        if old.parts[name] != new.parts[name]:
            yield f"{name}: {old.parts[name] or 'all'} → {new.parts[name] or 'all'}"[:200], True


def _unstored(
    base: Definitions, head: Definitions, renamed: Mapping[str, str]
) -> Iterator[tuple[str, bool]]:
    """Features of no view that are gone: what is stored counts in its view."""
    for name, item in base.items():
        if item.kind == "feature" and not item.stored and name not in head:
            yield _gone(name, renamed, list(head)), True


def _order_parts(
    base: Definitions, head: Definitions, renamed: Mapping[str, str]
) -> Iterator[tuple[str, bool]]:
    """The list of the model's features: an end that is longer breaks nothing."""
    new = head[TABLES].order
    old = [renamed.get(name, name) for name in base[TABLES].order]
    dropped = [n for n in old if n not in new and (n in head or n not in base)]
    yield from ((f"{name} no longer in the model's features", True) for name in dropped)
    kept = [name for name in old if name in new]
    if [name for name in new if name in kept] != kept:
        yield "the model's features are in another order", True
    last = max((new.index(name) for name in kept), default=-1)
    added = [(place, name) for place, name in enumerate(new) if name not in old]
    yield from ((f"{n} inserted into the model's features", True) for p, n in added if p < last)
    yield from ((f"{n} appended to the model's features", False) for p, n in added if p > last)


def _schema(
    old: DefinitionItem, new: DefinitionItem, parts: Sequence[tuple[str, bool]]
) -> Iterator[DefinitionChange]:
    breaking = tuple(text for text, breaks in parts if breaks)
    if breaking:
        yield _change(old, new, "breaking", breaking)
    elif parts:
        yield _change(old, new, "appended", tuple(text for text, _ in parts))
    elif old.version != new.version:
        yield _change(old, new, "version only")


def _change(
    old: DefinitionItem | None,
    new: DefinitionItem | None,
    change: str,
    parts: Sequence[str] = (),
    *,
    reaches: Sequence[str] = (),
    renamed: str | None = None,
) -> DefinitionChange:
    one = new or old
    return DefinitionChange.model_validate(
        {
            "kind": one.kind if one else "feature",
            "name": (old or new).name[:200] if old or new else "",  # type: ignore[union-attr]
            "declared": one.declared if one else "",
            "change": change,
            "parts": [part[:200] for part in parts][:100],
            "base": old.version if old else None,
            "head": new.version if new else None,
            "renamed": renamed,
            "reaches": list(reaches)[:100],
        }
    )
