"""`mltest`: the ML Test Score of this checkout, 28 tests with their evidence, and where points are missing."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plumbline.core import files
from plumbline.core.errors import PlumblineError
from plumbline.studies.mltest import evidence, markers, page, scoring, tree


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("mltest", help="the ML Test Score: 28 tests and their evidence")
    parser.add_argument("--json", type=Path, default=Path("scorecard.json"), metavar="F")
    parser.add_argument("--html", type=Path, default=Path("reports/scorecard.html"), metavar="F")
    parser.add_argument("--badge", type=Path, default=Path("reports/scorecard.svg"), metavar="F")
    parser.add_argument("--least", type=int, default=0, metavar="N", help="exit 1 below this score")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Print the score; write JSON, page and badge. 1 where it is below `--least`."""
    root = Path(".")
    card = read(root)
    for line in text(card):
        print(line)
    files.write_json(chosen.json, card)
    for path, content in ((chosen.html, page.render(card)), (chosen.badge, page.badge(card))):
        with files.replacing(path) as beside:
            beside.write_text(content, encoding="utf-8")
    print(f"wrote {chosen.json}, {chosen.html}, {chosen.badge}")
    return 1 if card["score"] < chosen.least else 0


def read(root: Path) -> dict[str, Any]:
    """The card from the records of this state; PlumblineError where there are none."""
    state, folder = tree.state(root), root / evidence.FOLDER
    ran, caught = evidence.tests(folder, state), evidence.mutants(folder, state)
    if not ran and not caught:
        old = evidence.others(folder, state)
        why = f"the {old} records there are of other states of it" if old else "there is no record"
        raise PlumblineError(f"no marked test has run on these files: {why}; run `make score`")
    card = scoring.card(ran, caught, markers.declared(root))
    changed = tree.changed(root)
    return {**card, "commit": tree.commit(root), "state": state, "uncommitted": changed}


def text(card: Mapping[str, Any]) -> list[str]:
    """What a person reads: a line per test, the faults it caught, sums, the score."""
    lines = []
    for row in card["tests"]:
        mark = "1" if row["point"] else "0"
        lines.append(f"{row['id']:10} {mark}  {row['title']}")
        passed = [r for r in row["ran"] if r["outcome"] == "passed"]
        if passed:
            lines.append(
                f"              {len(passed)} passed, last {passed[-1]['when']}: {passed[0]['node']}"
            )
        lines += [
            f'              {m["verdict"]} "{m["mutant"]}" by {m["node"] or "none"}'
            for m in row["mutants"]
        ]
        if row["lacks"]:
            lines.append(f"              no point: {row['lacks']}")
        if row["rests"]:
            lines.append(f"              rests on the host: {row['rests']}")
    sums = ", ".join(f"{s['title']} {s['sum']} of {s['of']}" for s in card["sections"])
    lines.append(f"{sums}; total {card['total']} of {card['of']}")
    word = " (exceptional)" if card["exceptional"] else ""
    lines.append(f"ML Test Score {card['score']}: the lowest section's sum{word}")
    if card["uncommitted"]:
        lines.append(
            f"of a tree with {len(card['uncommitted'])} uncommitted files, not of a commit"
        )
    return lines
