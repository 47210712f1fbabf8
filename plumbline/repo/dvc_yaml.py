"""What dvc.yaml declares, template by template filled in: the command, deps, params and outs of each stage."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

VARIABLE = re.compile(r"\$\{\s*([\w.-]+)\s*\}")
PARAMS = "params.yaml"
OUTS = ("outs", "metrics", "plots")
UNREAD = {"foreach", "do", "wdir", "vars"}
"""Keys of a stage that are not followed here: such a stage runs again."""


@dataclass(frozen=True)
class Declared:
    """A stage as dvc.lock names it. `params`: keys by file; `kept`: the outs that git keeps."""

    cmd: Any
    deps: tuple[str, ...] = ()
    params: Mapping[str, tuple[str, ...]] | None = None
    outs: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def stages(graph: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Declared]:
    """Each stage of dvc.yaml that can be followed, by its name in dvc.lock.

    >>> graph = {"stages": {"a": {"matrix": {"x": "${xs}"}, "cmd": "do ${item.x}", "outs": ["${item.x}"]}}}
    >>> stages(graph, {"xs": ["b"]})
    {'a@b': Declared(cmd='do b', deps=(), params={}, outs=('b',), kept=())}
    """
    found = {}
    for name, stage in (graph.get("stages") or {}).items():
        if not isinstance(stage, Mapping) or UNREAD & stage.keys():
            continue
        for full, item in _items(name, stage.get("matrix"), params):
            try:
                found[full] = _declared(_filled(stage, {**params, **item}))
            except (KeyError, TypeError, ValueError, AttributeError):
                continue
    return found


def value(whole: Mapping[str, Any], dotted: str) -> Any:
    """A nested mapping's value by dotted key; KeyError where there is none.

    >>> value({"a": {"b": 1}}, "a.b")
    1
    """
    found: Any = whole
    for part in dotted.split("."):
        if not isinstance(found, Mapping):
            raise KeyError(dotted)
        found = found[part]
    return found


def _items(
    name: str, matrix: Any, params: Mapping[str, Any]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not isinstance(matrix, Mapping):
        yield name, {}
        return
    try:
        axes = [_axis(values, params) for values in matrix.values()]
    except KeyError:
        return
    for values in itertools.product(*axes):
        yield (
            f"{name}@{'-'.join(map(str, values))}",
            {"item": dict(zip(matrix, values, strict=True))},
        )


def _axis(values: Any, params: Mapping[str, Any]) -> Sequence[Any]:
    match = VARIABLE.fullmatch(values) if isinstance(values, str) else None
    found = value(params, match[1]) if match else values
    return found if isinstance(found, list) else []


def _filled(node: Any, known: Mapping[str, Any]) -> Any:
    """The node with every variable in its texts and keys replaced; KeyError for one that is not known."""
    if isinstance(node, str):
        return VARIABLE.sub(lambda match: str(value(known, match[1])), node)
    if isinstance(node, Mapping):
        return {_filled(k, known): _filled(v, known) for k, v in node.items()}
    return [_filled(n, known) for n in node] if isinstance(node, list) else node


def _declared(stage: Mapping[str, Any]) -> Declared:
    keys: dict[str, tuple[str, ...]] = {}
    for item in stage.get("params") or ():
        for file, named in item.items() if isinstance(item, dict) else ((PARAMS, [item]),):
            keys[file] = (*keys.get(file, ()), *named)
    outs = [pair for kind in OUTS for item in stage.get(kind) or () for pair in _out(item)]
    return Declared(
        cmd=stage["cmd"],
        deps=tuple(stage.get("deps") or ()),
        params=keys,
        outs=tuple(path for path, _ in outs),
        kept=tuple(path for path, flags in outs if flags.get("cache") is False),
    )


def _out(item: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path, flags in item.items() if isinstance(item, dict) else ((item, {}),):
        yield path, flags or {}
