"""The feature catalog: what a use case's features are, for the metrics, a list or a search."""

from __future__ import annotations

from collections.abc import Mapping

from plumbline.core import deprecation
from plumbline.core.declarations import Category, Encoding, Entity, Fresh, Hourly, Row, Snapshot
from plumbline.core.tables import Counts
from plumbline.core.usecase import FeatureSet
from plumbline.features import definition_items, live_definitions
from plumbline.features import grain as grains
from plumbline.features.catalog_documents import (
    CatalogEntry,
    FeaturesReport,
    FeatureView,
    TableFigures,
)
from plumbline.features.definition_items import Definitions
from plumbline.features.grain import Grain
from plumbline.features.splits import SplitWindow

Written = dict[str, tuple[Counts, int]]
"""Per table: what was written, and how many events were left out because no label is known."""


def entries(usecase: FeatureSet) -> list[CatalogEntry]:
    """One entry per feature that the use case declares, and per known column that the model sees."""
    categories = {c.name for c in usecase.categories}
    columns = {c.name for c in usecase.known} - categories
    listed = [_column(usecase, name) for name in usecase.features if name in columns]
    listed += [_snapshot(usecase, s) for s in usecase.snapshots]
    listed += [_hourly(usecase, h) for h in usecase.hourly]
    listed += [_fresh(usecase, f) for f in usecase.fresh]
    listed += [_row(usecase, r) for r in usecase.rows]
    listed += [_category(usecase, c) for c in usecase.categories]
    return listed + [_encoding(usecase, e) for e in usecase.encodings]


def versioned(usecase: FeatureSet, items: Definitions) -> list[CatalogEntry]:
    """The entries with their versions and the hashes of their definitions."""
    return [e.model_copy(update=_defined(items, e.name)) for e in entries(usecase)]


def search(usecase: FeatureSet, words: str) -> list[CatalogEntry]:
    """The entries that hold every word of `words` in name, description, entity or sources."""
    wanted = words.lower().split()
    return [e for e in entries(usecase) if all(w in _text(e) for w in wanted)]


def sources(usecase: FeatureSet, name: str) -> list[str]:
    """The contract columns that a feature is made from, direct or not, sorted."""
    inputs = {r.name: r.inputs for r in usecase.rows}
    if name in inputs:
        return sorted({s for i in inputs[name] for s in sources(usecase, i)})
    for spec in usecase.aggregates:
        if spec.name == name:
            late = usecase.delay and spec.matured
            own = {usecase.entity(spec.entity).column or str(usecase.time), str(usecase.time)}
            for read in (spec.column or usecase.key, *(w.column for w in spec.where)):
                own.update(sources(usecase, read))
            return sorted(own | ({"known_at"} if late else set()))
    for category in usecase.categories:
        if category.name == name:
            return [category.column]
    for encoding in usecase.encodings:
        if encoding.name == name:
            return sorted({encoding.column, usecase.label})
    return [name]


def report(
    usecase: FeatureSet, windows: Mapping[str, SplitWindow], tables: Written
) -> FeaturesReport:
    """The catalog with what was written."""
    shares, items = _missing(tables), live_definitions.of(usecase)
    listed = [
        e.model_copy(update={"missing": shares.get(e.name, 0.0)}) for e in versioned(usecase, items)
    ]
    return FeaturesReport(
        rows=sum(counts.rows for counts, _ in tables.values()),
        tables={
            name: _table(usecase, windows.get(name), counts, unlabelled)
            for name, (counts, unlabelled) in tables.items()
        },
        features=listed,
        views=versioned_views(usecase, items),
    )


def views(usecase: FeatureSet) -> list[FeatureView]:
    """The feature views as the store defines them: one per entity that has snapshots, one for hourly features."""
    return [_view(usecase, entity, grain) for _, entity, grain in grains.stored(usecase)]


def keeper(usecase: FeatureSet, entity: Entity) -> str:
    """The use case in whose views an entity's histories are served."""
    return entity.kept_by or usecase.name


def _view(usecase: FeatureSet, entity: Entity, grain: Grain) -> FeatureView:
    owner = keeper(usecase, entity)
    shared = {} if owner == usecase.name else {"kept_by": owner}
    return FeatureView.model_validate(
        {
            "name": f"{owner}_{entity.name}{grain.ending}",
            "entity": entity.name,
            "join_key": entity.key,
            "description": entity.description,
            "owner": usecase.owner,
            "ttl_days": grain.length.days,
            "features": [s.name for s in grain.specs(usecase, entity)],
            **shared,
        }
    )


def versioned_views(usecase: FeatureSet, items: Definitions) -> list[FeatureView]:
    """The feature views with their versions and the hashes of their definitions."""
    names = [name for name, *_ in grains.stored(usecase)]
    return [
        view.model_copy(
            update={
                "version": definition_items.view_version(items, name),
                "definition": definition_items.view_digest(items, name),
            }
        )
        for name, view in zip(names, views(usecase), strict=True)
    ]


def _defined(items: Definitions, name: str) -> dict[str, object]:
    """Version and hash of a feature; of a column those of the tables."""
    if name in items:
        return {"version": items[name].version, "definition": items[name].digest}
    tables = items[definition_items.TABLES]
    digest = definition_items.column_digest(tables, name)
    return {"version": tables.version, "definition": digest}


def _table(
    usecase: FeatureSet, window: SplitWindow | None, counts: Counts, unlabelled: int
) -> TableFigures:
    days = {} if window is None else {"start": str(window.start), "end": str(window.end)}
    mean = counts.label_sum / counts.labelled if counts.labelled else None
    name = "label_rate" if usecase.problem == "classification" else "label_mean"
    level = {"class_rows": dict(counts.classes)} if usecase.classes else {name: mean}
    figures = {**days, "rows": counts.rows, "without_label": unlabelled, **level}
    figures |= {"ineligible": counts.ineligible} if counts.ineligible else {}
    return TableFigures.model_validate(figures)


def _missing(tables: Written) -> dict[str, float]:
    rows = sum(counts.rows for counts, _ in tables.values()) or 1
    names = {n for counts, _ in tables.values() for n in counts.missing}
    return {n: sum(c.missing.get(n, 0) for c, _ in tables.values()) / rows for n in names}


def _column(usecase: FeatureSet, name: str) -> CatalogEntry:
    column = usecase.column(name)
    description = f"{column.description}, {column.unit}"
    return _entry(usecase, name, kind="column", description=description, dtype=column.type)


def _snapshot(usecase: FeatureSet, spec: Snapshot) -> CatalogEntry:
    when = "days that its label became known in" if spec.matured else "days"
    edge = "to the midnight before" if spec.lag == 1 else f"to {spec.lag} days before"
    return _aggregate(usecase, spec, kind="snapshot", window=f"{spec.days} {when}, {edge}")


def _hourly(usecase: FeatureSet, spec: Hourly) -> CatalogEntry:
    when = "hours that its label became known in" if spec.matured else "hours"
    edge = "to the full hour before" if spec.lag == 1 else f"to {spec.lag} hours before"
    return _aggregate(usecase, spec, kind="hourly", window=f"{spec.hours} {when}, {edge}")


def _fresh(usecase: FeatureSet, spec: Fresh) -> CatalogEntry:
    when = "labels that became known on the same day" if spec.matured else "the same day"
    return _aggregate(usecase, spec, kind="fresh", window=f"{when}, before the event")


def _aggregate(usecase: FeatureSet, spec: Snapshot | Hourly | Fresh, **more: str) -> CatalogEntry:
    return _entry(
        usecase,
        spec.name,
        description=spec.description,
        entity=spec.entity,
        aggregate=spec.aggregate,
        default=spec.empty_value,
        **more,
    )


def _row(usecase: FeatureSet, row: Row) -> CatalogEntry:
    return _entry(usecase, row.name, kind="row", description=row.description)


def _category(usecase: FeatureSet, category: Category) -> CatalogEntry:
    return _entry(
        usecase,
        category.name,
        kind="category",
        description=category.description,
        default=float(len(category.values)),
    )


def _encoding(usecase: FeatureSet, encoding: Encoding) -> CatalogEntry:
    return _entry(usecase, encoding.name, kind="encoding", description=encoding.description)


def _entry(usecase: FeatureSet, name: str, **more: str | float) -> CatalogEntry:
    return CatalogEntry.model_validate(
        {
            "name": name,
            "sources": sources(usecase, name),
            "dtype": "float",
            "owner": usecase.owner,
            "in_model": name in usecase.features,
            **_retired(usecase, name),
            **more,
        }
    )


def _retired(usecase: FeatureSet, name: str) -> dict[str, object]:
    """Why a feature is deprecated and what uses it; nothing of others."""
    return {
        key: value
        for one in usecase.deprecated
        if one.feature == name
        for key, value in (
            ("deprecated", one.reason),
            ("used_by", deprecation.users(usecase, name)),
        )
    }


def _text(entry: CatalogEntry) -> str:
    parts = [entry.name, entry.kind, entry.description, entry.entity, *entry.sources]
    return " ".join(parts).lower()
