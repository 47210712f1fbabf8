"""What is refused of versions: one below 1, one of a view that there is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plumbline.core.errors import SpecError, suggest

if TYPE_CHECKING:
    from plumbline.core.usecase import FeatureSet


def check(usecase: FeatureSet) -> None:
    """SpecError for a version that is no whole number from 1 up, or that belongs to nothing."""
    file = f"usecases/{usecase.name}/features.py"
    stored = [*usecase.snapshots, *usecase.hourly]
    parts: list[Any] = [
        *stored,
        *usecase.fresh,
        *usecase.rows,
        *usecase.categories,
        *usecase.encodings,
    ]
    versions = [(f"feature '{part.name}'", part.version) for part in parts]
    versions += [(f"view '{name}'", version) for name, version in usecase.views.items()]
    for where, version in [("the feature set", usecase.version), *versions]:
        if version < 1:
            raise SpecError(f"{file}: {where}: version is {version}; expected 1 or more.")
    known = {s.entity for s in usecase.snapshots} | {f"{h.entity}.hourly" for h in usecase.hourly}
    for name in usecase.views:
        if name not in known:
            hint = suggest(name, known) if known else "no entity has a history that is stored"
            raise SpecError(f"{file}: views: there is no view '{name}'; {hint}")
