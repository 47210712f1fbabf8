"""The `tune` section of params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from plumbline.core.params_base import Count, Section, grammar
from plumbline.model.params import Settings
from plumbline.tune import space


def _space(value: Mapping[str, Any]) -> Mapping[str, Any]:
    return grammar(space.parse, value)


Space = Annotated[Mapping[str, Any], AfterValidator(_space)]


class Tune(Section):
    """Hyperopt's search. `space` is the grammar of `plumbline/tune/space.py`; `max_evals` 0 = no search.

    `params` are XGBoost's own, fixed in every trial; train takes them over.
    """

    max_evals: Annotated[int, Field(ge=0)] = 10
    rounds: Count = 200
    early_stopping: Count = 20
    threads: Annotated[int, Field(ge=0)] = 0
    params: Settings = Field(default_factory=dict)
    space: Space = Field(default_factory=dict)
