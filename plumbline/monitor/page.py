"""The monitor's verdict as one HTML page for people: no script, no address outside of it, light and dark.

Pure, but for `write`: the same JSON gives the same bytes. What the JSON does not hold is said in a
sentence.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

from plumbline.core import files
from plumbline.core.safe_text import one_line
from plumbline.monitor import page_columns, page_days, sentences
from plumbline.monitor.sentences import Found
from plumbline.monitor.verdict import LEVELS
from plumbline.report import html_page
from plumbline.report.numbers import figure

FILE = "monitor.html"
TONES = {"ok": "good", "warning": "plain", "alert": "bad"}
SAID = {
    "ok": "OK: nothing beyond noise",
    "warning": "Warning: nobody needs to act now",
    "alert": "Alert: somebody must look now",
}
STYLE = """
:root { --then: #6b7683; --now: #0a5bc4; --tint: #dce9fb }
@media (prefers-color-scheme: dark) { :root { --then: #98a2ad; --now: #79b8ff; --tint: #1d3350 } }
h1 .mark { margin-right: .4rem } h3 { font-size: 1rem; margin: .8rem 0 .2rem }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem }
dl.facts dt { font-weight: 600 } dl.facts dd { margin: 0 }
@media (max-width: 40rem) { dl.facts { grid-template-columns: 1fr } dl.facts dd { margin-bottom: .4rem } }
ul.findings { list-style: none; padding: 0 }
ul.findings li { border-left: .3rem solid var(--line); padding: .2rem .8rem; margin: .6rem 0 }
ul.findings li.alert { border-color: var(--bad) } ul.findings li.warning { border-color: var(--plain) }
ul.findings p { margin: .1rem 0 }
ol.days { display: flex; flex-wrap: wrap; gap: .25rem; list-style: none; padding: 0; margin: .2rem 0 }
ol.days li { border: 1px solid var(--line); border-radius: .3rem; width: 2.1rem; text-align: center;
  line-height: 1.15; padding: .15rem 0; font-size: .85rem; position: relative }
ol.days li span { display: block } ol.days li.warning { border: 2px solid var(--plain); color: var(--plain) }
ol.days li.alert { background: var(--bad); border-color: var(--bad); color: var(--paper); font-weight: 600 }
ol.days .hide { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
figure { margin: .8rem 0 } figcaption { font-weight: 600; padding: .2rem 0 }
.plot { display: flex; gap: .5rem } .plot svg { flex: 1; min-width: 0; height: 9rem; background: var(--soft) }
.plot svg.strip { height: 1.4rem; margin-top: .3rem } .scale { width: 4.2rem; flex: none; display: flex; flex-direction: column;
  justify-content: space-between; text-align: right; font-size: .8rem; font-variant-numeric: tabular-nums;
  line-height: 1.1; overflow-wrap: normal }
.ends { display: flex; justify-content: space-between; gap: .5rem; margin-left: 4.7rem; font-size: .8rem }
.line { fill: none; stroke: var(--now); stroke-width: 2; vector-effect: non-scaling-stroke }
.dot { stroke: var(--now); stroke-width: 6; stroke-linecap: round; vector-effect: non-scaling-stroke }
.band { fill: var(--now); opacity: .2 } .strip rect { fill: var(--now) }
.then { fill: var(--then) } .now { fill: var(--now) } .pair { width: 100%; min-width: 5rem; height: 1.3rem; display: block }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr)); gap: 0 1.5rem }
.cards figure { min-width: 0 } .cards table { width: 100% } .number { white-space: nowrap }
.cards td, .cards th { padding: .1rem .4rem; overflow-wrap: normal } td:has(.pair) { width: 35% }
.cards td:first-child { overflow-wrap: anywhere } a { color: var(--now) }
.key { display: inline-block; width: .9rem; height: .9rem; vertical-align: -.1rem; margin-right: .2rem }
.key.then { background: var(--then) } .key.now { background: var(--now) }
"""


def write(folder: Path, usecase: str, result: Found, history: Iterable[Mapping[str, str]]) -> Path:
    """The page of what the stage is about to write, beside the files that it links to. An edge.

    `history`: the table of all days judged so far.
    """
    plain = json.loads(files.dumps(result))
    path = folder / FILE
    links = sorted(p.name for p in folder.iterdir() if p.name != FILE)
    path.write_text(render(usecase, extended(plain, history), links), encoding="utf-8")
    return path


def extended(found: Found, history: Iterable[Mapping[str, str]]) -> Found:
    """The JSON with the days before its own, out of the history's table."""
    days = {row["day"]: page_days.earlier(row) for row in history}
    days |= {d["day"]: d for d in found.get("days") or () if d.get("day")}
    return {**found, "days": [days[day] for day in sorted(days)]}


def render(usecase: str, found: Found, links: Sequence[str] = ()) -> str:
    """The whole page. `links`: names of files beside it."""
    level = found.get("level") if found.get("level") in LEVELS else "alert"
    said = f"{usecase}: {SAID[str(level)]}"
    mark = sentences.MARKS[str(level)]
    head = (
        f'<h1 class="{TONES[str(level)]}"><span class="mark" aria-hidden="true">{mark}</span>'
        f"{escape(said)}</h1>\n{_facts(found)}"
    )
    parts = [head, *(f"<h2>{title}</h2>\n{body}" for title, body in _sections(found))]
    parts.append(f"<h2>More</h2>\n{_links(usecase, links)}")
    return html_page.frame(said, "\n".join(parts), STYLE)


def _sections(found: Found) -> Iterator[tuple[str, str]]:
    yield "Findings", _findings(found)
    yield "Day by day", page_days.timeline(found)
    yield "Quality on known labels", _quality(found) + page_days.quality(found)
    yield "The model’s score", page_days.score(found)
    yield "Columns, the worst first", page_columns.columns(found)
    yield "Then and now", page_columns.distributions(found)
    yield "Mix of segments", page_columns.segments(found)
    yield "Every day", page_days.history(found)


def _facts(found: Found) -> str:
    told = {
        "Window": sentences.window(found),
        "Held against": sentences.window(found, "reference"),
        "Labels": sentences.blind(found),
        "Model": sentences.retrain(found).removeprefix("Retrain: ").join(("Retrain? ", "")),
        "Age": one_line((found.get("shelf_life") or {}).get("text") or ""),
        "Estimate": _estimate(found.get("estimate") or {}),
        "Start": one_line(found.get("cold") or ""),
        "Promise": one_line(found.get("promise") or ""),
    }
    lines = "".join(
        f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in told.items() if text
    )
    return f'<dl class="facts">{lines}</dl>'


def _estimate(told: Found) -> str:
    """The quality that is expected without labels, on what it rests, and when it is not to be trusted."""
    if told.get("muted"):
        return f"no estimate without labels: {one_line(told['muted'])}"
    if told.get("value") is None:
        return ""
    metric = one_line(told.get("metric") or "quality").replace("_", " ")
    rests = one_line(told.get("assumptions") or "assumptions that are not given")
    return f"{metric} {figure(told['value'])} without labels, if this holds: {rests}"


def _findings(found: Found) -> str:
    told = found.get("findings") or []
    if not told:
        return "<p>No check found anything beyond noise.</p>"
    return f'<ul class="findings">{"".join(map(_finding, told))}</ul>'


def _finding(told: Found) -> str:
    level = told.get("level") if told.get("level") in LEVELS else "alert"
    about = one_line(sentences.where(told))
    since = f", since {one_line(told['since'])}" if told.get("since") else ""
    share = told.get("importance")
    used = f" The model’s use of the column: {share:.0%}." if isinstance(share, float) else ""
    lines = [f"<p>{escape(one_line(told.get('evidence') or ''))}.{used}</p>"]
    for key, name in (("cause", "Likely cause"), ("next", "Next")):
        if told.get(key):
            lines.append(f"<p><strong>{name}:</strong> {escape(one_line(told[key]))}.</p>")
    mark = sentences.MARKS[str(level)]
    head = f"<p><strong>{mark} {level}: {escape(about + since)}</strong></p>"
    return f'<li class="{level}">{head}{"".join(lines)}</li>'


def _quality(found: Found) -> str:
    told = found.get("quality") or {}
    blind = sentences.blind(found)
    after = f"<p>{escape(blind)}</p>" if blind else ""
    if not isinstance(told.get("value"), Mapping):
        why = one_line(told.get("why_not") or "this verdict holds none")
        return f"<p>No quality is known: {escape(why)}.</p>{after}"
    rows = [_estimated(told, key, name) for key, name in _MEASURES if told.get(key)]
    if isinstance(told.get("loss"), Mapping):
        rows.append(("loss", "–", _interval(told["loss"], percent=True)))
    metric = one_line(told.get("metric") or "quality").replace("_", " ")
    title = f"{metric} on {figure((told.get('rows') or {}).get('current'))} labelled rows"
    return html_page.table(title, ("", "then", "now"), rows) + after


_MEASURES = (
    ("value", "quality"),
    ("mean_label", "mean label"),
    ("mean_score", "mean score"),
)


def _estimated(told: Found, key: str, name: str) -> tuple[str, str, str]:
    pair = told[key]
    return name, _interval(pair.get("reference")), _interval(pair.get("current"))


def _interval(told: Found | None, *, percent: bool = False) -> str:
    """A value with its interval."""
    if not told or told.get("value") is None:
        return "–"
    write = "{:.1%}".format if percent else figure
    ends = [told.get("low"), told.get("high")]
    if None in ends:
        return write(told["value"])
    return f"{write(told['value'])} ({write(ends[0])} to {write(ends[1])})"


def _links(usecase: str, links: Sequence[str]) -> str:
    if not links:
        return (
            "<p>Evidently’s report and the pictures are in <code>reports/"
            f"{escape(usecase)}/monitor</code> of the project.</p>"
        )
    named = {"evidently.html": "Evidently’s report (opens without a network)"}
    items = "".join(
        f'<li><a href="{escape(name)}">{escape(named.get(name, name))}</a></li>' for name in links
    )
    return f"<ul>{items}</ul>"
