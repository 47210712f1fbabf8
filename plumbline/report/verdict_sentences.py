"""What both gates say of a slice: the acceptance gate of evaluate, and the merge gate of a review. Pure."""

from __future__ import annotations

from plumbline.report.numbers import figure


def floor_breach(
    name: str, group: str, value: float | None, floor: float | None, higher_is_better: bool
) -> str:
    """A group of the slice `name` past its floor, which bounds a score from below, an error from above.

    >>> floor_breach("size", "small", 0.1, 0.3, higher_is_better=True)
    'slice size small is 0.1, below its floor 0.3'
    >>> floor_breach("size", "small", 9.0, 7.0, higher_is_better=False)
    'slice size small is 9, above its limit 7'
    """
    side = "below its floor" if higher_is_better else "above its limit"
    return f"slice {name} {group} is {figure(value)}, {side} {figure(floor)}"
