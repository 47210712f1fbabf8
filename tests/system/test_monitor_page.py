"""The monitor's page in a real browser: from disk, no network, light and dark, narrow and wide, accessible."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plumbline.monitor import day_history, page, sentences
from plumbline.monitor.result import MonitorResult
from plumbline.report import html
from tests import alerts, browser
from tests.alerts import finding, verdict
from tests.browser import Scheme
from tests.conftest import ROOT
from tests.model.test_monitor import shop  # noqa: F401 (a fixture)
from tests.shop import DELAY, table

EVIL = '"><img src=http://evil.example/x onerror=alert(1)><script>alert(1)</script>'
LINKS = ("days.svg", "evidently.html", "history.csv", "score.svg")


def days(count: int = 70, column: str = "amount") -> list[dict[str, Any]]:
    """Days of every level; the labels of the last nine are known in part, then not at all."""
    built = []
    for i in range(count):
        day = str(np.datetime64("2025-04-20") + i)
        level = ("ok", "ok", "warning", "ok", "alert")[i % 5]
        known = min(1.0, max(0.0, (count - i - 2) / 7))
        quality = {"value": 0.7 + i % 7 / 50, "low": 0.6, "high": 0.85, "maturity": known}
        result = [] if level == "ok" else [finding(column=column, level=level, since=day)]
        score = {"mean": 0.01 + i % 3 / 1000, "shift": i % 4 / 10 - 0.1}
        built.append(
            {"day": day, "level": level, "rows": 2200 + i, "findings": result, "score": score}
        )
        built[-1]["quality"] = quality if known else None
    return built


def whole(text: str = "grocery") -> MonitorResult:
    """A verdict with all that a page can show; `text` is a value out of the data."""
    gap = {"reference": {"value": 0.7, "low": 0.6, "high": 0.8}}
    gap["current"] = {"value": 0.5, "low": 0.4, "high": 0.6}
    column = {
        "name": text,
        "level": "alert",
        "importance": 0.1,
        "reach": 0.4,
        "psi": 0.3,
        "shift": 1.5,
    }
    parts = [f"{i} to {i + 1} {text}" for i in range(12)]
    report = verdict(
        finding(column=text, cause=f"new value {text}", since="2025-06-25", evidence=text),
        finding("drift", "weight", "warning", importance=None),
    )
    sections = {
        "days": days(column=text),
        "promise": "one false alert in 200 days",
        "cold": "judged by the training window alone",
        "columns": [
            {**column, "null_reference": 0.0, "null_current": 0.01},
            {"name": "lost", "level": "alert", "importance": 0.2, "problem": "not in the table"},
            *({"name": f"column_number_{i}", "level": "ok", "psi": 0.001 * i} for i in range(12)),
        ],
        "prediction": {"psi": 0.2, "shift": 0.4},
        "quality": {
            "metric": "average_precision",
            "rows": {"reference": 61270, "current": 15689},
            "value": gap,
            "mean_label": gap,
            "loss": {"value": 0.2, "low": 0.1, "high": 0.3},
        },
        "distributions": [
            {
                "name": "amount",
                "kind": "numeric",
                "bins": parts,
                "reference": [1 / 12] * 12,
                "current": [0.05] * 11 + [0.45],
            },
            {
                "name": text,
                "kind": "category",
                "bins": [text, "b"],
                "reference": [0.5, 0.5],
                "current": [0.9, 0.1],
            },
        ],
        "segments": [{"column": "category", "value": text, "reference": 0.3, "current": 0.2}],
        "estimate": {
            "value": 0.7,
            "metric": "average_precision",
            "assumptions": "nothing has moved",
            "muted": None,
        },
        "shelf_life": {"days": 90, "age_days": 47, "text": "47 of 90 days used"},
    }
    return MonitorResult.model_validate(report | sections)


FOUND = {
    "whole": whole,
    "hostile": lambda: whole(EVIL),
    "plain": lambda: MonitorResult.model_validate(
        {"level": "ok", "findings": [], "days": [{"day": None, "level": "ok"}]}
    ),
}


@pytest.fixture(params=FOUND)
def page_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A page with all there is, with a hostile value, of a plain table."""
    path = tmp_path / "page.html"
    path.write_text(page.render("shop", FOUND[request.param](), LINKS), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page_file: Path, tmp_path: Path, scheme: Scheme) -> None:
    result = browser.axe(page_file, tmp_path, scheme)
    assert result["violations"] == []
    assert result["passes"] > 10


def test_it_opens_and_the_console_is_empty(page_file: Path) -> None:
    dom, console = browser.opened(page_file)
    assert "<h1" in dom
    assert console == []


class Tags(HTMLParser):
    """The tags of a page, and the addresses in them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses |= {v or "" for k, v in attrs if k in ("src", "href", "srcset", "action")}
        assert not [k for k, _ in attrs if k.startswith("on")], "a script"


def test_nothing_is_outside_of_the_file(page_file: Path) -> None:
    result = Tags(page_file.read_text())
    assert result.addresses == {"data:,", *LINKS}
    assert not result.tags & {"script", "img", "iframe", "object", "form"}
    style = (html.TEMPLATES / "style.css").read_text()
    assert "url(" not in style
    assert "@import" not in style


@pytest.mark.parametrize("width", [400, 1400])
def test_it_is_read_without_scrolling_sideways(page_file: Path, tmp_path: Path, width: int) -> None:
    """Measured in a frame of that width; a table that is wider scrolls by itself."""
    assert _beyond(page_file, tmp_path, width) == 0


def test_a_page_that_is_too_wide_would_be_seen(tmp_path: Path) -> None:
    path = tmp_path / "wide.html"
    path.write_text(html.page("x", '<h1>x</h1><p style="width:900px">wide</p>'))
    assert _beyond(path, tmp_path, 400) > 400


def _beyond(path: Path, folder: Path, width: int) -> int:
    """By how much a page's content, all unfolded, is wider than a frame, in pixels."""
    report = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    script = f"<script>onload = () => parent.postMessage({report}, '*')</script>"
    text = browser.POLICY.sub("", path.read_text(encoding="utf-8"))
    text = text.replace("<details>", "<details open>").replace("</body>", f"{script}</body>")
    (folder / "inner.html").write_text(text, encoding="utf-8")
    outer = folder / "outer.html"
    outer.write_text(
        '<!doctype html><body><p id="said"></p><script>onmessage = e => '
        "{document.getElementById('said').textContent = e.data}</script>"
        f'<iframe src="inner.html" style="border:0;width:{width}px;height:900px"></iframe>'
    )
    dom, console = browser.opened(outer)
    result = re.search(r'id="said">(-?\d+)<', dom)
    assert result, console
    return int(result[1])


def test_what_a_page_must_say() -> None:
    text = _text(page.render("shop", whole()))
    for sentence in (
        "■ shop: Alert. Investigate now",
        "Concept drift cannot be seen until 2025-07-08",
        "Likely cause: new value grocery.",
        "Next: find the sender.",
        "alert: grocery: unit, since 2025-06-25",
        "0.500 (0.400 to 0.600)",
        "-20.0% (-30.0% to -10.0%)",
        "one false alert in 200 days",
        "47 of 90 days used",
        "average precision 0.7 without labels, assuming: nothing has moved",
        "70 days: 42 ✓ ok, 14 ▲ warning, 14 ■ alert.",
        "not in the table",
    ):
        assert sentence in text, sentence


def test_what_is_missing_is_said() -> None:
    text = _text(page.render("shop", MonitorResult(level="ok", findings=())))
    for sentence in (
        "OK. No findings",
        "it holds no single days",
        "Quality is unknown",
        "holds no distributions",
        "holds no segments",
        "holds no figures of single columns",
        "does not compare the scores",
        "gives no advice on retraining",
    ):
        assert sentence in text, sentence


def test_days_of_before_come_out_of_the_history() -> None:
    def of(count: int) -> MonitorResult:
        return MonitorResult.model_validate({"level": "ok", "findings": [], "days": days(count)})

    rows = day_history.merge(day_history.rows(of(10), "0123456789"), [])
    older = [{**row, "day": f"2025-03-{i + 10}"} for i, row in enumerate(rows)]
    result = page.extended(of(3), [*older, *rows])
    assert [d.day for d in result.days][:2] == ["2025-03-10", "2025-03-11"]
    assert len(result.days) == 20
    assert [f.check for f in result.days[2].findings] == ["unit amount"]
    assert result.days[12].findings[0].next == "find the sender", "the verdict's own says more"
    text = _text(page.render("shop", result))
    assert "2025-03-12: warning: unit amount" in text


def test_the_same_json_gives_the_same_bytes() -> None:
    again = json.loads(json.dumps(whole().plain()))
    assert page.render("shop", MonitorResult.model_validate(again)) == page.render("shop", whole())


@pytest.mark.capability("K1")
@pytest.mark.usefixtures("shop")
def test_the_stage_writes_it_and_evidently_opens_without_a_network(request: Any) -> None:
    """The stage's own page, the files that it links to, and Evidently's report with its tabs."""
    from stages import monitor

    now = table(14, seed=2, unknown=DELAY)
    now["size"] = now["size"] * 100
    request.getfixturevalue("shop")(now)
    Path("history.csv").touch()
    tables = ("model", "test.parquet", "current.parquet", "served", "history.csv")
    outs = ("monitor.json", "summary.json", "report")
    monitor.main("shop", *map(Path, tables + outs))
    report = json.loads(Path("monitor.json").read_text())
    built = Path("report") / page.FILE
    dom, console = browser.opened(built)
    assert console == []
    assert f"shop: {sentences.TITLES[report['level']]}" in dom
    for name in re.findall(r'href="([\w.]+)"', dom):
        assert (Path("report") / name).is_file(), name
    assert 'href="evidently.html"' in dom
    dom, console = browser.opened(Path("report") / "evidently.html")
    assert console == []
    assert "Inputs" in dom


def test_the_command_opens_it(tmp_path: Path) -> None:
    """In whatever browser the environment names; drawn anew from the JSON where that is asked for."""
    alerts.project(tmp_path, {})
    alerts.write(tmp_path, verdict(finding()))
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path}/opened\n')
    script.chmod(0o755)
    env = {**os.environ, "BROWSER": f"{script} %s", "PYTHONPATH": str(ROOT)}

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "plumbline", "open-monitor", *words]
        return subprocess.run(line, cwd=tmp_path, env=env, capture_output=True, text=True)

    assert "run `dvc checkout`, or `dvc repro`" in command().stderr
    assert "did you mean 'shop'" in command("shpo").stderr
    done = command("--html", "pages")
    built = tmp_path / "pages" / "shop-monitor.html"
    assert done.stdout == f"shop: alert: something\n{built.as_uri()}\n"
    assert (tmp_path / "opened").read_text() == f"{built.as_uri()}\n"
    place = tmp_path / "reports" / "shop" / "monitor" / page.FILE
    place.parent.mkdir(parents=True)
    place.write_text("x")
    assert place.as_uri() in command("shop", "--no-open").stdout
    assert len((tmp_path / "opened").read_text().split()) == 1


def _text(html: str) -> str:
    """What a reader sees, in one line."""
    from html import unescape

    body = html.split("<body>")[1]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())
