"""The README's badges as small SVG files: what each says is read from the project's own files."""

from __future__ import annotations

import tomllib
from pathlib import Path

from plumbline.model.version import VERSION

ROOT = Path(__file__).parent.parent
CHARACTER = 6.6
"""Width of a character of the badge's font, pixels."""


def badges() -> dict[str, str]:
    """File name to SVG, below docs/."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = {
        "version": ("version", VERSION, "#0969da"),
        "license": ("license", project["license"], "#1a7f37"),
    }
    return {f"badges/{name}.svg": badge(*text) for name, text in texts.items()}


def badge(label: str, value: str, colour: str) -> str:
    """Two boxes side by side: a label, and its value on `colour`."""
    left, right = (round(len(text) * CHARACTER + 12) for text in (label, value))
    boxes = "".join(
        f'<rect x="{x}" width="{width}" height="20" fill="{fill}"/>'
        f'<text x="{x + width / 2:g}" y="14">{text}</text>'
        for x, width, fill, text in ((0, left, "#444d56", label), (left, right, colour, value))
    )
    style = 'fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{label}: {value}"><g {style}>{boxes}</g></svg>\n'
    )
