"""`lineage TARGET`: the chain from a prediction, a model or any output back to the source's hash."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from plumbline.core.files import replacing, write_json
from plumbline.ops.lineage import record, render, target


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("lineage", help="what a model, file or prediction was made from")
    said = "a use case, USECASE@champion, USECASE/VERSION, USECASE:KEY (an event), a tag, an md5, a file"
    parser.add_argument("target", help=said)
    parser.add_argument("--rev", help="at this commit, tag or branch; the work tree without it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write it there as JSON")
    parser.add_argument("--mermaid", type=Path, metavar="FILE", help="write it there as a graph")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Print the tree; 0, or 1 where the chain does not join."""
    root = Path(".")
    found = [record.lineage(root, one) for one in target.find(root, chosen.target, chosen.rev)]
    for one in found:
        for line in render.tree(one):
            print(line)
    if chosen.json:
        write_json(chosen.json, {"asked": chosen.target, "chains": found})
    if chosen.mermaid:
        with replacing(chosen.mermaid) as beside:
            beside.write_text("\n".join(render.mermaid(found)) + "\n", encoding="utf-8")
    return 1 if any(one["breaks"] for one in found) else 0
