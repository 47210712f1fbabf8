"""Draw docs/review.png: the head of the comments of docs/review/, as they look on a pull request.

`python -m docs.review`; needs Chromium. Mermaid's two kinds of chart that a comment has are drawn here.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from html import escape
from itertools import groupby
from pathlib import Path

DOCS = Path(__file__).parent
NAMES = ("helps", "hurts")
SCALE, WIDTH, HEIGHT = 2, 1560, 830
COLOURS = ("#8c96a0", "#8a8af0")
"""Of base's and head's bars."""
SIGNS = {"✅": ("#1f883d", "M4 8.5l3 3 5-6"), "❌": ("#cf222e", "M5 5l6 6M11 5l-6 6")}
"""Drawn, since a machine need not have a font with pictures: colour of the disc, and path on it."""
STYLE = """
body { margin: 0; padding: 20px; background: #f6f8fa; color: #1f2328; display: flex; gap: 20px;
  font: 14px/1.5 -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; align-items: start }
article { flex: 1; background: #fff; border: 1px solid #d1d9e0; border-radius: 6px; overflow: hidden }
header { background: #f6f8fa; border-bottom: 1px solid #d1d9e0; padding: 8px 16px; color: #59636e }
header b { color: #1f2328 } .body { padding: 4px 16px 14px } h2 { font-size: 20px; margin: 14px 0 8px;
  border-bottom: 1px solid #d1d9e0; padding-bottom: 4px } p { margin: 8px 0 }
table { border-collapse: collapse; font-size: 13px; margin: 8px 0 }
th, td { border: 1px solid #d1d9e0; padding: 3px 9px } tr:nth-child(2n) td { background: #f6f8fa }
details { margin: 5px 0 } summary { cursor: pointer }
.flow { display: flex; flex-wrap: wrap; gap: 4px; align-items: center; margin: 8px 0 }
.flow span { border: 1px solid #9aa4b0; border-radius: 4px; padding: 1px 8px; background: #ececff }
.flow span.changed { background: #f9a825; border-color: #795548 } svg.sign { vertical-align: -2px }
body::after { content: ""; position: fixed; inset: auto 0 0; height: 90px;
  background: linear-gradient(transparent, #f6f8fa) } svg text { font: 11px sans-serif }
"""


def page(texts: dict[str, str]) -> str:
    """Both comments side by side."""
    shown = "".join(
        f"<article><header><b>github-actions</b> commented</header><div class=body>{comment(t)}</div></article>"
        for t in texts.values()
    )
    return f"<!doctype html><meta charset=utf-8><title>Review</title><style>{STYLE}</style>{shown}"


def comment(text: str) -> str:
    """A comment's Markdown as HTML, without its hidden marker image."""
    from markdown_it import MarkdownIt

    text = re.sub(r"!\[\]\([^)]*\)\s*$", "", text)
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    for sign, (colour, path) in SIGNS.items():
        disc = f'<circle cx="8" cy="8" r="8" fill="{colour}"/>'
        line = f'<path d="{path}" stroke="#fff" stroke-width="2" fill="none"/>'
        html = html.replace(sign, f"<svg class=sign width=16 height=16>{disc}{line}</svg>")
    fence = re.compile(r'<pre><code class="language-mermaid">(.*?)</code></pre>', re.DOTALL)
    return fence.sub(
        lambda match: chart(match[1].replace("&gt;", ">").replace("&quot;", '"')), html
    )


def chart(text: str) -> str:
    """A flow chart as boxes in their order, or a bar chart."""
    return flow(text) if text.startswith("flowchart") else bars(text)


def flow(text: str) -> str:
    """The stages, those that read from the same one side by side; changed ones in Mermaid's colour."""
    stages = re.findall(r"^  ([\w-]+)$", text, re.MULTILINE)
    edges = re.findall(r"^  ([\w-]+) --> ([\w-]+)$", text, re.MULTILINE)
    sources = {s: sorted(source for source, stage in edges if stage == s) for s in stages}
    changed = set(re.findall(r"^  class ([\w-]+) changed$", text, re.MULTILINE))
    boxes = {
        s: f'<span class="{"changed" if s in changed else ""}">{escape(s)}</span>' for s in stages
    }
    steps = (", ".join(boxes[s] for s in group) for _, group in groupby(stages, sources.get))
    return f"<div class=flow>{' → '.join(steps)}</div>"


def bars(text: str, width: int = 640) -> str:
    """Two horizontal bars for each category, base's above head's, each with its figure."""
    match = re.search(r"x-axis \[(.*)\]\n\s*bar \[(.*)\]\n\s*bar \[(.*)\]", text)
    assert match, text
    labels = [label.strip(' "').removesuffix(" base") for label in match[1].split(",")[::2]]
    base, head = ([float(v) for v in match[i].split(",")] for i in (2, 3))
    values = list(zip(base[::2], head[1::2], strict=True))
    longest = max(max(pair) for pair in values)
    drawn = []
    for place, (label, pair) in enumerate(zip(labels, values, strict=True)):
        top = place * 34
        drawn.append(f'<text x="0" y="{top + 17}">{escape(label)}</text>')
        for line, (value, colour) in enumerate(zip(pair, COLOURS, strict=True)):
            y, size = top + 14 * line, (width - 220) * value / longest
            drawn.append(f'<rect x="150" y="{y}" width="{size:.1f}" height="12" fill="{colour}"/>')
            drawn.append(f'<text x="{156 + size:.1f}" y="{y + 10}">{value:.4g}</text>')
    legend = "<p>grey: base, blue: head</p>"
    return f'{legend}<svg width="{width}" height="{len(labels) * 34}">{"".join(drawn)}</svg>'


def draw(target: Path, texts: dict[str, str]) -> None:
    """The page as a picture, by headless Chromium."""
    program = (
        shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    if not program:
        sys.exit("docs.review: Chromium is not installed; apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "review.html"
        file.write_text(page(texts), encoding="utf-8")
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        options += [f"--user-data-dir={folder}/profile", f"--force-device-scale-factor={SCALE}"]
        options += [
            f"--window-size={WIDTH},{HEIGHT}",
            f"--screenshot={target.absolute()}",
            file.as_uri(),
        ]
        subprocess.run([program, *options], check=True, capture_output=True, timeout=120)


def main() -> None:
    texts = {n: (DOCS / "review" / f"{n}.md").read_text(encoding="utf-8") for n in NAMES}
    draw(DOCS / "review.png", texts)


if __name__ == "__main__":
    main()
