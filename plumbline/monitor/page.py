"""The monitor's verdict as one HTML page for people: no script, no address outside of it, light and dark.

Pure, but for `write`: the same JSON gives the same bytes. What the JSON does not hold, the page says in
a sentence.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from plumbline.core import files
from plumbline.core.safe_text import one_line
from plumbline.monitor import page_columns, page_days, sentences
from plumbline.monitor.sentences import TITLES, TONES, Document, mark
from plumbline.report import html
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
from plumbline.report.numbers import figure, interval, share

FILE = "monitor.html"
EVIDENTLY = {"evidently.html": "Evidently’s report (opens without a network)"}
MEASURES = (("value", "quality"), ("mean_label", "mean label"), ("mean_score", "mean score"))
SECTIONS = ("reference", "current")


def write(
    folder: Path, usecase: str, result: Document, history: Iterable[Mapping[str, str]]
) -> Path:
    """Write the page of what the stage is about to write, beside the files that it links to.

    `history`: the table of all days judged so far.
    """
    plain = json.loads(files.dumps(result))
    path = folder / FILE
    links = sorted(p.name for p in folder.iterdir() if p.name != FILE)
    path.write_text(render(usecase, extended(plain, history), links), encoding="utf-8")
    return path


def extended(document: Document, history: Iterable[Mapping[str, str]]) -> Document:
    """The JSON with the days before its own, out of the history's table."""
    days = {row["day"]: page_days.earlier(row) for row in history}
    days |= {d["day"]: d for d in document.get("days") or () if d.get("day")}
    return {**document, "days": [days[day] for day in sorted(days)]}


def render(usecase: str, document: Document, links: Sequence[str] = ()) -> str:
    """The whole page. `links`: names of files beside it."""
    return html.render(list(blocks(usecase, document, links)))


def blocks(usecase: str, document: Document, links: Sequence[str] = ()) -> Iterator[Block]:
    """The verdict and its facts, then a section for each subject."""
    level = sentences.level(document)
    yield Verdict(f"{usecase}: {TITLES[level]}", TONES[level], mark(level))
    yield Facts([(name, text) for name, text in _facts(document).items() if text])
    for title, parts in _sections(usecase, document, links).items():
        yield Heading(title)
        yield from parts


def _sections(usecase: str, document: Document, links: Sequence[str]) -> dict[str, Iterable[Block]]:
    return {
        "Findings": _findings(document),
        "Days": page_days.timeline(document),
        "Quality on known labels": [*_quality(document), *page_days.quality(document)],
        "Score": page_days.score(document),
        "Columns, most severe first": page_columns.columns(document),
        "Distributions": page_columns.distributions(document),
        "Segments": page_columns.segments(document),
        "All days": page_days.history(document),
        "Files": [_links(usecase, links)],
    }


def _facts(document: Document) -> dict[str, str]:
    return {
        "Current window": sentences.window(document),
        "Reference": sentences.window(document, "reference"),
        "Labels": sentences.blind(document),
        "Retrain": sentences.retrain(document).removeprefix("Retrain: "),
        "Model age": one_line((document.get("shelf_life") or {}).get("text") or ""),
        "Estimated quality": _estimate(document.get("estimate") or {}),
        "Cold start": one_line(document.get("cold") or ""),
        "Error budget": one_line(document.get("promise") or ""),
    }


def _estimate(estimate: Document) -> str:
    """The quality that is expected without labels, its assumptions, and why there is none."""
    if estimate.get("muted"):
        return f"none without labels: {one_line(estimate['muted'])}"
    if estimate.get("value") is None:
        return ""
    metric = metric_title(one_line(estimate.get("metric") or "quality"))
    assumptions = one_line(estimate.get("assumptions") or "assumptions that are not given")
    return f"{metric} {figure(estimate['value'])} without labels, assuming: {assumptions}"


def _findings(document: Document) -> Iterator[Block]:
    findings = document.get("findings") or []
    yield Notes(list(map(_note, findings))) if findings else Text("No findings beyond noise.")


def _note(finding: Document) -> Note:
    level = sentences.level(finding)
    since = f", since {one_line(finding['since'])}" if finding.get("since") else ""
    importance = finding.get("importance")
    used = f" Feature importance: {share(importance)}." if isinstance(importance, float) else ""
    return Note(
        TONES[level],
        f"{mark(level)} {level}: {one_line(sentences.where(finding))}{since}",
        f"{one_line(finding.get('evidence') or '')}.{used}",
        [
            (name, f"{one_line(finding[key])}.")
            for key, name in (("cause", "Likely cause"), ("next", "Next"))
            if finding.get(key)
        ],
    )


def _quality(document: Document) -> Iterator[Block]:
    quality = document.get("quality") or {}
    if isinstance(quality.get("value"), Mapping):
        rows = [_measure(name, quality[key]) for key, name in MEASURES if quality.get(key)]
        if isinstance(quality.get("loss"), Mapping):
            rows.append(("loss", "–", interval(quality["loss"], share)))
        metric = metric_title(one_line(quality.get("metric") or "quality"))
        count = figure((quality.get("rows") or {}).get("current"))
        yield Table(f"{metric} on {count} labelled rows", ("", *SECTIONS), rows, frozenset((1, 2)))
    else:
        reason = one_line(quality.get("why_not") or "this verdict holds none")
        yield Text(f"Quality is unknown: {reason}.")
    if sentences.blind(document):
        yield Text(sentences.blind(document))


def _measure(name: str, pair: Document) -> tuple[str, ...]:
    return name, *map(interval, map(pair.get, SECTIONS))


def _links(usecase: str, links: Sequence[str]) -> Block:
    if not links:
        folder = f"reports/{usecase}/monitor"
        return Text(f"Evidently’s report and the plots are in `{folder}` of the project.")
    return Links([Link(name, EVIDENTLY.get(name, name)) for name in links])
