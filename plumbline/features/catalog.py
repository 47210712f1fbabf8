"""The feature catalog: what a use case's features are, as plain values for JSON, a list or a search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plumbline.core.usecase import Category, Fresh, Row, Snapshot, UseCase
from plumbline.features.splits import SplitWindow


def entries(usecase: UseCase) -> list[dict[str, Any]]:
    """One entry per feature that the use case declares, and per known column that the model sees.

    Each has name, kind (column, snapshot, fresh, row, category), description, sources (contract
    columns), dtype, owner; where it applies entity, aggregate, window, default; and whether the model
    uses it.
    """
    made = [_column(usecase, name) for name in usecase.features if name in _known(usecase)]
    made += [_snapshot(usecase, s) for s in usecase.snapshots]
    made += [_fresh(usecase, f) for f in usecase.fresh]
    made += [_row(usecase, r) for r in usecase.rows]
    made += [_category(c) for c in usecase.categories]
    used = {"owner": usecase.owner}
    return [{**entry, **used, "in_model": entry["name"] in usecase.features} for entry in made]


def search(usecase: UseCase, words: str) -> list[dict[str, Any]]:
    """The entries that hold every word of `words` in name, description, entity or sources."""
    wanted = words.lower().split()
    return [e for e in entries(usecase) if all(w in _text(e) for w in wanted)]


def sources(usecase: UseCase, name: str) -> list[str]:
    """The contract columns that a feature is made from, direct or not, sorted."""
    made = {r.name: r.inputs for r in usecase.rows}
    if name in made:
        return sorted({s for i in made[name] for s in sources(usecase, i)})
    for spec in usecase.aggregates:
        if spec.name == name:
            late = usecase.label_delay and getattr(spec, "matured", False)
            own = {usecase.entity(spec.entity).column, str(usecase.time)}
            for read in (spec.column or usecase.key, *(w.column for w in spec.where)):
                own.update(sources(usecase, read))
            return sorted(own | ({"known_at"} if late else set()))
    for category in usecase.categories:
        if category.name == name:
            return [category.column]
    return [name]


def report(
    usecase: UseCase, windows: Mapping[str, SplitWindow], tables: Mapping[str, Any]
) -> dict[str, Any]:
    """The catalog with what was written, for metrics/<usecase>/features.json.

    `tables` maps a table's name to its `plumbline.core.tables.Counts` and the number of events without
    a known label that were left out.
    """
    shares = _missing(tables)
    return {
        "rows": sum(counts.rows for counts, _ in tables.values()),
        "tables": {
            name: _table(usecase, windows.get(name), counts, unlabelled)
            for name, (counts, unlabelled) in tables.items()
        },
        "features": [{**e, "missing": shares.get(e["name"], 0.0)} for e in entries(usecase)],
        "views": views(usecase),
    }


def views(usecase: UseCase) -> list[dict[str, Any]]:
    """The feature views as the store defines them: one per entity that has snapshots."""
    return [
        {
            "name": f"{usecase.name}_{entity.name}",
            "entity": entity.name,
            "join_key": entity.column,
            "description": entity.description,
            "owner": usecase.owner,
            "ttl_days": 1,
            "features": [s.name for s in usecase.snapshots if s.entity == entity.name],
        }
        for entity in usecase.entities
        if any(s.entity == entity.name for s in usecase.snapshots)
    ]


def _table(
    usecase: UseCase, window: SplitWindow | None, counts: Any, unlabelled: int
) -> dict[str, Any]:
    dates = {} if window is None else {"start": str(window.start), "end": str(window.end)}
    rate = counts.label_sum / counts.labelled if counts.labelled else None
    name = "label_rate" if usecase.problem == "classification" else "label_mean"
    return {**dates, "rows": counts.rows, "without_label": unlabelled, name: rate}


def _missing(tables: Mapping[str, Any]) -> dict[str, float]:
    rows = sum(counts.rows for counts, _ in tables.values()) or 1
    names = {n for counts, _ in tables.values() for n in counts.missing}
    return {n: sum(c.missing.get(n, 0) for c, _ in tables.values()) / rows for n in names}


def _known(usecase: UseCase) -> set[str]:
    made = {c.name for c in usecase.categories}
    return {c.name for c in usecase.known} - made


def _column(usecase: UseCase, name: str) -> dict[str, Any]:
    column = usecase.column(name)
    return _entry(name, "column", f"{column.description}, {column.unit}", [name], column.type)


def _snapshot(usecase: UseCase, spec: Snapshot) -> dict[str, Any]:
    when = "days that its label became known in" if spec.matured else "days"
    return {
        **_entry(spec.name, "snapshot", spec.description, sources(usecase, spec.name), "float"),
        "entity": spec.entity,
        "aggregate": spec.aggregate,
        "window": f"{spec.days} {when}, to the midnight before",
        "default": spec.empty_value,
    }


def _fresh(usecase: UseCase, spec: Fresh) -> dict[str, Any]:
    return {
        **_entry(spec.name, "fresh", spec.description, sources(usecase, spec.name), "float"),
        "entity": spec.entity,
        "aggregate": spec.aggregate,
        "window": "the same day, before the event",
        "default": spec.empty_value,
    }


def _row(usecase: UseCase, row: Row) -> dict[str, Any]:
    return _entry(row.name, "row", row.description, sources(usecase, row.name), "float")


def _category(category: Category) -> dict[str, Any]:
    return {
        **_entry(category.name, "category", category.description, [category.column], "float"),
        "default": float(len(category.values)),
    }


def _entry(name: str, kind: str, text: str, columns: list[str], dtype: str) -> dict[str, Any]:
    return {"name": name, "kind": kind, "description": text, "sources": columns, "dtype": dtype}


def _text(entry: Mapping[str, Any]) -> str:
    parts = [entry["name"], entry["kind"], entry["description"], entry.get("entity", "")]
    return " ".join([*parts, *entry["sources"]]).lower()
