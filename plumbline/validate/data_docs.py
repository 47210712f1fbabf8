"""The edge that writes Great Expectations' Data Docs: its pages, made stable and readable offline.

Its templates load styles, scripts and a logo from eight hosts, and contain times and random ids. Here
what is remote is removed, ids are numbered, and the sections stand in the frame of the other reports.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from plumbline.report import html
from plumbline.report.blocks import Link, Links, Table, Text, Title

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def write(folder: Path, title: str, reports: Mapping[Any, Any]) -> None:
    """Write a page per report and `index.html` into `folder`, which exists.

    `reports`: name -> Great Expectations' ExpectationSuiteValidationResult.
    """
    for name, report in reports.items():
        (folder / f"{name}.html").write_text(page(name, report), encoding="utf-8")
    (folder / "index.html").write_text(index(title, reports), encoding="utf-8")


def page(name: str, report: Any) -> str:
    """Great Expectations' page for a validation result: its sections, in the frame of our reports."""
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer

    document = ValidationResultsPageRenderer(run_info_at_end=True).render(report)
    document.sections = document.sections[:-1]  # run name and time
    text = _view().render(document, show_how_to_buttons=False)
    title = html.fragment(Title(f"Checks of {name}"))
    back = html.fragment(Links([Link("index.html", "All tables")]))
    return html.page(name, f"{title}\n{back}\n{stable(text)}")


def index(title: str, reports: Mapping[Any, Any]) -> str:
    """The page that lists the reports: how many checks passed, with a link to each."""
    rows = [_row(name, report) for name, report in reports.items()]
    head = ("table", "verdict", "checks passed", "of")
    note = Text("Generated from the contract by Great Expectations.")
    return html.render([Title(title), note, Table("Checks by table", head, rows)])


def _row(name: str, report: Any) -> tuple[str | Link, ...]:
    count = report.statistics
    passed, evaluated = count["successful_expectations"], count["evaluated_expectations"]
    return (
        Link(f"{name}.html", str(name)),
        "✓ passed" if report.success else "✗ failed",
        str(passed),
        str(evaluated),
    )


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


@cache
def _view() -> Any:
    """It compiles its templates once."""
    from great_expectations.render.view import DefaultJinjaPageView

    return DefaultJinjaPageView()
