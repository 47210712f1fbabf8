"""Views that several use cases read and one of them keeps: compared with what it registered, never written twice."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.core.hashing import md5_file
from plumbline.core.usecase import FeatureSet

USECASE, DEFINITION = "usecase", "definition"


def own(
    feast: Any, usecase: FeatureSet, declared: list[Any], *, elsewhere: bool = False
) -> list[Any]:
    """The definitions that the use case registers itself.

    `elsewhere`: they may have been registered on another machine, whose files are not compared.
    PlumblineError where another use case keeps a view and has not registered it, defines it otherwise, or has
    other values: one view cannot serve both.
    """
    others = [one for one in declared if one.tags.get(USECASE) != usecase.name]
    registered = {view.name: view for view in feast.list_feature_views()} if others else {}
    for view in (one for one in others if hasattr(one, "batch_source")):
        _compare(usecase.name, view, registered, elsewhere)
    return [one for one in declared if one.tags.get(USECASE) == usecase.name]


def _compare(name: str, view: Any, registered: Mapping[str, Any], elsewhere: bool) -> None:
    keeper, held = view.tags[USECASE], registered.get(view.name)
    if held is None:
        raise PlumblineError(
            f"{name}: '{keeper}' keeps the view '{view.name}' and has not registered it; run "
            f"`plumbline features apply {keeper}` first"
        )
    if held.tags.get(DEFINITION) != view.tags[DEFINITION]:
        raise PlumblineError(
            f"{name}: the view '{view.name}', kept by '{keeper}', is defined otherwise there; declare its histories "
            "once, in usecases/shared/, or drop kept_by"
        )
    away = elsewhere and not _files(held.batch_source.path)
    odd = None if away else _differing(view, held)
    if odd:
        raise PlumblineError(
            f"{name}: the view '{view.name}', kept by '{keeper}', has other values there ({odd}): one view cannot "
            "serve both. Use the same events and as_of, or drop kept_by"
        )


def _differing(view: Any, held: Any) -> str | None:
    """The first file of two views' histories that differs."""
    sides = [_files(one.batch_source.path) for one in (view, held)]
    for name in sorted(sides[0].keys() | sides[1].keys()):
        pair = [side.get(name) for side in sides]
        if None in pair or len({md5_file(str(path)) for path in pair}) > 1:
            return name
    return None


def _files(pattern: str) -> dict[str, Path]:
    path = Path(pattern)
    return {file.name: file for file in path.parent.glob(path.name)}
