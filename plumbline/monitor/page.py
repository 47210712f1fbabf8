"""The monitor's verdict as one HTML page for people: no script, no address outside of it, light and dark.

Pure, but for `write`: the same verdict gives the same bytes. What the verdict does not hold, the page
says in a sentence.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from plumbline.core import files
from plumbline.core.safe_text import one_line
from plumbline.metrics.bootstrap import Estimate
from plumbline.metrics.interval import Interval
from plumbline.monitor import page_classes, page_columns, page_days, page_served, sentences
from plumbline.monitor.result import (
    FigurePair,
    MonitorResult,
    PrevalenceReport,
    QualityEstimate,
    QualityReport,
    ReportedFinding,
)
from plumbline.monitor.sentences import SHAPES, TITLES, TONES
from plumbline.report import columns, html
from plumbline.report.blocks import (
    Block,
    Facts,
    Heading,
    Link,
    Links,
    Note,
    Notes,
    Table,
    Text,
    Verdict,
)
from plumbline.report.metric_titles import metric_title
from plumbline.report.numbers import figure, interval, relative, share

FILE = "monitor.html"
EVIDENTLY = {"evidently.html": "Evidently’s report (opens without a network)"}
SECTIONS = ("reference", "current")


def write(
    folder: Path, usecase: str, result: MonitorResult, history: Iterable[Mapping[str, str]]
) -> Path:
    """Write the page of what the stage is about to write, beside the files that it links to.

    `history`: the table of all days judged so far.
    """
    rounded = MonitorResult.model_validate(json.loads(files.dumps(result.plain())))
    path = folder / FILE
    links = sorted(p.name for p in folder.iterdir() if p.name != FILE)
    path.write_text(render(usecase, extended(rounded, history), links), encoding="utf-8")
    return path


def extended(result: MonitorResult, history: Iterable[Mapping[str, str]]) -> MonitorResult:
    """The verdict with the days before its own, out of the history's table."""
    days = {row["day"]: page_days.earlier(row) for row in history}
    days |= {d.day: d for d in result.days if d.day}
    return result.model_copy(update={"days": tuple(days[day] for day in sorted(days))})


def render(usecase: str, result: MonitorResult, links: Sequence[str] = ()) -> str:
    """The whole page. `links`: names of files beside it."""
    return html.render(list(blocks(usecase, result, links)))


def blocks(usecase: str, result: MonitorResult, links: Sequence[str] = ()) -> Iterator[Block]:
    """The verdict and its facts, then a section for each subject."""
    level = result.level
    yield Verdict(f"{usecase}: {TITLES[level]}", TONES[level], SHAPES[level])
    yield Facts([(name, text) for name, text in _facts(result).items() if text])
    for title, parts in _sections(usecase, result, links).items():
        yield Heading(title)
        yield from parts


def _sections(
    usecase: str, result: MonitorResult, links: Sequence[str]
) -> dict[str, Iterable[Block]]:
    periods = sentences.periods(result.period_days)
    return {
        "Findings": _findings(result),
        periods.capitalize(): page_days.timeline(result),
        "Quality on known labels": [*_quality(result), *page_days.quality(result)],
        **({"Classes": page_classes.classes(result)} if result.classes else {}),
        **({"What was served": page_served.served(result.served)} if result.served else {}),
        "Score": page_days.score(result),
        "Columns, most severe first": page_columns.columns(result.columns),
        "Distributions": page_columns.distributions(result.distributions),
        "Segments": page_columns.segments(result.segments),
        f"All {periods}": page_days.history(result),
        "Files": [_links(usecase, links)],
    }


def _facts(result: MonitorResult) -> dict[str, str]:
    return {
        "Current window": sentences.current_window(result),
        "Reference": sentences.reference_window(result),
        "Labels": sentences.blind(result),
        "Retrain": sentences.retrain(result).removeprefix("Retrain: "),
        "Model age": one_line(result.shelf_life.text) if result.shelf_life else "",
        "Estimated quality": _estimate(result.estimate) if result.estimate else "",
        "Share of cases": _prevalence(result.prevalence) if result.prevalence else "",
        "Cold start": one_line(result.cold),
        "False alerts": _promise(result.promise),
    }


def _promise(text: str) -> str:
    """How many false alerts are expected at most; empty where the verdict does not say."""
    return f"at most {one_line(text)} is expected" if text else ""


def _estimate(estimate: QualityEstimate) -> str:
    """The quality that is expected without labels, its assumptions, and why there is none."""
    if estimate.muted:
        return f"none without labels: {one_line(estimate.muted)}"
    if estimate.value is None:
        return ""
    metric = metric_title(one_line(estimate.metric))
    text = f"{metric} {figure(estimate.value)} without labels"
    return f"{text}, assuming: {one_line(estimate.assumptions)}"


def _prevalence(found: PrevalenceReport) -> str:
    """The share of cases by the scores alone, beside its assumption, or why they cannot tell."""
    before = f"{_share(found.reference)} in the reference; " if found.reference else ""
    if found.cannot_tell or not found.current:
        return f"{before}today the scores alone cannot tell: {one_line(found.cannot_tell)}"
    labels = ""
    if found.known and found.on_known:
        labels = (
            f"; {figure(found.rows)} labels that have come in say {_share(found.known)}, the scores of the "
            f"same rows {_share(found.on_known)}"
        )
    text = f"{before}{_share(found.current)} today by the scores alone{labels}"
    return f"{text}. Assuming: {one_line(found.assumptions)}"


def _share(of: Interval) -> str:
    return interval(of.estimate, share)


def _findings(result: MonitorResult) -> Iterator[Block]:
    notes = list(map(_note, result.findings))
    yield Notes(notes) if notes else Text("No findings: no check reached its limit.")


def _note(finding: ReportedFinding) -> Note:
    level = finding.level
    importance = finding.importance
    reach = "" if importance is None else f" Feature importance: {share(importance)}."
    return Note(
        TONES[level],
        f"{SHAPES[level]} {level}: {one_line(sentences.where(finding))}{sentences.when(finding)}",
        f"{one_line(finding.evidence)}.{reach}",
        [(title, f"{one_line(text)}.") for title, text in sentences.steps(finding)],
    )


def _quality(result: MonitorResult) -> Iterator[Block]:
    quality = result.quality
    if quality and quality.value:
        title = f"{metric_title(one_line(quality.metric))} on {figure(quality.rows.current)}"
        rows = list(_measures(quality, bool(result.classes)))
        yield Table(f"{title} labelled rows", ("measure", *SECTIONS), rows, frozenset((1, 2)))
    else:
        reason = one_line((quality and quality.why_not) or "this verdict holds none")
        yield Text(f"Quality is unknown: {reason}.")


def _measures(quality: QualityReport, several: bool) -> Iterator[tuple[str, ...]]:
    measures: tuple[tuple[str, FigurePair | None], ...] = (
        ("quality", quality.value),
        ("accuracy" if several else "mean label", quality.mean_label),
        ("mean probability of the likeliest" if several else "mean score", quality.mean_score),
    )
    for name, pair in measures:
        if pair:
            yield name, *columns.intervals([pair.reference, pair.current])
    if quality.loss:
        yield "change of quality", "–", interval(_turned(quality.loss), relative)


def _turned(loss: Interval) -> Estimate:
    """A loss as a gain: positive where the current window is better."""
    turned = loss.estimate
    return Estimate(-turned.value, -turned.high, -turned.low)


def _links(usecase: str, links: Sequence[str]) -> Block:
    if not links:
        folder = f"reports/{usecase}/monitor"
        return Text(f"The plots are in `{folder}` of the project.")
    return Links([Link(name, EVIDENTLY.get(name, name)) for name in links])
