"""Why an arm answered an event: the routes of then, and the entity's slot in them. An edge: reads the journal."""

from __future__ import annotations

from pathlib import Path

from plumbline.core.usecase import FeatureSet
from plumbline.ops.serving import places
from plumbline.serve.protocols import LoggedEvent
from plumbline.serve.routes import choice, routes_file
from plumbline.studies.explain.served_document import ServedRoute


def route(
    root: Path, usecase: FeatureSet, row: LoggedEvent, route_by: str | None
) -> ServedRoute | str:
    """The route, or why it is not known any more."""
    folder = places.folder(root, usecase.name)
    entries = [e for e in routes_file.history(folder) if e.routes.version == row.route_version]
    if not entries:
        return f"{folder / routes_file.JOURNAL} has no version {row.route_version} of the routes"
    entry = entries[-1]
    value = choice.routed_by(usecase, row.event, route_by)
    slot = choice.slot(entry.routes.salt, value)
    arm = choice.choice(entry.routes, value)
    return ServedRoute(
        version=row.route_version,
        since=entry.when,
        what=entry.what,
        by=_by(usecase, row, value, route_by),
        value=str(value),
        salt=entry.routes.salt,
        slot=slot,
        arm=arm.name,
        weights={one.name: one.weight for one in entry.routes.live},
        agrees=(arm.name, arm.bundle) == (row.arm, row.bundle),
    )


def _by(usecase: FeatureSet, row: LoggedEvent, value: object, route_by: str | None) -> str:
    """The column whose value chose: an entity's, or the key."""
    entity = usecase.entity(route_by) if route_by else None
    column = entity.column if entity else next(iter(usecase.entity_columns), None)
    return column if column is not None and row.event.get(column) == value else usecase.key
