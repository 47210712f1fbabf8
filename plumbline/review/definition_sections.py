"""The sections of a comparison about definitions and their versions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from plumbline.review.comparison_sections import Line, Name, Part, Whole


class DefinitionChange(Part):
    """A feature, a view or the tables defined otherwise, with both versions; null where a side lacks it.

    `change`: what is appended to a schema breaks nothing. `declared`: the class it is declared with.
    `reaches`: features that are made of it.
    """

    kind: Literal["feature", "view", "tables"]
    name: Name
    declared: Name
    change: Literal[
        "added", "removed", "renamed", "redefined", "breaking", "appended", "version only"
    ]
    parts: Annotated[list[Name], Field(max_length=100)]
    base: Whole | None
    head: Whole | None
    renamed: Name | None = None
    reaches: Annotated[list[Name], Field(max_length=100)] = Field(default_factory=list)


class DefinitionChanges(Part):
    """What git says of a use case's definitions; `unread`: why it could not be said."""

    changes: Annotated[list[DefinitionChange], Field(max_length=500)]
    unread: Line | None
