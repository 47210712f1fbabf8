"""The `data` section of params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from plumbline.core.params_base import Day, Section


class Data(Section):
    """Where the events come from. `as_of`: midnight at the start of that day; nothing later is seen."""

    source: Literal["simulate", "csv", "parquet", "url", "sql"]
    as_of: Day | None = None
    start: Day | None = None
    path: str | None = None  # csv, parquet: a file, a folder or a glob
    url: str | None = None  # http, https, file; ${VARIABLES} taken from the environment
    sha256: str | None = None  # url: required; csv, parquet: checked when given
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","  # csv
    encoding: Literal["utf-8", "utf-16", "latin-1"] = "utf-8"  # csv
    address: str | None = None  # sql: SQLAlchemy address, ${VARIABLES} taken from the environment
    query: str | None = None
    simulate: Mapping[str, Any] = Field(default_factory=dict)
    forget: Mapping[str, list[int | str]] = Field(default_factory=dict)  # an id's column: ids
