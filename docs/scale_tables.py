"""Write the tables of docs/scale.md from the records in docs/evidence: `python -m docs.scale_tables`.

`python -m docs.scale_tables --check` exits with 1 where the page has others. A table of which there is no record is left
out. The records are written by the scripts that the page names; that of `make bench-large` by
`python -m bench.scale_costs large.json --record docs/evidence/large.json`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import dvc_limits, scale_costs, serving_scale
from plumbline.core import files

ROOT = Path(__file__).resolve().parent
PAGE = ROOT / "scale.md"


def tables() -> dict[str, str]:
    """By the script that measures it, each table as Markdown."""
    written: dict[str, str] = {}
    for name, (record, lines) in TABLES.items():
        path = ROOT / "evidence" / f"{record}.json"
        if path.exists():
            written[f"bench.{name}"] = "\n".join(lines(files.read_json(path)))
    return written


def page(text: str) -> str:
    """The page with its tables."""
    for name, table in tables().items():
        place = re.compile(rf"(<!-- by {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
        assert place.search(text), f"{PAGE}: no place for the table of {name}"
        text = place.sub(lambda match, table=table: f"{match[1]}{table}\n{match[2]}", text)
    return text


def _limits(record: Sequence[dict[str, float]]) -> Iterator[str]:
    yield f"| files | bytes in all | {' | '.join(dvc_limits.COLUMNS)} |"
    yield "|---" * (2 + len(dvc_limits.COLUMNS)) + "|"
    for row in record:
        yield _row(f"{row['files']:,}", f"{row['files'] * row['bytes']:,}", row)
    for count, size in dvc_limits.LARGER:
        row = dvc_limits.extrapolated(record, count, size)
        yield _row(f"*{count:,}*", f"*{size:,}*", row)


def _row(count: str, size: str, row: dict[str, float]) -> str:
    cells = [f"{row[n]:,.0f}" if row[n] >= 100 else f"{row[n]:.1f}" for n in dvc_limits.COLUMNS]
    return f"| {count} | {size} | {' | '.join(cells)} |"


def _manifest(record: Mapping[str, Any]) -> Iterator[str]:
    yield f"| {record['files']:,} files | seconds | of CPU |"
    yield "|---|---|---|"
    for name, step in record["steps"].items():
        yield f"| `{name.partition(' (')[0].partition(',')[0]}`{_further(name)} | {step['wall']:.1f} | {step['cpu']:.1f} |"


def _further(name: str) -> str:
    """What the record says beside the command.

    >>> _further("verify, one replaced"), _further("manifest --update (first)"), _further("verify")
    (', one replaced', ' (first)', '')
    """
    return name[len(name.partition(" (")[0].partition(",")[0]) :]


TABLES: Mapping[str, tuple[str, Callable[[Any], Iterable[str]]]] = {
    "scale_costs": ("large", scale_costs.tables),
    "dvc_limits": ("dvc_limits", _limits),
    "manifest_files": ("manifest_files", _manifest),
    "serving_scale": ("serving_scale", serving_scale.tables),
}
"""By the script, its record in docs/evidence, and what makes the table of it."""


def main(words: Sequence[str] = ()) -> int:
    before = PAGE.read_text(encoding="utf-8")
    after = page(before)
    if "--check" in words:
        return int(before != after)
    PAGE.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
