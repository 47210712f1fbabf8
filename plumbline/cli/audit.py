"""`audit`: known vulnerabilities of the locked dependencies; it fails, too, where it could not look."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.ops.retrain import advisories

ACCEPTED = Path(".ci") / "advisories"


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("audit", help="known vulnerabilities of the dependencies")
    parser.add_argument("--lock", type=Path, default=Path("requirements.txt"), metavar="FILE")
    parser.add_argument(
        "--osv-url", default=advisories.SERVICE, metavar="ADDRESS", help="another OSV service"
    )
    text = f"ids that are accepted, each with a reason ({ACCEPTED})"
    parser.add_argument("--accepted", type=Path, default=ACCEPTED, metavar="FILE", help=text)
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Print each advisory; 1 where there is one, else 0."""
    known = advisories.accepted(_read(chosen.accepted), str(chosen.accepted))
    found = advisories.audit(chosen.lock, chosen.osv_url, known)
    for one in found:
        mended = f"mended in {', '.join(one.mended)}" if one.mended else "no version mends it"
        print(f"{one.name} {one.version}: {one.id}; {mended}")
    print(
        f"{len(found)} known vulnerabilities beside {len(known)} accepted; the canary was flagged"
    )
    return 1 if found else 0


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise PlumblineError(f"{path}: {error.strerror}; expected a text file") from None
