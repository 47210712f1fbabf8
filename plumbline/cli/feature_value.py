"""`feature-value USECASE`: does each feature beat columns of noise, and what does it cost? Exit 1 where one does not."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser(
        "feature-value", help="what each feature brings beside noise, and costs"
    )
    parser.add_argument("usecase")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="trainings")
    parser.add_argument(
        "--noise", type=int, default=5, metavar="N", help="shuffled columns in each"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write it there too")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Print a line per feature, the best first; 1 where one does not earn, or costs too much."""
    from plumbline import config
    from plumbline.core import files, usecase_loader
    from plumbline.repo import artifacts
    from plumbline.repo.artifacts import Role
    from plumbline.studies.feature_value import study

    if chosen.seeds < 1 or chosen.noise < 1:
        raise PlumblineError("--seeds and --noise: expected 1 or more")
    name = chosen.usecase
    found = study.study(
        usecase_loader.load(name),
        config.load(name),
        artifacts.path(name, Role.TRAIN_TABLE),
        artifacts.path(name, Role.VALID_TABLE),
        artifacts.path(name, Role.BUNDLE),
        seeds=chosen.seeds,
        noise=chosen.noise,
    )
    if chosen.json:
        files.write_json(chosen.json, found)
    for line in text(found):
        print(line)
    idle = [f["name"] for f in found["features"] if not f["earns"]]
    dear = study.dear(found)
    if idle:
        print(f"no better than noise: {', '.join(idle)}; drop them")
    if dear:
        print(f"too dear: {'; '.join(dear)}")
    return 1 if idle or dear else 0


def text(found: Mapping[str, Any]) -> list[str]:
    """The table."""
    head = f"{'feature':28} {'kind':9} {'gain':>6} {'won':>6} {'loss':>8} {'missed':>6} {'µs/row':>8} {'µs/request':>11}  sources"
    lines = [
        f"{f['name']:28} {f['kind']:9} {f['gain']:6.1%} {f['won']:>2} of {found['seeds']} "
        f"{f['loss']:8.4f} {f['missed']:>6} {f['us_per_row']:8.4f} {f['us_per_request']:11.2f}  {', '.join(f['sources'])}"
        for f in found["features"]
    ]
    return [head, *lines]
