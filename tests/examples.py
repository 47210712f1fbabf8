"""How many examples Hypothesis tries: a few each time, many at night (HYPOTHESIS_PROFILE=nightly)."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"


def examples(few: int, nightly: int) -> settings:
    """`few` examples, the same ones on every machine; at night `nightly`, other ones each time."""
    return settings(
        max_examples=nightly if NIGHTLY else few,
        derandomize=not NIGHTLY,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=NIGHTLY,
    )
