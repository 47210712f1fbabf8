"""Write the tables of docs/scale.md from the records in docs/evidence: `python -m docs.scale_tables`.

`python -m docs.scale_tables --check` exits with 1 where the page has others. A table of which there is no record is left
out.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import dvc_limits, serving_scale
from plumbline.core import files

ROOT = Path(__file__).resolve().parent
PAGE = ROOT / "scale.md"


def tables() -> dict[str, str]:
    """By the script that measures it, each table as Markdown."""
    found = {}
    for name, lines in (("dvc_limits", _limits), ("serving_scale", _serving)):
        record = ROOT / "evidence" / f"{name}.json"
        if record.exists():
            found[f"bench.{name}"] = "\n".join(lines(files.read_json(record)))
    return found


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


def _serving(record: dict[str, object]) -> Iterator[str]:
    yield from serving_scale.tables(record)


def main(words: Sequence[str] = ()) -> int:
    before = PAGE.read_text(encoding="utf-8")
    after = page(before)
    if "--check" in words:
        return int(before != after)
    PAGE.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
