"""A sensitivity study as lines to read. Pure: the record in, text out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from plumbline.report.card_text import words

Record = Mapping[str, Any]


def lines(found: Record) -> Iterator[str]:
    """The best, what another seed does, then per setting a line per value and one on how flat it is."""
    best = found["best"]
    told = ", ".join(f"{name} {_value(v)}" for name, v in best["params"].items())
    yield f"{found['usecase']}: {words(found['metric_name'])} on validation {best['metric']:.4g}, at {told}"
    moved = [seed["value"] for seed in found["seeds"]]
    yield f"{len(moved)} other seeds: {min(moved):+.4g} to {max(moved):+.4g}"
    for name, setting in found["settings"].items():
        yield f"{name}, best {_value(setting['best'])}{_trials(setting['trials'])}"
        for one in setting["tried"]:
            yield (
                f"  {_value(one['setting']):>10}  {one['metric']:.4g}, {one['value']:+.4g} "
                f"({one['low']:+.4g} to {one['high']:+.4g}): {one['word']}"
            )
        yield f"  {flat(setting['flat'])}"


def flat(found: Record) -> str:
    """Where nothing is lost."""
    share = f"{found['share']:.0%} of the values tried"
    if "values" in found:
        return f"no loss beyond noise at {', '.join(found['values'])}: {share}"
    return f"no loss beyond noise from {_value(found['from'])} to {_value(found['to'])}; {share}"


def _trials(found: Record) -> str:
    if found["rank_correlation"] is None:
        return ""
    return f"; over {len(found['values'])} trials of the search, rank correlation {found['rank_correlation']:+.2f}"


def _value(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"
