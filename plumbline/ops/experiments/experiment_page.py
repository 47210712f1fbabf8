"""An experiment's state as blocks: one page, the text of its pull request, and lines for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from plumbline.ops.experiments import metric_names
from plumbline.ops.experiments.experiment_document import (
    Difference,
    ExperimentReport,
    GuardrailFigures,
    Status,
)
from plumbline.report.blocks import (
    Block,
    Bullets,
    Facts,
    Heading,
    LineChart,
    Table,
    Text,
    Title,
    Tone,
    Verdict,
)
from plumbline.report.numbers import count, figure, known, share, signed

TONES: dict[Status, Tone] = {"better": "good", "worse": "bad", "guardrail": "bad", "invalid": "bad"}
HEADS: dict[Status, str] = {
    "waiting": "Waiting",
    "running": "Running",
    "better": "Better",
    "worse": "Worse",
    "no difference": "No sure difference",
    "guardrail": "Stop: a guardrail is broken",
    "invalid": "Invalid",
}
KEPT = {True: "kept", False: "broken", None: "cannot tell yet"}
METHOD = (
    "Intervals are confidence sequences: they hold at all looks together, so that the experiment may be looked at and "
    "ended on any day. {units} Several treatments share the error of {alpha:.0%}."
)
UNITS = {
    "ab": "An entity's events belong together: the error counts entities, not events.",
    "paired": "Both arms scored the same events; what differs is each event's difference, added up by entity.",
}


def blocks(report: ExperimentReport) -> list[Block]:
    """The page."""
    return list(_blocks(report))


def verdict_block(report: ExperimentReport) -> Verdict:
    """The first line."""
    return Verdict(f"{HEADS[report.status]}: {report.verdict}", TONES.get(report.status, "plain"))


def lines(report: ExperimentReport) -> Iterator[str]:
    """The state for a terminal."""
    yield f"{report.usecase}/{report.name}: {HEADS[report.status]}: {report.verdict}"
    for arm in report.arms:
        yield (
            f"  {arm.name}: {count(arm.events, 'event')} of {arm.entities:,} entities, mean {figure(arm.mean)}"
        )
    for one in report.differences:
        yield f"  {one.treatment} - {report.control}: {_interval(one)}"
    for rail in report.guardrails:
        yield f"  guardrail {rail.metric} of {rail.treatment}: {KEPT[rail.kept]} ({_rail(rail)})"
    yield from (f"  note: {warning}" for warning in report.warnings)


def _blocks(report: ExperimentReport) -> Iterator[Block]:
    yield Title(f"Experiment {report.name}: {report.usecase}")
    yield verdict_block(report)
    yield Text(report.hypothesis)
    yield Facts(
        [
            ("compared by", f"{report.title}; {report.better} is better"),
            ("smallest effect to find", figure(report.effect)),
            ("days", f"{report.start} to {report.last}, looked at until {report.day or 'now'}"),
            *([("arm kept", report.keep)] if report.keep else []),
        ]
    )
    yield from _arms(report)
    yield from _differences(report)
    yield from _guardrails(report)
    yield from _assignment(report)
    yield from _remarks(report)


def _arms(report: ExperimentReport) -> Iterator[Block]:
    if not report.arms:
        return
    paired = report.design == "paired"
    head = ("arm", "entities", "events", "mean difference" if paired else "mean")
    rows = [
        (arm.name, f"{arm.entities:,}", f"{arm.events:,}", figure(arm.mean)) for arm in report.arms
    ]
    yield Table("Arms", head, rows)


def _differences(report: ExperimentReport) -> Iterator[Block]:
    if not report.differences:
        return
    head = ("treatment", "difference", "relative", "interval", "sure since")
    yield Table(
        f"Difference from {report.control}",
        head,
        [
            (
                one.treatment,
                signed(one.interval.value),
                f"{one.relative:+.1%}" if one.relative is not None else "–",
                _ends(one.interval.low, one.interval.high),
                str(one.decided or "–"),
            )
            for one in report.differences
        ],
    )
    yield from (_chart(one) for one in report.differences if len(one.looks) > 1)


def _chart(one: Difference) -> LineChart:
    looks = [look for look in one.looks if look.low is not None and look.high is not None]
    return LineChart(
        f"Difference of {one.treatment}, day by day, with its interval",
        [str(look.day) for look in looks],
        [look.value for look in looks],
        [look.low for look in looks],
        [look.high for look in looks],
    )


def _guardrails(report: ExperimentReport) -> Iterator[Block]:
    if report.guardrails:
        head = ("guardrail", "treatment", "difference", "interval", "allowed", "state")
        yield Table(
            "Guardrails",
            head,
            [
                (
                    metric_names.title(one.metric),
                    one.treatment,
                    signed(one.interval.value),
                    _ends(one.interval.low, one.interval.high),
                    f"{figure(one.limit)} {one.worse}",
                    KEPT[one.kept],
                )
                for one in report.guardrails
            ],
        )


def _assignment(report: ExperimentReport) -> Iterator[Block]:
    shares = report.assignment
    if shares is None:
        return
    total = max(1, sum(shares.found.values()))
    rows = [
        (arm, share(planned), share(shares.found[arm] / total), f"{shares.found[arm]:,}")
        for arm, planned in shares.planned.items()
    ]
    word = "do not fit the plan" if shares.mismatch else "fit the plan"
    yield Table(f"Assignment: entities {word}", ("arm", "planned", "found", "entities"), rows)


def _remarks(report: ExperimentReport) -> Iterator[Block]:
    notes = [*report.warnings, *(f"{text}: {n:,}" for text, n in report.left_out.items())]
    if notes:
        yield Heading("What does not count")
        yield Bullets(notes)
    yield Text(METHOD.format(units=UNITS[report.design], alpha=report.alpha))


def _interval(one: Difference) -> str:
    relative = f" ({one.relative:+.1%})" if one.relative is not None else ""
    ends = _ends(one.interval.low, one.interval.high)
    return f"{signed(one.interval.value)}{relative}, {ends}"


def _rail(one: GuardrailFigures) -> str:
    ends = _ends(one.interval.low, one.interval.high)
    return f"{signed(one.interval.value)}, {ends}; allowed {figure(one.limit)} {one.worse}"


def _ends(low: float | None, high: float | None) -> str:
    if not (known(low) and known(high)):
        return "cannot tell"
    return f"{signed(low)} to {signed(high)}"
