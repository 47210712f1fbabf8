"""JSON Schemas of a use case's requests and answers, from its contract and its bundle. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from plumbline.core.declarations import Column
from plumbline.core.usecase import Contract, FeatureSet
from plumbline.model.bundle import Bundle
from plumbline.serve import scoring
from plumbline.serve.online import column_checks, explain, times
from plumbline.serve.online.answers import ACTION, INELIGIBLE
from plumbline.serve.online.column_checks import LONGEST_TEXT, ColumnCheck
from plumbline.serve.protocols import Flag

Schema = dict[str, Any]
TYPES = {
    "int": "integer",
    "float": "number",
    "string": "string",
    "bool": "boolean",
    "timestamp": "string",
}
LOCAL = r"^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?$"
PROBLEM: Schema = {
    "type": "object",
    "required": ["column", "found", "expected"],
    "properties": {
        "event": {
            "type": ["integer", "null"],
            "description": "place in the request, from 0; null: the body",
        },
        "column": {"type": "string"},
        "found": {"type": "string"},
        "expected": {"type": "string"},
    },
}
REFUSAL: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {"type": "string", "description": "what was expected, what was found, what to do"},
        "reason": {"type": "string", "description": "one word, as the metrics count it"},
        "problems": {"type": "array", "items": {"$ref": "#/components/schemas/problem"}},
        "unchecked": {"type": "integer", "description": "events that were not looked at any more"},
    },
}


INELIGIBLE_FIELD: Schema = {
    INELIGIBLE: {
        "type": "array",
        "items": {"type": "string"},
        "description": "why the model does not score the event; the other answers are null then",
    }
}


def event(usecase: Contract, example: Schema) -> Schema:
    """An event of a request."""
    checks = column_checks.compiled(usecase, usecase.known, "events", usecase.optional)
    return _object(zip(usecase.known, checks, strict=True), example)


def outcome(usecase: Contract, example: Schema) -> Schema:
    """An outcome of a request: the key, what became known, and when."""
    return _object(column_checks.outcome_fields(usecase), example)


def answer(usecase: FeatureSet, bundle: Bundle) -> Schema:
    """The answer to one event."""
    names = scoring.probability_names(bundle.classes) if bundle.classes else [scoring.SCORE]
    number = {"type": ["number", "null"]} if bundle.problem == "regression" else _probability()
    words = _score_words(usecase, bundle)
    fields: Schema = {usecase.key: {"type": TYPES[usecase.column(usecase.key).type]}}
    fields |= {name: {**number, "description": words} for name in names}
    if bundle.threshold is not None:
        text = f"whether the score is at least {bundle.threshold:g}"
        fields[scoring.ALARM] = {"type": ["boolean", "null"], "description": text}
    policy = bundle.manifest.decisions
    if bundle.classes or policy:
        choices = (
            [*bundle.classes, None] if bundle.classes else [*(policy.names if policy else ()), None]
        )
        fields[scoring.DECISION] = {"enum": choices, "description": "what the model's policy says"}
    if bundle.threshold is not None or bundle.classes or policy:
        fields[ACTION] = _action(bundle)
    fields |= {
        "arm": {"type": "string", "description": "arm of the routes that answered"},
        "bundle": {"type": "string", "description": "md5 of the bundle that answered"},
        "flags": {"type": "array", "items": {"enum": list(get_args(Flag))}},
    }
    schema: Schema = {"type": "object", "required": [*fields], "properties": fields}
    return {**schema, "properties": {**fields, **(INELIGIBLE_FIELD if usecase.eligible else {})}}


def _action(bundle: Bundle) -> Schema:
    text = (
        "what to do: the decision, or whether there is an alarm; a small share of events whose decision would withhold "
        "the outcome pass all the same, so that something is learnt of them (serve.explore)"
    )
    kinds = sorted({"integer" if isinstance(c, int) else "string" for c in bundle.classes})
    return {
        "type": [*kinds, *([] if "string" in kinds else ["string"]), "null"],
        "description": text,
    }


def features(usecase: FeatureSet) -> Schema:
    """The features of one event: its key, and each by name; null where it is none."""
    about = explain.descriptions(usecase)
    declared = (*usecase.aggregates, *usecase.rows, *usecase.categories)
    fields = {
        one.name: {"type": ["number", "null"], "description": about[one.name]} for one in declared
    }
    key = {"type": TYPES[usecase.column(usecase.key).type]}
    return {
        "type": "object",
        "properties": {usecase.key: key, "features": {"type": "object", "properties": fields}},
    }


def explanation() -> Schema:
    """Why one event was scored so."""
    whole = explain.ServedExplanation.model_json_schema()
    reason = whole.pop("$defs")["Reason"]
    whole["properties"]["reasons"]["items"] = reason
    return whole


def column(column: Column, check: ColumnCheck) -> Schema:
    """One field of a request."""
    schema: Schema = {"type": TYPES[column.type]}
    if column.type == "timestamp":
        schema |= {"pattern": LOCAL} if times.is_local(column) else {"format": "date-time"}
    if column.type == "string" and not column.allowed:
        schema["maxLength"] = LONGEST_TEXT
    schema |= _limits(column, check)
    if check.null:
        schema["type"] = [schema["type"], "null"]
    if check.allowed is not None:
        allowed = column.allowed or sorted(check.allowed)
        schema["enum"] = [*allowed, *([None] if check.null else [])]
    unit = f", {column.unit}" if column.unit != "-" else ""
    return {**schema, "description": f"{column.description}{unit}", "x-unit": column.unit}


def _limits(column: Column, check: ColumnCheck) -> Schema:
    if column.type == "int":
        most = column_checks.LARGEST_INT
        low, high = (
            (-most - 1 if check.low is None else check.low),
            (most if check.high is None else check.high),
        )
        return {"minimum": low, "maximum": high}
    ends = {"minimum": check.low, "maximum": check.high}
    return {name: end for name, end in ends.items() if end is not None}


def _object(columns: Iterable[tuple[Column, ColumnCheck]], example: Schema) -> Schema:
    listed = list(columns)
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [check.name for _, check in listed if check.required],
        "properties": {check.name: column(one, check) for one, check in listed},
        "examples": [example],
    }


def _probability() -> Schema:
    return {"type": ["number", "null"], "minimum": 0, "maximum": 1}


def _score_words(usecase: Contract, bundle: Bundle) -> str:
    label = usecase.column(usecase.label)
    if bundle.problem == "regression":
        unit = f", {label.unit}" if label.unit != "-" else ""
        return f"predicted {label.name}: {label.description}{unit}"
    return f"calibrated probability: {label.description}"
