"""`audit`: known vulnerabilities of the locked dependencies; it fails, too, where it could not look."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from plumbline.automation import advisories


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("audit", help="known vulnerabilities of the dependencies")
    parser.add_argument("--lock", type=Path, default=Path("requirements.txt"), metavar="FILE")
    parser.add_argument(
        "--osv-url", default=advisories.SERVICE, metavar="ADDRESS", help="another OSV service"
    )
    parser.add_argument(
        "--ignore", action="append", default=[], metavar="ID", help="an advisory that is accepted"
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Print each advisory; 1 where there is one, else 0."""
    found = advisories.audit(chosen.lock, chosen.osv_url, chosen.ignore)
    for one in found:
        mended = f"mended in {', '.join(one.mended)}" if one.mended else "no version mends it"
        print(f"{one.name} {one.version}: {one.id}; {mended}")
    print(f"{len(found)} known vulnerabilities; the canary was flagged")
    return 1 if found else 0
