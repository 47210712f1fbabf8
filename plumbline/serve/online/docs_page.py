"""The page /docs: how to send requests and read answers, from the contract. Works offline, without a script. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from plumbline.core.declarations import KNOWN_AT, Column
from plumbline.report import html
from plumbline.report.blocks import Block, Heading, Link, Links, Table, Text, Title
from plumbline.serve.online import column_checks, examples, openapi, schemas, times
from plumbline.serve.online.column_checks import LONGEST_TEXT, ColumnCheck
from plumbline.serve.online.openapi import Served
from plumbline.serve.online.schemas import Schema

if TYPE_CHECKING:
    from markupsafe import Markup

FIELDS = ("field", "type", "unit", "what may stand there", "what it is")
TYPES = {
    "int": "whole number",
    "float": "number",
    "string": "text",
    "bool": "true or false",
    "timestamp": "time",
}
FLAGS = (
    ("late", "the event is older than a minute: it counts on its own day"),
    ("unknown", "an entity that was never seen"),
    ("defaulted", "an entity's id is null: its histories have their declared defaults"),
    ("stale", "no event was received for too long, so that histories may be out of date"),
    ("unlogged", "the answer is not in the prediction log"),
)
Part = Block | str
"""A block of the report, or a command and its output."""


def page(served: Sequence[Served], address: str, now: datetime, *, tokens: bool = False) -> str:
    """The whole page; `address`: of the service, such as http://127.0.0.1:8400; `now` (UTC): examples are as of then."""
    title = "Requests and answers"
    body = [_html([Title(title), *_start(served)])]
    body += [_section(one, address, now, tokens) for one in served]
    return html.page(title, "\n".join([*body, _html(_service())]))


def _section(one: Served, address: str, now: datetime, tokens: bool) -> str:
    inner = _html(_usecase(one, address, now, tokens))
    return f'<section id="{one.usecase.name}">\n{inner}\n</section>'


def _html(parts: Iterable[Part]) -> str:
    return "\n".join(map(_fragment, parts))


def _fragment(part: Part) -> str:
    return str(_command(part) if isinstance(part, str) else html.fragment(part))


def _command(text: str) -> Markup:
    """A command or its output, lines kept."""
    from markupsafe import Markup

    frame = '<pre style="white-space:pre-wrap;background:var(--soft);padding:.5rem"><code style="padding:0">{}</code></pre>'
    return Markup(frame).format(text)


def _start(served: Sequence[Served]) -> Iterator[Part]:
    yield Text(
        "Send events as JSON, get a score for each. A request is answered whole or refused whole. The same event "
        "again gives the same bytes and is counted once; the same key with other values is refused with 409."
    )
    if len(served) > 1:
        yield Links([Link(f"#{s.usecase.name}", s.usecase.title) for s in served])


def _usecase(one: Served, address: str, now: datetime, tokens: bool) -> Iterator[Part]:
    case, top = one.usecase, f"{address}/v1/{one.usecase.name}"
    event, answer = one.example(now)
    yield Heading(f"{case.name}: {case.title}")
    yield Heading("Score events", 3)
    yield Text(
        f'`POST /v1/{case.name}/score` takes one event, a list of 1 to {one.most:,}, or `{{"events": [...]}}`. '
        f"{openapi.times_text(one)} {openapi.rules_text(case)}".strip()
    )
    yield _curl(f"{top}/score", event, tokens)
    if answer is not None:
        yield Text("The answer, here of an event whose entities were never seen:")
        yield json.dumps({"answers": [json.loads(answer)]}, indent=2)
    own = one.checked
    checks = column_checks.compiled(own, own.known, "events", own.optional)
    yield _fields("Fields of an event", list(zip(own.known, checks, strict=True)))
    yield _answer_fields(one)
    yield from _later(one, top, now, tokens)


def _later(one: Served, top: str, now: datetime, tokens: bool) -> Iterator[Part]:
    """What is sent about events that were scored."""
    case, name = one.usecase, one.usecase.name
    yield Heading("Report outcomes", 3)
    yield Text(
        f"`POST /v1/{name}/outcomes` takes what became known of events. Histories count it from `{KNOWN_AT}` on; "
        "without it, from now on."
    )
    outcome = examples.outcome(case, now)
    yield _curl(f"{top}/outcomes", outcome, tokens)
    yield _fields("Fields of an outcome", column_checks.outcome_fields(case))
    yield Heading("Look behind a score", 3)
    yield Text(
        f"`POST /v1/{name}/explain` says what each feature added to the score of a served event. "
        f"`POST /v1/{name}/features` takes events as `score` does and gives their features; nothing is counted. "
        f"`GET /v1/{name}/model` names the bundles that answer."
    )
    yield _curl(f"{top}/explain", {case.key: outcome[case.key]}, tokens)


def _curl(address: str, body: Any, tokens: bool) -> str:
    token = ' \\\n  -H "Authorization: Bearer $TOKEN"' if tokens else ""
    text = json.dumps(body, ensure_ascii=False).replace("'", "'\\''")
    return f"curl -s {address} \\\n  -H 'Content-Type: application/json'{token} \\\n  -d '{text}'"


def _fields(title: str, columns: Sequence[tuple[Column, ColumnCheck]]) -> Table:
    rows = [(c.name, TYPES[c.type], c.unit, _limits(c, k), c.description) for c, k in columns]
    return Table(title, FIELDS, rows, frozenset())


def _limits(column: Column, check: ColumnCheck) -> str:
    unit = "" if column.unit == "-" else f" {column.unit}"  # it has a column of its own
    words = [check.within.replace(unit, "") if unit else check.within, check.choices]
    if column.type == "timestamp":
        words.append(times.expected(times.is_local(column)))
    if column.type == "string" and not column.allowed:
        words.append(f"at most {LONGEST_TEXT:,} characters")
    words += ["or null"] if check.null else []
    words += [] if check.required else ["may be left out"]
    return "; ".join(word for word in words if word) or "any"


def _answer_fields(one: Served) -> Table:
    described = schemas.answer(one.usecase, one.bundle)["properties"]
    rows = [(name, _words(one, name, field)) for name, field in described.items()]
    return Table("Fields of an answer", ("field", "what it says"), rows, frozenset())


def _words(one: Served, name: str, field: Schema) -> str:
    if name == one.usecase.key:
        return one.usecase.column(name).description
    if name == "flags":
        return "; ".join(f"`{flag}`: {words}" for flag, words in FLAGS)
    choices = ", ".join(str(choice) for choice in field.get("enum", ()) if choice is not None)
    return str(field.get("description") or f"one of {choices}")


def _service() -> Iterator[Part]:
    yield Heading("When a request is not answered")
    yield Text(
        'The body is `{"error": ..., "problems": [...]}`: a message, and each problem with its event, column, what was '
        "found and what was expected. Nothing of the request was counted."
    )
    yield Table("Statuses", ("status", "why"), [*openapi.REFUSALS.items()], frozenset())
    yield Heading("The service itself")
    paths = [(f"GET {path}", get["summary"]) for path, get in openapi.service_paths().items()]
    yield Table("Paths", ("path", "what it gives"), paths, frozenset())
