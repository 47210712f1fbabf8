"""params.yaml as text: a use case added or removed, everything else to the letter as it was. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import yaml

from plumbline.core.errors import ParamsError

FLOW = re.compile(r"^usecases:[ \t]*\[[^\]]*\]", re.MULTILINE)
BLOCK = re.compile(r"^usecases:[ \t]*(#.*)?\n(?:[ \t]*-[ \t]+\S+.*\n?)+", re.MULTILINE)


def with_names(text: str, names: Sequence[str]) -> str:
    """The text with these use cases in the list `usecases`.

    >>> with_names("usecases: [a]  # both\\nseed: 7\\n", ["a", "b"])
    'usecases: [a, b]  # both\\nseed: 7\\n'
    """
    for form, end in ((FLOW, ""), (BLOCK, "\n")):
        if match := form.search(text):
            listed = f"usecases: [{', '.join(names)}]{end}"
            return f"{text[: match.start()]}{listed}{text[match.end() :]}"
    raise ParamsError(
        "params.yaml, usecases: expected a list like [my_table] at the top of the file; write it so"
    )


def without_section(text: str, name: str) -> str:
    """The text without a use case's section; comments before the next one stay.

    ParamsError where the section cannot be separated from what stands around it.

    >>> without_section("a: {}\\n\\nb:\\n  c: 1  # one\\n\\n# the next\\nd: 2\\n", "b")
    'a: {}\\n\\n# the next\\nd: 2\\n'
    """
    form = re.compile(rf"^{re.escape(name)}:.*\n?(?:[ \t]+\S.*\n?|[ \t]*\n)*", re.MULTILINE)
    match = form.search(text)
    rest = f"{text[: match.start()]}{text[match.end() :]}" if match else text
    rest = f"{rest.rstrip()}\n"
    wanted = yaml.safe_load(text)
    wanted.pop(name, None)
    if yaml.safe_load(rest) != wanted:
        raise ParamsError(
            f"params.yaml, {name}: the section cannot be removed by itself; remove its lines, and commit"
        )
    return rest


def with_entry(
    text: str, section: Sequence[str], key: str, value: int | str | Sequence[str]
) -> str:
    """The text with `key: value` in a section, replaced or added; everything else stays to the letter.

    ParamsError where the text around it does not allow that.

    >>> with_entry("a:\\n  monitor: {rows: 5}  # few\\n", ("a", "monitor"), "age", 7)
    'a:\\n  monitor: {age: 7, rows: 5}  # few\\n'
    >>> with_entry("a:\\n  monitor:\\n    age: 5  # days\\n", ("a", "monitor"), "age", 7)
    'a:\\n  monitor:\\n    age: 7  # days\\n'
    >>> with_entry("a: {days: [1]}\\n", ("a",), "days", ["2025-01-08"])
    'a: {days: ["2025-01-08"]}\\n'
    """
    missing = _missing(yaml.compose(text, Loader=yaml.SafeLoader), section)
    kept = section[: len(section) - len(missing)]
    place = _mapping(yaml.compose(text, Loader=yaml.SafeLoader), kept)
    name, rest = [*missing, key][0], [*missing, key][1:]
    entry = f"{name}: {_nested(rest, value)}"
    taken = missing and place is not None and any(k.value == name for k, _ in place.value)
    changed = None if place is None or taken else _placed(text, place, name, entry)
    if changed is None or _loaded(changed) != _with(yaml.safe_load(text), [*section, key], value):
        where = ".".join((*section, key))
        raise ParamsError(
            f"params.yaml, {where}: cannot be set by itself; write `{where}: {json.dumps(value)}`"
        )
    return changed


def _with(plain: Any, path: Sequence[str], value: object) -> Any:
    """A document with a value at a path; what is no mapping on the way gives way to one."""
    if not path:
        return value
    inner = plain if isinstance(plain, dict) else {}
    return {**inner, path[0]: _with(inner.get(path[0]), path[1:], value)}


def _loaded(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None


def _missing(node: yaml.Node | None, section: Sequence[str]) -> Sequence[str]:
    """The part of a path that the text does not have."""
    for number in range(len(section), 0, -1):
        if _mapping(node, section[:number]) is not None:
            return section[number:]
    return section


def _mapping(node: yaml.Node | None, path: Sequence[str]) -> yaml.MappingNode | None:
    for name in path:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        node = next((value for key, value in pairs if key.value == name), None)
    return node if isinstance(node, yaml.MappingNode) else None


def _nested(keys: Sequence[str], value: object) -> str:
    return f"{{{keys[0]}: {_nested(keys[1:], value)}}}" if keys else json.dumps(value)


def _placed(text: str, place: yaml.MappingNode, name: str, entry: str) -> str:
    """The entry in place of one with its name, else before the mapping's first."""
    old = next((value for key, value in place.value if key.value == name), None)
    if old is not None:
        start, end = old.start_mark.index, old.end_mark.index
        return f"{text[:start]}{entry.removeprefix(f'{name}: ')}{text[end:]}"
    start = place.start_mark.index
    if place.flow_style:
        more = ", " if place.value else ""
        return f"{text[: start + 1]}{entry}{more}{text[start + 1 :]}"
    return f"{text[:start]}{entry}\n{' ' * place.start_mark.column}{text[start:]}"
