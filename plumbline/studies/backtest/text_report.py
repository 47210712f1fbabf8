"""A backtest as lines to read. Pure: the record in, text out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from plumbline.report.card_text import words

Record = Mapping[str, Any]


def lines(found: Record) -> Iterator[str]:
    """A line per origin, one on the newest models, a line per age, one on the shelf life."""
    metric = found["primary"]
    yield f"{found['usecase']}: {words(metric)} on the {found['step_days']} days after each origin"
    for origin in found["origins"]:
        yield f"  {origin['day']}  {interval(origin['metrics'][metric])}{_against(origin)}"
    yield newest(found["newest"])
    yield "by age, beside the newest model of the day:"
    for age in found["staleness"]["ages"]:
        loss = age["loss"]
        told = f"loss {_share(loss['value'])}"
        if loss["low"] is not None:
            told += f" ({_share(loss['low'])} to {_share(loss['high'])})"
        yield f"  {age['days']:4} days  {told}, {age['periods']} periods"
    yield shelf(found["staleness"])


def newest(count: Record) -> str:
    """How often the newest model would have been chosen."""
    return (
        f"the newest model against the one before: {count['better']} times better, "
        f"{count['within noise']} within noise, {count['worse']} worse; chosen {count['chosen']} of "
        f"{count['of']} times"
    )


def shelf(found: Record) -> str:
    """The shelf life in words."""
    most = f"{found['max_loss']:.0%} of its quality"
    safe = f"certainly less up to {found['safe_days']} days" if found["safe_days"] else ""
    if found["shelf_life_days"] is None:
        tail = f"; {safe}" if safe else "; less is certain at no age"
        return f"shelf life: no loss of more than {most} is certain within {found['studied_days']} days{tail}"
    tail = f"; {safe}" if safe else ""
    return f"shelf life: {found['shelf_life_days']} days: from then on more than {most} is lost, beyond noise{tail}"


def interval(found: Record) -> str:
    """A figure with its interval, if it has one."""
    if found["low"] is None or found["low"] != found["low"]:
        return f"{found['value']:.4g}"
    return f"{found['value']:.4g} ({found['low']:.4g} to {found['high']:.4g})"


def _against(origin: Record) -> str:
    against = origin["against"]
    if against is None:
        return ""
    apart = against["difference"]
    return (
        f"  {apart['value']:+.4g} ({apart['low']:+.4g} to {apart['high']:+.4g}): {against['word']}"
    )


def _share(value: float) -> str:
    return f"{value:+.1%}"
