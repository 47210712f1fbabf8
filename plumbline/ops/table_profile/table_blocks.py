"""A table's profile as a report's blocks, for a page. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plumbline.ops.table_profile.column_shapes import sparkline
from plumbline.ops.table_profile.table_document import (
    LabelRate,
    LabelRates,
    ProfiledColumn,
    TableProfile,
    TimeSheet,
)
from plumbline.report.blocks import (
    Block,
    Bullets,
    Cell,
    Facts,
    Heading,
    LineChart,
    Lines,
    Note,
    Notes,
    Table,
    Text,
    Title,
)

SHOWN = 3
CHARTED = 2_000
"""Days of a chart, at most; longer spans are drawn month by month."""
HEAD = ("column", "type", "missing", "different", "from", "to", "distribution")


def blocks(profile: TableProfile) -> list[Block]:
    """The page, top to bottom."""
    return [
        Title(f"Profile of {profile.table}"),
        Facts(list(_facts(profile))),
        Heading("What to look at"),
        *_findings(profile),
        *_plan(profile),
        *(_time(profile.time) if profile.time else ()),
        *(_rates(profile.rates) if profile.rates else ()),
        Heading("Columns"),
        Table("", HEAD, [_row(c, profile.rows) for c in profile.columns], frozenset({2, 3})),
        Heading("Next"),
        Text(_next(profile)),
    ]


def _facts(profile: TableProfile) -> Iterator[tuple[str, str]]:
    yield "rows", f"{profile.rows:,}"
    yield "columns", f"{len(profile.columns):,}"
    if profile.settings:
        yield "read with", ", ".join(f"{k} {v!r}" for k, v in profile.settings.items())
    yield "key", f"{profile.key or 'none'}: {profile.key_reason}"
    if profile.time:
        yield "event time", f"{profile.time.column}: {profile.time.reason}"
    else:
        yield "event time", "none: a plain table"
    if profile.entities:
        yield "entities", ", ".join(profile.entities)
    if profile.labels:
        yield "can be predicted", ", ".join(profile.labels[:10])


def _findings(profile: TableProfile) -> Iterator[Block]:
    if not profile.findings:
        yield Text("Nothing odd was found.")
        return
    ordered = sorted(profile.findings, key=lambda f: not f.grave)
    yield Notes([Note("bad" if f.grave else "plain", f.subject, f.text) for f in ordered])


def _plan(profile: TableProfile) -> Iterator[Block]:
    if profile.plan:
        yield Heading("Plan of the data")
        yield Bullets(profile.plan)


def _rates(rates: LabelRates) -> Iterator[Block]:
    """The label over time, and a table of its segments, which says whose interval excludes all rows' figure."""
    overall = rates.overall
    yield Heading(f"The label '{rates.label}'")
    yield Text(
        f"{overall.labelled:,} of {overall.rows:,} rows have one; {rates.what} {_rate(overall, rates)}."
    )
    if len(rates.over_time) > 1:
        one = rates.over_time
        ends = [o.low for o in one], [o.high for o in one]
        title = f"{rates.label}: {rates.what} by {rates.step}, with 95 % intervals"
        yield LineChart(title, [o.name for o in one], [o.mean for o in one], *ends)
    rows = [
        (
            column,
            segment.name,
            f"{segment.labelled:,}",
            _rate(segment, rates),
            _apart(segment, overall),
        )
        for column, listed in rates.segments.items()
        for segment in listed
    ]
    if rows:
        head = ("column", "segment", "labels", f"{rates.what} (95 % interval)", "")
        yield Table("By segment", head, rows, frozenset({2, 3}))


def _rate(one: LabelRate, rates: LabelRates) -> str:
    """The figure with its interval: a share in per cent."""
    if one.mean is None:
        return "none"
    times, unit = (1.0, "") if rates.what == "mean" else (100.0, " %")
    ends = ""
    if one.low is not None and one.high is not None:
        ends = f" ({times * one.low:.3g} to {times * one.high:.3g})"
    return f"{times * one.mean:.3g}{unit}{ends}"


def _apart(one: LabelRate, overall: LabelRate) -> str:
    """Whether the interval excludes the figure of all rows."""
    if overall.mean is None or one.low is None or one.high is None:
        return ""
    return "lower" if one.high < overall.mean else "higher" if one.low > overall.mean else ""


def _time(time: TimeSheet) -> Iterator[Block]:
    yield Heading("Time")
    yield Facts(
        [
            ("first", time.first),
            ("last", time.last),
            ("days with rows", f"{time.days:,} of {time.span:,}"),
            ("longest gap", f"{time.longest_gap_days:,} days"),
        ]
    )
    days, values = _series(time)
    if len(days) > 1:
        yield LineChart("Rows per day" if time.span <= CHARTED else "Rows per month", days, values)


def _series(time: TimeSheet) -> tuple[list[str], list[float | None]]:
    """Rows by day, days without one as none; by month where there are too many days."""
    counts = time.rows_per_day
    if time.span <= CHARTED:
        from datetime import date, timedelta

        first = date.fromisoformat(next(iter(counts)))
        days = [str(first + timedelta(days=i)) for i in range(time.span)]
        return days, [float(counts[d]) if d in counts else None for d in days]
    months: dict[str, float] = {}
    for day, rows in counts.items():
        months[f"{day[:7]}-01"] = months.get(f"{day[:7]}-01", 0.0) + rows
    return list(months), list(months.values())


def _row(column: ProfiledColumn, rows: int) -> Sequence[Cell]:
    share = f"{100 * column.missing / rows:.3g} %" if column.missing else "0"
    shape: Cell = sparkline(column.histogram)
    if column.frequent:
        listed = [f"{v.name} ({100 * v.rows / rows:.3g} %)" for v in column.frequent]
        shape = Lines(listed[:SHOWN], listed[SHOWN:])
    kind = column.type or "none"
    return (column.name, kind, share, f"{column.distinct:,}", column.low, column.high, shape)


def _next(profile: TableProfile) -> str:
    label = profile.label or "COLUMN"
    return (
        f"`plumbline new NAME --from {profile.table} --label {label}` infers a use case from it, with every guess "
        "and its evidence in a comment."
    )
