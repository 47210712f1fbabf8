"""Draw the README's pictures: the graph from dvc.yaml, and one page of a report.

`python -m docs.pictures` after `dvc repro`; needs graphviz's `dot`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

STYLE = 'rankdir=LR; bgcolor="white"; node [shape=box, style="rounded,filled", fillcolor="#dbe9f6", color="#4477aa", fontname="Helvetica", fontsize=14, margin="0.18,0.1"]; edge [color="#4477aa", arrowsize=0.7];'


def graph(dot: str, usecase: str) -> str:
    """`dvc dag --dot`, one use case, drawn from left to right without the matrix's suffix."""
    lines = [line for line in dot.splitlines() if f"@{usecase}" in line and "->" in line]
    edges = [re.sub(rf"@{usecase}", "", line) for line in lines]
    return "digraph { " + STYLE + ' "source" -> "data";' + "\n".join(edges) + "}"


def main() -> None:
    docs = Path(__file__).parent
    command = ["dvc", "dag", "--dot"]
    dot = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    drawn = graph(dot, "card_fraud")
    subprocess.run(
        ["dot", "-Tsvg", "-o", str(docs / "graph.svg")], input=drawn, text=True, check=True
    )
    shutil.copy("reports/card_fraud/evaluate/quality.png", docs / "report.png")


if __name__ == "__main__":
    main()
