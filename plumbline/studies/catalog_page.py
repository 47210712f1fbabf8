"""One catalog over all use cases: what each feature is, how fresh, what it costs and brings, and who uses it.

A feature that several use cases declare with the same definition is one line: it is reused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from plumbline.core.documents import Document
from plumbline.core.usecase import UseCase
from plumbline.features import catalog, definition_items, live_definitions
from plumbline.features.catalog_documents import CatalogEntry, FeatureView
from plumbline.features.definition_items import Definitions
from plumbline.model import manifest
from plumbline.report.blocks import Block, Heading, Table, Text, Title
from plumbline.report.numbers import NONE, fixed, share
from plumbline.studies.feature_value.feature_value_document import FeatureValueStudy, FeatureWorth

Freshness = Literal["event", "hour", "day"]
FRESHNESS: Mapping[str, Freshness] = {"snapshot": "day", "hourly": "hour"}
"""Up to when a history counts; all other features are as of the event."""
ORDER: Sequence[Freshness] = ("event", "hour", "day")
FEATURES = ("feature", "version", "what it is", "kind", "fresh to", "used by", "gain", "µs")
VIEWS = ("view", "version", "kept by", "read by", "features", "key")
NUMBERS = frozenset((1, 6, 7))
SHARED = "Shared by several use cases"


class CataloguedFeature(Document):
    """A feature, with the use cases that declare it.

    `models`: those whose model sees it; `slices`: slices, groups, the naive answer or offset by it; `feeds`: features made of it.
    Costs are those that `feature-value` measured of its first use case, the gain, too, or that of its model;
    null where they are not known.
    """

    name: str
    kind: str
    description: str
    entity: str
    freshness: Freshness
    window: str
    deprecated: str
    version: int
    definition: str
    owners: list[str]
    usecases: list[str]
    models: list[str]
    slices: list[str]
    feeds: list[str]
    gain: float | None
    us_per_row: float | None
    us_per_request: float | None


class CataloguedView(Document):
    """A view of the feature store: who fills it, and who reads it."""

    name: str
    version: str
    definition: str
    kept_by: str
    read_by: list[str]
    features: list[str]
    join_key: str


class FeatureCatalog(Document):
    """`plumbline catalog --json`. `reused`: features that several use cases declare alike."""

    usecases: list[str]
    features: list[CataloguedFeature]
    views: list[CataloguedView]
    reused: int
    unused: list[str]
    unmeasured: list[str]


@dataclass(frozen=True)
class CatalogSource:
    """A use case with its definitions, the worth of its features where it is known, and its model's gains."""

    usecase: UseCase
    items: Definitions
    worth: Mapping[str, FeatureWorth]
    gains: Mapping[str, float]
    measured: bool

    @classmethod
    def of(
        cls, usecase: UseCase, value: FeatureValueStudy | None, gains: Mapping[str, float]
    ) -> CatalogSource:
        """A study of other definitions than today's does not count; `gains`: shares of the bundle's gain."""
        measured = value is not None and value.of.model == manifest.definitions(usecase)
        lines = value.features if value is not None and measured else ()
        worth = {line.name: line for line in lines}
        return cls(usecase, live_definitions.of(usecase), worth, gains, measured)


def build(sources: Sequence[CatalogSource]) -> FeatureCatalog:
    """The catalog of these use cases, by feature and by view."""
    groups: dict[tuple[str, ...], list[tuple[CatalogSource, CatalogEntry]]] = {}
    for source in sources:
        for entry in catalog.versioned(source.usecase, source.items):
            own = source.usecase.name if entry.kind == "column" else ""
            groups.setdefault((entry.name, entry.definition, own), []).append((source, entry))
    features = [_feature(group) for group in groups.values()]
    return FeatureCatalog(
        usecases=[source.usecase.name for source in sources],
        features=sorted(features, key=lambda f: (f.name, f.usecases)),
        views=list(_views(sources)),
        reused=sum(len(f.usecases) > 1 for f in features),
        unused=sorted(f.name for f in features if not (f.models or f.slices or f.feeds)),
        unmeasured=[source.usecase.name for source in sources if not source.measured],
    )


def _feature(group: Sequence[tuple[CatalogSource, CatalogEntry]]) -> CataloguedFeature:
    entry, own = group[0][1], [source for source, _ in group]
    worth = next((s.worth[entry.name] for s in own if entry.name in s.worth), None)
    gain = next((s.gains[entry.name] for s in own if entry.name in s.gains), None)
    return CataloguedFeature(
        name=entry.name,
        kind=entry.kind,
        description=entry.description,
        entity=entry.entity,
        freshness=freshness(own[0], entry),
        window=entry.window,
        deprecated=entry.deprecated,
        version=entry.version,
        definition=entry.definition,
        owners=list(dict.fromkeys(source.usecase.owner for source in own)),
        usecases=[source.usecase.name for source in own],
        models=[source.usecase.name for source, one in group if one.in_model],
        slices=list(_slices(own, entry.name)),
        feeds=sorted({n for source in own for n in _feeds(source.items, entry.name)}),
        gain=worth.gain if worth else gain,
        us_per_row=worth.us_per_row if worth else None,
        us_per_request=worth.us_per_request if worth else None,
    )


def freshness(source: CatalogSource, entry: CatalogEntry) -> Freshness:
    """Up to when the oldest history counts that a feature is made of."""
    kinds = {e.name: e.kind for e in catalog.entries(source.usecase)}
    names = definition_items.sources(source.items, [entry.name])
    found = [FRESHNESS.get(kinds.get(name, ""), "event") for name in names]
    return max(found, key=ORDER.index, default="event")


def _slices(sources: Iterable[CatalogSource], name: str) -> Iterator[str]:
    for source in sources:
        case = source.usecase
        for one in (*case.slices, *case.groups):
            if one.column == name:
                yield f"slice {one.name}"
        others = {"naive answer": [case.naive], "offset": [case.offset]}
        others["eligibility"] = [rule.column for rule in case.eligible]
        yield from (use for use, columns in others.items() if name in columns)


def _feeds(items: Definitions, name: str) -> list[str]:
    """The features that are made of it at once."""
    return [k for k, item in items.items() if item.kind == "feature" and name in item.made_of]


def _views(sources: Sequence[CatalogSource]) -> Iterator[CataloguedView]:
    """Each view once, as the use case declares it that keeps it, or that reads it first."""
    found: dict[str, list[tuple[CatalogSource, FeatureView]]] = {}
    for source in sources:
        for view in catalog.versioned_views(source.usecase, source.items):
            found.setdefault(view.name, []).append((source, view))
    for name, pairs in found.items():
        view = min(pairs, key=lambda pair: bool(pair[1].kept_by))[1]
        yield CataloguedView(
            name=name,
            version=view.version,
            definition=view.definition,
            kept_by=view.kept_by or next(s.usecase.name for s, v in pairs if v is view),
            read_by=[source.usecase.name for source, _ in pairs],
            features=view.features,
            join_key=view.join_key,
        )


def blocks(whole: FeatureCatalog) -> list[Block]:
    """The catalog as a page: what is shared first, then by use case."""
    views = [
        (v.name, v.version, v.kept_by, ", ".join(v.read_by), str(len(v.features)), v.join_key)
        for v in whole.views
    ]
    unused = ", ".join(whole.unused) or "none"
    return [
        Title("Feature catalog"),
        Text(summary(whole)),
        Text(_legend(whole)),
        *(block for title in (SHARED, *whole.usecases) for block in _section(whole, title)),
        Heading("Used by nothing"),
        Text(f"No model, slice or other feature uses these, though a behaviour may: {unused}."),
        Heading("Views of the feature store"),
        Table("Views", VIEWS, views, frozenset((1, 4))),
    ]


def _legend(whole: FeatureCatalog) -> str:
    missing = ", ".join(whole.unmeasured)
    costs = f"; not yet of today's definitions of {missing}" if missing else ""
    return (
        "Fresh to: the event, the full hour or the midnight before it, of the oldest history that it is made of. "
        "Gain: share of the model's gain. µs: of a row in a batch, and of one request; `plumbline feature-value` "
        f"measures them{costs}."
    )


def _section(whole: FeatureCatalog, title: str) -> list[Block]:
    """The features that several use cases declare alike, or those of one."""
    own = [
        f for f in whole.features if (f.usecases == [title], len(f.usecases) > 1)[title == SHARED]
    ]
    if not own:
        return []
    owners = ", ".join(dict.fromkeys(owner for one in own for owner in one.owners))
    named = f"Features of {title}" if title != SHARED else SHARED
    return [
        Heading(title),
        Text(f"Owner: {owners}."),
        Table(named, FEATURES, list(map(_row, own)), NUMBERS),
    ]


def summary(whole: FeatureCatalog) -> str:
    """What there is, and what is reused, in one line."""
    shared = sum(len(view.read_by) > 1 for view in whole.views)
    return (
        f"{len(whole.features)} features of {', '.join(whole.usecases)}; {whole.reused} declared alike by several "
        f"use cases, {shared} of {len(whole.views)} views read by several."
    )


def _row(one: CataloguedFeature) -> tuple[str, ...]:
    times = (one.us_per_row, one.us_per_request)
    costs = NONE if None in times else f"{fixed(times[0], 2)}; {fixed(times[1], 1)}"
    return (
        one.name,
        str(one.version),
        f"{one.description} (deprecated: {one.deprecated})" if one.deprecated else one.description,
        f"{one.kind} of {one.entity}" if one.entity else one.kind,
        one.freshness,
        "; ".join(_users(one)) or NONE,
        share(one.gain) if one.gain is not None else NONE,
        costs,
    )


def _users(one: CataloguedFeature) -> Iterator[str]:
    if one.models:
        yield "model" if one.usecases == one.models else f"model of {', '.join(one.models)}"
    if one.slices:
        yield ", ".join(dict.fromkeys(one.slices))
    if one.feeds:
        yield f"{', '.join(one.feeds[:3])}{' …' if len(one.feeds) > 3 else ''}"
