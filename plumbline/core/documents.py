"""Documents that cross a stage or a process: frozen models, written and read as JSON files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)

from plumbline.core import files
from plumbline.core.errors import PlumblineError

REMEDY = "restore it with `dvc checkout`, or run `dvc repro`"
DIGITS = 6
"""Significant digits of a written figure: the last bits of a sum are no matter of the model's."""
SHOWN = 60
"""Characters of a wrong value that an error repeats."""
FAULTS = {"extra_forbidden": "unknown key", "missing": "missing key"}


class Document(BaseModel):
    """A JSON document, or a section of one: frozen, with no key that is not declared.

    A float that is not finite becomes null in JSON: declare it `float | None` and pass `finite(value)`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    def plain(self) -> dict[str, Any]:
        """The document as dictionaries, lists and scalars, as `files.dumps` writes it."""
        return self.model_dump(mode="json", by_alias=True)


class SparseDocument(Document):
    """A document whose JSON has only the keys that were given, even where their value is null.

    >>> class Ends(SparseDocument):
    ...     first: int | None = None
    ...     last: int | None = None
    >>> Ends(first=None).plain()
    {'first': None}
    """

    @model_serializer(mode="wrap")
    def _only_given(self, handler: SerializerFunctionWrapHandler) -> Mapping[str, Any]:
        values = handler(self)
        return {name: value for name, value in values.items() if name in self.model_fields_set}


DocumentType = TypeVar("DocumentType", bound=Document)


def write(path: Path, document: Document) -> None:
    """Write the document as `files.write_json` does: whole or not at all, the same bytes each time."""
    files.write_json(path, document.plain())


def read(kind: type[DocumentType], path: Path, remedy: str = REMEDY) -> DocumentType:
    """The document in the file; PlumblineError with file, key, expected, found and remedy if it is wrong."""
    return parse(kind, files.read_json(path), str(path), remedy)


def parse(kind: type[DocumentType], value: Any, name: str, remedy: str = REMEDY) -> DocumentType:
    """`value`, out of JSON, as a document; `name` says in errors where it came from.

    >>> class Point(Document):
    ...     x: int
    >>> parse(Point, {"x": 1}, "point.json")
    Point(x=1)
    >>> parse(Point, {"x": "a"}, "point.json", "write it again")
    Traceback (most recent call last):
    plumbline.core.errors.PlumblineError: point.json, x: Input should be a valid integer, unable to parse string as an integer, found 'a'; write it again
    """
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise PlumblineError(f"{name}, {_first(error)}; {remedy}") from None


def finite(value: float | None) -> float | None:
    """None in place of a number that JSON cannot hold.

    >>> finite(0.5), finite(float("nan")), finite(None)
    (0.5, None, None)
    """
    return value if value is not None and abs(value) < float("inf") else None


def rounded(value: float, digits: int = DIGITS) -> float:
    """To significant digits.

    >>> rounded(0.123456789)
    0.123457
    """
    return float(f"{value:.{digits}g}")


def schema(kind: type[Document], title: str) -> dict[str, Any]:
    """The JSON schema of a document, generated from its model."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **kind.model_json_schema(by_alias=True),
        "title": title,
    }


def _first(error: ValidationError) -> str:
    """Key, expected and found of the first fault."""
    fault = error.errors(include_url=False, include_context=False)[0]
    key = ".".join(map(str, fault["loc"])) or "the whole"
    if fault["type"] in FAULTS:
        return f"{key}: {FAULTS[fault['type']]}"
    shown = repr(fault["input"])
    return f"{key}: {fault['msg']}, found {shown[:SHOWN]}{'…' if len(shown) > SHOWN else ''}"
