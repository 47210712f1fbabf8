"""The `data` section of params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from plumbline.core.params_base import Day, Section
from plumbline.data import encodings


class OutcomeTable(Section):
    """A table of outcomes of their own: the key, the columns not known at prediction time, and when they became known."""

    # kind of source: csv, parquet, url, sql; that of the events where it is not given
    source: Literal["csv", "parquet", "url", "sql"] | None = None
    # the column that says when an outcome became known; a later one of the same key is a correction
    known_at: Annotated[str, Field(min_length=1)] = "known_at"
    path: str | None = None  # csv, parquet: a file, a folder or a glob
    manifest: str | None = None  # csv, parquet: as data.manifest
    url: str | None = None  # url: http, https or file, with variables as in data.url
    sha256: str | None = None  # url: required; csv, parquet: checked when given
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","  # csv: between fields
    encoding: Annotated[str, AfterValidator(encodings.check)] = "utf-8"  # csv: as data.encoding
    max_unpacking: Annotated[int, Field(ge=1)] = 100  # csv: as data.max_unpacking
    address: str | None = None  # sql: as data.address, which is taken where it is not given
    query: str | None = None  # sql: one SELECT


class EventTable(Section):
    """A source of events: its kind, the keys of that kind, and up to which day it is read."""

    source: Literal["simulate", "csv", "parquet", "url", "sql", "served"]  # kind of source
    as_of: Day | None = None  # midnight at the start of this day; nothing later is read
    start: Day | None = None  # first day; nothing earlier is read
    path: str | None = None  # csv, parquet: a file, a folder or a glob
    # csv, parquet: a file in sources/<use case>/, .json or .parquet, that lists what is in `path`, a folder or an
    # s3:// prefix, in which ${PLUMBLINE_DATA_...} may stand: read in place, written by `plumbline manifest`
    manifest: str | None = None
    # url: http, https or file; ${PLUMBLINE_DATA_...} stands for an environment variable
    url: str | None = None
    sha256: str | None = None  # url: required; csv, parquet: checked when given
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","  # csv: between fields
    # csv: utf-8, utf-16, cp1252 (Windows), latin-1 or any other encoding of text that Python knows
    encoding: Annotated[str, AfterValidator(encodings.check)] = "utf-8"
    # csv: a .gz file unpacks to at most so many times its size; up to 100 MB are free
    max_unpacking: Annotated[int, Field(ge=1)] = 100
    # sql: SQLAlchemy's address; ${PLUMBLINE_DATA_...} stands for an environment variable
    address: str | None = None
    query: str | None = None  # sql: one SELECT
    # simulate: the simulator's own settings, for card_fraud those of sources/card_fraud/settings.py
    simulate: Mapping[str, Any] = Field(default_factory=dict)
    # outcomes in a table of their own, with the day on which each became known (docs/outcomes.md)
    outcomes: OutcomeTable | None = None


class Seed(EventTable):
    """What was known before the first sealed day: any kind of source but `served`, read up to its own as_of."""

    @model_validator(mode="after")
    def _is_no_log(self) -> Self:
        if self.source == "served":
            text = ".source: got 'served', expected simulate, csv, parquet, url or sql: a seed has no seed"
            raise PydanticCustomError("grammar", "{text}", {"text": text})
        return self


class Data(EventTable):
    """Where the events come from, and up to which day."""

    # served: the source of the days before the first sealed one; its as_of is that day
    seed: Seed | None = None
    # erasure: by id column, the ids whose rows are left out from the next run on
    forget: Mapping[str, list[int | str]] = Field(default_factory=dict)

    @property
    def own_outcomes(self) -> bool:
        """Whether outcomes have a table of their own: several for an event, each with the moment it became known."""
        return self.outcomes is not None or self.source == "served"
