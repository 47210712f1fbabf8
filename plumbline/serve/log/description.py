"""What a log's file says of its own rows: names and types of their values, and who wrote them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from importlib import metadata
from typing import Any, Literal

from plumbline.core.documents import Document
from plumbline.core.usecase import FeatureSet
from plumbline.serve.protocols import LogError

LIBRARIES = ("msgspec", "numpy", "plumbline", "xgboost")


class LogDescription(Document):
    """`event`, `outcome`: columns and their contract types. The lists name the values of a row, in order."""

    usecase: str
    key: str
    time: str | None
    event: dict[str, str]
    outcome: dict[str, str]
    aggregates: tuple[str, ...]
    computed: tuple[str, ...]
    derived: tuple[str, ...]
    classes: tuple[str | int, ...]
    libraries: dict[str, str]

    def named(
        self, kind: Literal["aggregates", "computed", "derived"], values: Sequence[Any]
    ) -> dict[str, Any]:
        """A row's values by name; LogError where they are not as many as the names."""
        names: tuple[str, ...] = getattr(self, kind)
        if len(names) != len(values):
            raise LogError(
                f"{self.usecase}: a row of the log has {len(values)} {kind}, expected the {len(names)} that its file "
                "describes: it was written by other code"
            )
        return dict(zip(names, values, strict=True))

    def event_of(self, values: dict[str, Any]) -> dict[str, Any]:
        """A logged event's values as they were checked: times are naive datetimes in UTC again."""
        return _with_times(values, self.event)

    def outcome_of(self, values: dict[str, Any]) -> dict[str, Any]:
        """A logged outcome's values, likewise."""
        return _with_times(values, self.outcome)


def describe(usecase: FeatureSet) -> LogDescription:
    """The description of the rows that this process writes."""
    return LogDescription(
        usecase=usecase.name,
        key=usecase.key,
        time=usecase.time,
        event={c.name: c.type for c in usecase.known},
        outcome={c.name: c.type for c in usecase.unknown},
        aggregates=tuple(a.name for a in usecase.aggregates),
        computed=(*(r.name for r in usecase.rows), *(c.name for c in usecase.categories)),
        derived=usecase.derived,
        classes=usecase.classes,
        libraries=libraries(),
    )


def libraries() -> dict[str, str]:
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def _with_times(values: dict[str, Any], types: dict[str, str]) -> dict[str, Any]:
    times = [n for n, kind in types.items() if kind == "timestamp" and values.get(n) is not None]
    return {**values, **{name: datetime.fromisoformat(values[name]) for name in times}}
