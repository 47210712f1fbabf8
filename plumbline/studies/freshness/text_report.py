"""A freshness study as lines to read. Pure: the record in, text out."""

from __future__ import annotations

from collections.abc import Iterator

from plumbline.report.metric_titles import metric_title
from plumbline.report.numbers import count, figure, interval, relative, share, signed
from plumbline.studies.freshness.freshness_record import AgedFigure, FreshnessRecord

HOURS_A_DAY = 24


def lines(record: FreshnessRecord) -> Iterator[str]:
    """A line per age, then the groups by age of the newest history."""
    yield (
        f"{record.usecase}: {metric_title(record.metric_name)} on test by the age of the features, "
        f"{figure(record.rows)} rows on {count(record.days, 'day')}"
    )
    for one in record.ages:
        yield f"  {age(one.hours):9} {interval(one.metric)}{_apart(one)}"
    for entity, groups in record.groups.items():
        yield f"by the age of the {entity}'s newest history at the event, features on time and old:"
        for name, group in groups.items():
            old = ", ".join(
                f"{age(float(h))} {interval(d, signed)}" for h, d in group.differences.items()
            )
            yield f"  {group_title(name):18} {figure(group.rows):>8} rows  {interval(group.metric)}; {old}"


def age(hours: float) -> str:
    """An age in words.

    >>> age(0), age(1), age(24), age(168), age(1.5)
    ('on time', '1 hour', '1 day', '7 days', '1.5 hours')
    """
    if not hours:
        return "on time"
    if hours % HOURS_A_DAY:
        return f"{hours:g} hour{'' if hours == 1 else 's'}"
    return count(int(hours // HOURS_A_DAY), "day")


def group_title(name: str) -> str:
    """A group of ages with its unit.

    >>> group_title("1 to 24"), group_title("under 1"), group_title("missing")
    ('1 to 24 hours', 'under 1 hour', 'no history')
    """
    if name == "missing":
        return "no history"
    return f"{name} hour{'' if name.endswith(' 1') else 's'}"


def _apart(one: AgedFigure) -> str:
    if not one.hours:
        return ""
    return (
        f"  {interval(one.difference, signed)}, {relative(one.relative)}: {one.word}; "
        f"{share(one.changed)} of the rows have another value"
    )
