"""How deliveries is judged."""

from __future__ import annotations

from plumbline.core.declarations import Behaviour, Columns, Slice
from plumbline.core.usecase import UseCase

from .features import FEATURES


def farther(event: Columns) -> Columns:
    """The same order from two kilometres farther away."""
    return {"distance": event["distance"] + 2.0}


USECASE = UseCase.of(
    FEATURES,
    naive="distance",
    slices=(Slice("rain", "rain", "0 or 1"), Slice("distance", "distance", "km", edges=(3,))),
    behaviours=(Behaviour("farther", "farther is not sooner", farther, "not_lower", share=0.8),),
)
