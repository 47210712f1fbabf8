"""What every section of params.yaml is made of: a frozen model and the common field types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Day = Annotated[date, Field(strict=False)]  # DVC takes no YAML dates: quoted, "2025-07-01"
Severity = Literal["block", "quarantine", "warn"]


class Section(BaseModel):
    """A section of params.yaml: frozen, with no key that is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def grammar(
    check: Callable[[Mapping[str, Any]], Any], value: Mapping[str, Any]
) -> Mapping[str, Any]:
    """`value`, or a validation error with the text of the ValueError that `check` raises."""
    try:
        check(value)
    except ValueError as error:  # its text begins where the key ends
        raise PydanticCustomError("grammar", "{text}", {"text": str(error)}) from None
    return value
