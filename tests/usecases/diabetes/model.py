"""How diabetes is judged."""

from __future__ import annotations

from plumbline.core.declarations import Behaviour, Columns, Slice
from plumbline.core.usecase import UseCase

from .features import FEATURES


def heavier(event: Columns) -> Columns:
    """The same patient with a body mass index five higher."""
    return {"bmi": event["bmi"] + 5.0}


def renumbered(event: Columns) -> Columns:
    """The same patient under another number."""
    return {"patient": event["patient"] + 1}


USECASE = UseCase.of(
    FEATURES,
    naive="bmi",
    slices=(Slice("sex", "sex", "as coded"), Slice("age", "age", "years", edges=(50,))),
    behaviours=(
        Behaviour("patient_number", "a number means nothing", renumbered, "same"),
        Behaviour(
            "heavier", "a higher index is not a better outlook", heavier, "not_lower", share=0.5
        ),
    ),
)
