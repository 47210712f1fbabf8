"""Why a service answered as it did, from its log: event, histories, features, reasons, outcome, lineage. An edge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from plumbline import config
from plumbline.core import dvc_hash, usecase_loader
from plumbline.core.documents import finite
from plumbline.core.errors import BundleError, PlumblineError
from plumbline.ops.lineage import render, served_event
from plumbline.ops.serving import places
from plumbline.ops.serving.logged import ServedEvent
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.serve.online import explain as explanations
from plumbline.serve.online import scorer as scorers
from plumbline.serve.params import Serve
from plumbline.serve.protocols import LoggedEvent, LoggedOutcome
from plumbline.serve.routes.bundle_store import BundleStore
from plumbline.studies.explain import served_histories, served_route, served_similar
from plumbline.studies.explain.explanation_document import LineageOrNote, SimilarEvents
from plumbline.studies.explain.served_document import (
    ServedEventRecord,
    ServedEvents,
    ServedHistories,
    ServedOutcome,
    ServedRoute,
    ShadowScore,
)

MOST = 20
"""Events of a request that are explained."""
SHOWN = 12
"""Histories and features of which a terminal shows the values."""


def record(root: Path, event: ServedEvent) -> ServedEventRecord:
    """Everything known of one answer. What cannot be had (bundle, commit) is a note, not an error."""
    row, names = event.row, event.description
    explanation, note = None, None
    similar: SimilarEvents | str = "without reasons no event is like another"
    try:
        loaded = scorers.load(_bundle(root, event.usecase, row.bundle))
        explanation = explanations.explain(loaded, row)
        similar = served_similar.events(root, loaded, row, explanation)
    except PlumblineError as error:
        note = str(error)
    route, histories = _where_from(root, event)
    return ServedEventRecord(
        facts=served_event.prediction(event),
        event={name: _readable(value) for name, value in row.event.items()},
        aggregates=_numbers(names.named("aggregates", row.aggregates)),
        computed=_numbers(names.named("computed", row.computed)),
        derived=names.named("derived", row.derived),
        raw=list(row.raw),
        action=row.action,
        propensity=row.propensity,
        flags=list(row.flags),
        micros=row.micros,
        answer=row.answer.decode(errors="replace"),
        shadows=[_shadow(one) for one in event.shadows],
        outcomes=[_outcome(one) for one in event.outcomes],
        explanation=explanation,
        explanation_note=note,
        route=route,
        histories=histories,
        similar=similar,
        lineage=_lineage(root, event),
    )


def _where_from(root: Path, event: ServedEvent) -> tuple[ServedRoute | str, ServedHistories | str]:
    """Why this arm, and the tiles that the histories are the sums of; or why either is not known."""
    try:
        usecase = usecase_loader.load_features(event.usecase)
        path = root / config.FILE
        serve = config.load(event.usecase, path).serve if path.is_file() else Serve()
        route = served_route.route(root, usecase, event.row, serve.route_by)
        return route, served_histories.histories(root, usecase, event.row, serve.late_days)
    except PlumblineError as error:
        return str(error), str(error)


def records(root: Path, events: Sequence[ServedEvent]) -> ServedEvents:
    """The records of the first events, at most MOST."""
    listed = [record(root, event) for event in events[:MOST]]
    return ServedEvents(events=listed, left_out=len(events) - len(listed))


def lines(records: ServedEvents) -> Iterator[str]:
    """The records as lines of a terminal, a blank line between two events."""
    for place, one in enumerate(records.events):
        yield from ([""] if place else [])
        yield from _lines(one)
    if records.left_out:
        yield f"and {records.left_out} more events of the request: choose one with --key"


def _lines(one: ServedEventRecord) -> Iterator[str]:
    facts = one.facts
    if one.explanation is not None:
        yield from explanations.text(one.explanation)
    else:
        yield f"{facts.usecase} {facts.key}, request {facts.request_id}, arm {facts.arm}, bundle {facts.bundle}"
        yield f"score {', '.join(f'{s:.6g}' for s in facts.score) or 'none'}; no reasons: {one.explanation_note}"
    flags = f"; flags: {', '.join(one.flags)}" if one.flags else ""
    yield f"answered {one.answer}{flags}, after {one.micros / 1000:.1f} ms"
    yield f"event: {_values(one.event)}"
    for title, values in (("histories", one.aggregates), ("row features", one.computed)):
        if values:
            yield f"{title}: {_values(values)}"
    yield from _origin(one)
    yield from (f"shadow {s.arm} ({s.bundle}): {_scores(s)}" for s in one.shadows)
    yield from (f"outcome, received {o.received}: {_values(o.values)}" for o in one.outcomes)
    if one.lineage.chain is None:
        yield f"no lineage: {one.lineage.note}"
    else:
        yield "lineage:"
        yield from (f"  {line}" for line in render.tree(one.lineage.chain))


def _origin(one: ServedEventRecord) -> Iterator[str]:
    """Route, tiles and similar events, in a few lines."""
    route, past, like = one.route, one.histories, one.similar
    if isinstance(route, str):
        yield f"no route: {route}"
    else:
        weights = ", ".join(f"{name} {weight} %" for name, weight in route.weights.items())
        odd = "" if route.agrees else "; NOT the arm that the log has"
        yield (
            f"arm: {route.by} {route.value} has slot {route.slot} of 100, which is {route.arm}'s by routes {route.version} "
            f"({weights}) of {route.since}, {route.what}{odd}"
        )
    if isinstance(past, str):
        yield f"no tiles: {past}"
    else:
        same = (
            "the logged ones"
            if not past.differing
            else f"NOT the logged {', '.join(past.differing[:3])}"
        )
        yield f"histories are sums of {len(past.tiles)} tiles of {past.seed} and the rows since: {same}"
    if isinstance(like, str):
        yield f"no similar events: {like}"
    else:
        yield f"mean label of the {like.counted} most like it of {like.searched:,} in train: {like.mean_label:.4g}; of all {like.mean_label_of_all:.4g}"
        yield from (
            f"  {o.apart:.4f}  {o.key}: {o.label}; {_values(o.values)}" for o in like.nearest
        )


def _bundle(root: Path, usecase: str, md5: str) -> Path:
    """The bundle that answered: the service's copy, or the checkout's; BundleError for neither."""
    store = BundleStore(places.folder(root, usecase))
    own = artifacts.path(usecase, Role.BUNDLE, root)
    if not store.problem(md5):
        return store.model(md5)
    if own.is_dir() and dvc_hash.md5(own) == md5:
        return own
    raise BundleError(
        f"bundle {md5}: neither in {store.folder} nor the checkout's; check out a commit that has it "
        f"(`plumbline lineage {md5.removesuffix('.dir')}`)"
    )


def _lineage(root: Path, event: ServedEvent) -> LineageOrNote:
    try:
        return LineageOrNote(chain=served_event.lineage(root, event), note=None)
    except PlumblineError as error:
        return LineageOrNote(chain=None, note=str(error))


def _shadow(row: LoggedEvent) -> ShadowScore:
    return ShadowScore(
        arm=row.arm,
        bundle=row.bundle,
        score=list(row.score),
        alarm=row.alarm,
        decision=row.decision,
    )


def _outcome(row: LoggedOutcome) -> ServedOutcome:
    return ServedOutcome(
        received=served_event.utc(row.received),
        known_at=served_event.utc(row.known_at),
        values={name: _readable(value) for name, value in row.values.items()},
        matched=row.matched,
    )


def _scores(shadow: ShadowScore) -> str:
    score = ", ".join(f"{one:.6g}" for one in shadow.score)
    return score + (f", decision {shadow.decision}" if shadow.decision else "")


def _values(values: Mapping[str, Any]) -> str:
    shown = [f"{name} {_short(value)}" for name, value in list(values.items())[:SHOWN]]
    more = len(values) - SHOWN
    return ", ".join(shown) + (f" and {more} more (--json)" if more > 0 else "")


def _short(value: Any) -> str:
    if value is None:
        return "null"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _numbers(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: finite(value) for name, value in values.items()}


def _readable(value: Any) -> Any:
    """A value for JSON; a time as ISO 8601."""
    return value.isoformat() if isinstance(value, datetime) else value
