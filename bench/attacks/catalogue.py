"""All attacks and controls by use case.

Each attack comes with a worse model (`subjects.PAYLOAD`), which the gate refuses when it comes alone.
"""

from __future__ import annotations

from bench.attacks import code, controls, data, identity, noise, rules
from bench.attacks.edits import Attack
from bench.attacks.subjects import BOTH, DELIVERIES, DIABETES

FAMILIES = (rules, data, identity, code, noise)


def everything() -> list[tuple[str, Attack]]:
    """Each with its use case; the project's own with the first."""
    of_both = [
        (name, one) for family in FAMILIES for name in BOTH for one in family.of_usecase(name)
    ]
    project = [*rules.of_project(), *data.of_deliveries(), *controls.of_deliveries()]
    plain = [(DIABETES, one) for one in controls.of_diabetes()]
    return [*of_both, *((DELIVERIES, one) for one in project), *plain]
