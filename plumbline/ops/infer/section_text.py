"""The section of params.yaml as commented YAML. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

DEEP = ("space",)
"""Keys whose values stand on a line each."""


def section_text(name: str, section: Mapping[str, Any], comments: Mapping[str, str]) -> str:
    """`comments`: by dotted key, what stands behind it."""
    lines = [f"{name}:"]
    for stage, values in section.items():
        if not values:
            lines.append(f"  {stage}: {{}}")
            continue
        lines.append(f"  {stage}:")
        for key, value in values.items():
            lines += _line(key, value, 4, comments.get(f"{stage}.{key}", ""))
    return "\n".join(lines) + "\n"


def _line(key: str, value: Any, depth: int, comment: str) -> list[str]:
    pad = " " * depth
    note = f"  # {comment}" if comment else ""
    if key in DEEP and value:
        inner = [line for k, v in value.items() for line in _line(k, v, depth + 2, "")]
        return [f"{pad}{key}:{note}", *inner]
    flow = yaml.safe_dump({key: value}, default_flow_style=True, width=10**6, allow_unicode=True)
    return [f"{pad}{flow.strip()[1:-1]}{note}"]
