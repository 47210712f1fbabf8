"""The OpenAPI 3.1 document of a service, from the contracts and bundles that it serves. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from plumbline.core import only
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.model.bundle import Bundle
from plumbline.model.version import VERSION
from plumbline.serve.online import actions, bodies, examples, schemas, times
from plumbline.serve.online.answers import AnswerWriter
from plumbline.serve.online.checks import CompiledCheck
from plumbline.serve.online.schemas import Schema
from plumbline.serve.online.scorer import CompiledScorer

REFUSALS: Mapping[str, str] = {
    "400": "The body is no strict JSON: not UTF-8, NaN, or a name twice in an object",
    "401": "A token is needed, and there is none that is known",
    "404": "No such path; of explain: nothing was served under this request id or key",
    "405": "Another method than the path has",
    "409": "An event of this key was answered before, and its other values were others",
    "413": "The body is too large",
    "415": "The body is of another type than application/json, or compressed",
    "422": "An event breaks the contract: place, column, found and expected; nothing was counted",
    "429": "Too many requests; see Retry-After",
    "503": "The service cannot answer now: it is starting, its state is stale, its log is broken, or the model fails",
}
"""By status, why a request is not answered. There is no 500."""


@dataclass(frozen=True)
class Served:
    """A use case as it is served: the scorer that answers and its bundle's md5, how old an event may be,
    and how many a request may hold. `contract`: by which the process checks events, where the bundle's has fewer columns.
    """

    scorer: CompiledScorer
    md5: str
    late_days: float
    most: int = bodies.MOST
    contract: FeatureSet | None = None

    @property
    def checked(self) -> FeatureSet:
        """What an event is checked by."""
        return self.contract or self.scorer.usecase

    @property
    def usecase(self) -> FeatureSet:
        """What is declared."""
        return self.scorer.usecase

    @property
    def bundle(self) -> Bundle:
        """What answers."""
        return self.scorer.bundle

    def example(self, now: datetime) -> tuple[Schema, bytes | None]:
        """An event half a minute before `now` (UTC), and its answer where its entities were never seen."""
        raw, check = examples.event(self.checked, now), CompiledCheck(self.checked, self.late_days)
        past = [history.empty_value for history in self.usecase.aggregates]
        try:
            event = check.parsed(raw)
            (scored,) = self.scorer.score([event], [past])
        except PlumblineError:
            return raw, None
        writer = AnswerWriter(self.usecase.key, self.bundle, "champion", self.md5)
        unknown = ["unknown"] if self.usecase.entities else []
        action = actions.planned(scored)
        return raw, writer.write(event[self.usecase.key], scored, action, unknown)


def document(served: Sequence[Served], now: datetime, *, tokens: bool = False) -> Schema:
    """The document; `now` (UTC): examples are half a minute older. `tokens`: whether one is needed."""
    components: Schema = {"schemas": {"problem": schemas.PROBLEM, "refusal": schemas.REFUSAL}}
    paths: Schema = {path: {"get": get} for path, get in service_paths().items()}
    for one in served:
        components["schemas"] |= _schemas(one, now)
        paths |= _paths(one)
    whole: Schema = {
        "openapi": "3.1.0",
        "info": {"title": _title(served), "version": VERSION, "description": _about(served)},
        "paths": paths,
        "components": components,
    }
    if tokens:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        whole["security"] = [{"token": []}]
    return whole


def times_text(one: Served) -> str:
    """What a request must know about times, in a sentence or two."""
    if one.usecase.time is None:
        return "Events have no time."
    name = one.usecase.time
    days = f"{one.late_days:g} day{'' if one.late_days == 1 else 's'}"
    window = f"An event may be {days} old, and 5 minutes ahead of the service's clock."
    if times.is_local(one.usecase.column(name)):
        return f"`{name}` is local time, written without a zone. {window} As no zone is known, half a day more passes."
    return f"`{name}` is UTC: a time with another zone is converted, one without a zone is UTC. {window}"


def rules_text(usecase: FeatureSet) -> str:
    """Which events are taken, and which of them are scored; "" where all are."""
    about = " and ".join(only.words(rule) for rule in usecase.only)
    scored = " and ".join(only.words(rule) for rule in usecase.eligible)
    parts = [f"Only events with {about} are taken."] if about else []
    text = "are scored; others are answered with null and the reason, and count in histories."
    return " ".join([*parts, *([f"Events with {scored} {text}"] if scored else [])])


def _title(served: Sequence[Served]) -> str:
    return "; ".join(one.usecase.title for one in served) or "Plumbline"


def _about(served: Sequence[Served]) -> str:
    each = [f"{s.usecase.name}: {times_text(s)} {rules_text(s.usecase)}".strip() for s in served]
    retry = (
        "The same event again gives the same bytes and is counted once; the same key with other values is refused. "
        "A request is answered whole or refused whole."
    )
    return "\n\n".join([retry, *each])


def _schemas(one: Served, now: datetime) -> Schema:
    case, name = one.usecase, one.usecase.name
    example, answer = one.example(now)
    described = schemas.answer(case, one.bundle)
    if answer is not None:
        described["examples"] = [json.loads(answer)]
    return {
        f"{name}_event": schemas.event(one.checked, example),
        f"{name}_outcome": schemas.outcome(case, examples.outcome(case, now)),
        f"{name}_answer": described,
        f"{name}_answers": _listed("answers", _ref(f"{name}_answer")),
    }


def _paths(one: Served) -> Schema:
    name, top = one.usecase.name, f"/v1/{one.usecase.name}"
    events = _body("events", _ref(f"{name}_event"), one.most)
    outcomes = _body("outcomes", _ref(f"{name}_outcome"), one.most)
    title, answers = f"Score events: {one.usecase.title}", _ref(f"{name}_answers")
    features = _listed("features", schemas.features(one.usecase), one.most)
    explained = _listed("explanations", schemas.explanation(), one.most)
    return {
        f"{top}/score": _post(title, events, answers),
        f"{top}/outcomes": _post("Report what became known of events", outcomes, _accepted()),
        f"{top}/features": _post("The features of events; nothing is counted", events, features),
        f"{top}/explain": _post("Why served events were scored so", _lookup(one), explained),
        f"{top}/model": {"get": _get("The bundles that answer", "application/json")},
    }


def _accepted() -> Schema:
    words = {
        "accepted": "outcomes that were taken",
        "repeated": "of these, received before: they count nothing again",
        "unknown": "of these, of no event that the service knows: kept, and counted once it comes",
    }
    counted = {name: {"type": "integer", "description": text} for name, text in words.items()}
    return {"type": "object", "required": list(words), "properties": counted}


def _lookup(one: Served) -> Schema:
    """What names served events: one of two fields."""
    key = one.usecase.column(one.usecase.key)
    text = "of the response's header X-Request-Id"
    return {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": {
            "request_id": {"type": "string", "description": text},
            key.name: {"type": schemas.TYPES[key.type], "description": key.description},
        },
    }


def service_paths() -> Schema:
    """By path, what the service says about itself."""
    return {
        "/healthz": _get("Whether the process runs", "application/json"),
        "/readyz": _get("Whether it answers requests", "application/json"),
        "/model": _get("The bundles that answer, by use case", "application/json"),
        "/metrics": _get("Metrics for Prometheus", "text/plain"),
        "/openapi.json": _get("This document", "application/json"),
        "/docs": _get("This document as a page", "text/html"),
    }


def _get(summary: str, kind: str) -> Schema:
    return {"summary": summary, "responses": {"200": {"description": "Yes", "content": {kind: {}}}}}


def _post(summary: str, body: Schema, answer: Schema) -> Schema:
    good = {"description": "Answered", "content": _json(answer)}
    bad = {s: {"description": d, "content": _json(_ref("refusal"))} for s, d in REFUSALS.items()}
    return {
        "post": {
            "summary": summary,
            "requestBody": {"required": True, "content": _json(body)},
            "responses": {"200": good, **bad},
        }
    }


def _body(name: str, item: Schema, most: int) -> Schema:
    """The three forms of a body."""
    return {"oneOf": [_listed(name, item, most), _list(item, most), item]}


def _listed(name: str, item: Schema, most: int = bodies.MOST) -> Schema:
    return {
        "type": "object",
        "required": [name],
        "additionalProperties": False,
        "properties": {name: _list(item, most)},
    }


def _list(item: Schema, most: int) -> Schema:
    return {"type": "array", "items": item, "minItems": 1, "maxItems": most}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}
