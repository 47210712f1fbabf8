"""`golden-check USECASE`: golden requests to the bundle in models/ before it serves; exit 2 where one is wrong."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser(
        "golden-check", help="put golden requests to a model before it serves"
    )
    parser.add_argument("usecase")
    parser.add_argument("--model", type=Path, help="another bundle than models/USECASE")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Ask, and say that it may serve; PlumblineError where it may not."""
    from plumbline.core import usecase_loader
    from plumbline.ops.rollback import golden_check
    from plumbline.repo import artifacts
    from plumbline.repo.artifacts import Role

    name = chosen.usecase
    count = golden_check.check(
        usecase_loader.load(name),
        chosen.model or artifacts.path(name, Role.BUNDLE),
        artifacts.path(name, Role.TEST_TABLE),
        artifacts.path(name, Role.EVALUATE_REPORT),
    )
    print(
        f"{name}: {count} golden requests answered, one by one and together, to the bit as recorded: "
        "it may serve"
    )
