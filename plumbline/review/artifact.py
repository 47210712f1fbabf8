"""A comparison from a run of a stranger's code: checked as data against a schema, then rendered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

from plumbline.core.errors import PlumblineError
from plumbline.report import markdown
from plumbline.review import document

SCHEMA = Path(__file__).with_name("comparison.schema.json")
LARGEST = 2_000_000
"""Bytes."""


def rendered(path: Path) -> str:
    """The report as Markdown; PlumblineError, which repeats nothing of the file, where it is refused."""
    found = read(path)
    try:
        return markdown.comment(document.blocks(found, path.name))
    except (PlumblineError, ArithmeticError, RecursionError):
        raise PlumblineError(f"{path}: figures or names are missing: nothing is posted") from None


def read(path: Path) -> dict[str, Any]:
    """The JSON, no larger than LARGEST and as the schema says."""
    data = _bytes(path)
    try:
        found = json.loads(data, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise PlumblineError(f"{path}: not JSON: nothing is posted") from None
    wrong = _wrong(found)
    if wrong:
        raise PlumblineError(f"{path}: not a comparison: breaks {wrong} of {SCHEMA.name}")
    checked: dict[str, Any] = found
    return checked


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise PlumblineError(f"{path}: {error.strerror}; did the other job upload it?") from None
    if len(data) > LARGEST:
        raise PlumblineError(f"{path}: larger than {LARGEST:,} bytes: nothing is posted")
    return data


def _wrong(found: Any) -> str:
    """Which rule of the schema is broken, in the schema's own words; empty where none is."""
    from jsonschema import Draft202012Validator

    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    try:
        error = next(Draft202012Validator(schema).iter_errors(found), None)
    except RecursionError:
        return "its depth"
    return "/".join(str(p) for p in error.absolute_schema_path) if error else ""


def _no_number(_text: str) -> NoReturn:
    raise ValueError
