"""The edge that writes Great Expectations' Data Docs: its pages, made stable and readable offline.

Its templates load styles, scripts and a logo from eight hosts, count on a clock and on random ids.
Here what is remote is taken out, a small style sheet put in, and ids are numbered. Its templates escape
nothing: values go in with other signs for those that HTML and the templates read, and come out escaped.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any

from plumbline.core.safe_text import one_line

STYLE = Path(__file__).with_name("data_docs.css")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
LONGEST = 400
"""Characters of a value that a page shows."""
ACTING = "&<>\"'$`{}%"
"""Signs that HTML or the templates read; each goes in as one of a script that neither knows."""
STAND_INS = {ord(sign): 0x101D0 + place for place, sign in enumerate(ACTING)}  # the Phaistos disc's
SHOWN = {0x101D0 + place: f"&#{ord(sign)};" for place, sign in enumerate(ACTING)}
Notes = Mapping[str, Sequence[str]]
"""Lines by heading."""
NO_NOTES: Notes = {}
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def write(folder: Path, title: str, reports: Mapping[Any, Any], notes: Notes = NO_NOTES) -> None:
    """Write a page per report and `index.html` into `folder`, which exists.

    `reports`: name -> Great Expectations' ExpectationSuiteValidationResult. `notes`: by heading, lines for `index.html`.
    """
    for name, report in reports.items():
        (folder / f"{name}.html").write_text(page(name, report), encoding="utf-8")
    (folder / "index.html").write_text(index(title, reports, notes), encoding="utf-8")


def page(name: str, report: Any) -> str:
    """Great Expectations' page for a validation result: its sections, in a page of our own."""
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer

    document = ValidationResultsPageRenderer(run_info_at_end=True).render(_inert(report))
    document.sections = document.sections[:-1]  # run name and time
    text = _view().render(document, show_how_to_buttons=False)
    return _whole(name, '<p><a href="index.html">All tables</a></p>\n' + _escaped(stable(text)))


def index(title: str, reports: Mapping[Any, Any], notes: Notes = NO_NOTES) -> str:
    """The page that lists the reports: how many checks passed, with a link to each; then `notes`."""
    lines = []
    for name, report in reports.items():
        count = report.statistics
        sign = "&#10004;" if report.success else "&#10008;"
        passed = f"{count['successful_expectations']} of {count['evaluated_expectations']}"
        link = f'<a href="{html.escape(name)}.html">{html.escape(name)}</a>'
        lines.append(f"<tr><td>{sign}</td><td>{link}</td><td>{passed} checks passed</td></tr>\n")
    origin = "<p>Made from the contract by Great Expectations.</p>\n"
    more = "".join(_listed(heading, lines) for heading, lines in notes.items() if lines)
    head = f"<h1>{html.escape(title)}</h1>\n{origin}"
    return _whole(title, f"{head}<table>\n{''.join(lines)}</table>\n{more}")


def _listed(heading: str, lines: Sequence[str]) -> str:
    items = "".join(f"<li>{html.escape(one_line(line, LONGEST))}</li>\n" for line in lines)
    return f"<h2>{html.escape(heading)}</h2>\n<ul>\n{items}</ul>\n"


def stable(text: str) -> str:
    """The sections of a page, without scripts and anything remote, their random ids numbered.

    >>> stable('<nav>x</nav><div id="section-1">kept</div></div></div></div><footer>x</footer>')
    '<div id="section-1">kept</div>\\n'
    """
    text = text[text.index('<div id="section-1"') :]
    text = text[: text.index("<footer>")].rstrip()
    for _ in range(3):  # opened before the first section
        text = text.removesuffix("</div>").rstrip()
    text = re.sub(r"<script\b.*?</script>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<(?:link|img)\b[^>]*>\s*", "", text)
    text = re.sub(r'href="(?:https?:|\.\./)[^"]*"', 'href="index.html"', text)
    text = text.replace(" Data asset: None<br>", "")
    numbers: dict[str, str] = {}
    text = re.sub(UUID, lambda m: numbers.setdefault(m[0], f"id-{len(numbers) + 1}"), text)
    return "\n".join(line.rstrip() for line in text.split("\n") if line.strip()) + "\n"


def _inert(report: Any) -> Any:
    """A copy of a report, its values with stand-ins."""
    result = copy(report)
    result.results = [_inert_result(one) for one in report.results]
    return result


def _inert_result(raw: Any) -> Any:
    result, config = copy(raw), copy(raw.expectation_config)
    config.kwargs, config.description = _stood_in(config.kwargs), _stood_in(config.description)
    result.result, result.expectation_config = _stood_in(raw.result), config
    return result


def _stood_in(value: Any) -> Any:
    match value:
        case str():
            return one_line(value, LONGEST).translate(STAND_INS)
        case dict():
            return {name: _stood_in(inner) for name, inner in value.items()}
        case list() | tuple() | set():
            return [_stood_in(inner) for inner in value]
    return value


def _escaped(page: str) -> str:
    """The page with the stand-ins replaced by HTML for what they stand for."""
    return page.translate(SHOWN)


@cache
def _view() -> Any:
    """It compiles its templates once."""
    from great_expectations.render.view import DefaultJinjaPageView

    return DefaultJinjaPageView()


def _whole(title: str, body: str) -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><title>{html.escape(title)}'
        f"</title><style>\n{STYLE.read_text(encoding='utf-8')}</style></head>\n<body>\n{body}</body></html>\n"
    )
