"""The scorecard as one HTML page without script or outside address, and as an SVG badge. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --line: #c4c9cf; --soft: #f3f4f6;
  --good: #116329; --bad: #a40e26; --dim: #59636e }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --paper: #14181d; --line: #48505a;
  --soft: #20262d; --good: #6fdd8b; --bad: #ff9aa5; --dim: #a7b0ba } }
body { margin: 0 auto; max-width: 72rem; padding: 1rem; font: 16px/1.5 system-ui, sans-serif;
  color: var(--ink); background: var(--paper); overflow-wrap: anywhere }
h1 { font-size: 1.5rem } h2 { border-bottom: 1px solid var(--line); font-size: 1.2rem }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-size: .9rem }
th, td { border: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top }
.scroll table { table-layout: fixed; min-width: 60rem } .scroll th:nth-child(1) { width: 5.5rem }
.scroll th:nth-child(2) { width: 26% } .scroll th:nth-child(3) { width: 3.6rem }
th { background: var(--soft) } td.id { white-space: nowrap } td ul { margin: 0; padding-left: 1.1rem }
.good { color: var(--good); font-weight: 600 } .bad { color: var(--bad); font-weight: 600 }
.dim { color: var(--dim) } code { font-size: .85em } summary { cursor: pointer }
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
SHOWN = 4
"""Marked tests of an id that are named before the rest is folded."""


def render(card: Mapping[str, Any]) -> str:
    """The whole page."""
    title = f"ML Test Score {card['score']} of 7"
    word = ", exceptional in the paper's words" if card["exceptional"] else ""
    of = f"commit {card['commit'][:12]}" if card["commit"] else "no commit"
    if card["uncommitted"]:
        of += f" with {len(card['uncommitted'])} uncommitted files"
    sections = "\n".join(_section(card, s) for s in card["sections"])
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f'<link rel="icon" href="data:,">\n<title>{title}</title>\n<style>{STYLE}</style>\n'
        f"</head>\n<body>\n<main>\n<h1>{title}</h1>\n{badge(card)}\n"
        f"<p>The lowest section's sum{word}; {card['total']} of {card['of']} points in all; {escape(of)}. "
        "A point is given to a test that is marked, ran on these very files, passed, and failed on its "
        "planted fault; half points are not given.</p>\n"
        f"{_sums(card)}\n{sections}\n</main>\n</body>\n</html>\n"
    )


def badge(card: Mapping[str, Any]) -> str:
    """The score as a small picture."""
    left, right = "ML Test Score", f"{card['score']} of 7 ({card['total']} of {card['of']})"
    colour = "#116329" if card["exceptional"] else "#9a6700" if card["score"] else "#a40e26"
    label = f"{left}: {right}"
    widths = 100, 7 * len(right) + 16
    whole = sum(widths)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="22" role="img" '
        f'aria-label="{label}"><title>{label}</title>'
        f'<rect width="{widths[0]}" height="22" fill="#444c56"/>'
        f'<rect x="{widths[0]}" width="{widths[1]}" height="22" fill="{colour}"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="12" text-anchor="middle">'
        f'<text x="{widths[0] / 2:g}" y="15">{left}</text>'
        f'<text x="{widths[0] + widths[1] / 2:g}" y="15">{right}</text></g></svg>\n'
    )


def _sums(card: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{escape(s['title'])}</td><td>{s['sum']} of {s['of']}</td></tr>"
        for s in card["sections"]
    )
    return f'<table><thead><tr><th scope="col">Section</th><th scope="col">Sum</th></tr></thead><tbody>{rows}</tbody></table>'


def _section(card: Mapping[str, Any], section: Mapping[str, Any]) -> str:
    rows = "\n".join(_row(r) for r in card["tests"] if r["section"] == section["section"])
    title = escape(section["title"])
    return (
        f"<h2>{title}: {section['sum']} of {section['of']}</h2>\n"
        f'<div class="scroll" role="group" tabindex="0" aria-label="{title}"><table>\n<thead><tr>'
        + "".join(
            f'<th scope="col">{h}</th>'
            for h in ("Test", "What it asks", "Point", "Tests that ran", "Planted faults")
        )
        + f"</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
    )


def _row(row: Mapping[str, Any]) -> str:
    point = '<span class="good">1</span>' if row["point"] else '<span class="bad">0</span>'
    asks = escape(row["title"])
    if row["lacks"]:
        asks += f'<br><span class="bad">{escape(row["lacks"])}</span>'
    if row["rests"]:
        asks += f'<br><span class="dim">Rests on the host: {escape(row["rests"])}</span>'
    return (
        f'<tr><td class="id">{row["id"]}</td><td>{asks}</td><td>{point}</td>'
        f"<td>{_ran(row['ran'])}</td><td>{_mutants(row['mutants'])}</td></tr>"
    )


def _ran(ran: list[Mapping[str, Any]]) -> str:
    if not ran:
        return "none"
    lines = [
        f"<code>{escape(r['node'].removeprefix('tests/'))}</code> {escape(r['outcome'])}"
        for r in ran
    ]
    last = f'<span class="dim">last run {max(r["when"] for r in ran)}</span>'
    if len(lines) <= SHOWN:
        return f"{_list(lines)}{last}"
    rest = (
        f"<details><summary>and {len(lines) - SHOWN} more</summary>{_list(lines[SHOWN:])}</details>"
    )
    return f"{_list(lines[:SHOWN])}{rest}{last}"


def _mutants(found: list[Mapping[str, Any]]) -> str:
    lines = [
        f"{escape(m['mutant'])}: <b>{escape(m['verdict'])}</b>"
        + (f" by <code>{escape(m['node'].split('::')[-1])}</code>" if m["node"] else "")
        for m in found
    ]
    return _list(lines) if lines else "none"


def _list(lines: list[str]) -> str:
    return f"<ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>"
