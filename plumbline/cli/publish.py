"""`publish TAG`: what `release` packed, checked against its checksums, as a release on GitHub."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.ops.hosting import github
from plumbline.ops.retrain import archives

BODY = """\
Check what you downloaded: `sha256sum -c SHA256SUMS`, and where it was built: \
`gh attestation verify FILE --repo {repository}`.

```
{sums}```
"""


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("publish", help="a packed tag as a release on GitHub")
    parser.add_argument("tag", metavar="TAG")
    parser.add_argument("--from", type=Path, metavar="FOLDER", help="dist/TAG without it")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Upload what the release does not have yet; a second call changes nothing."""
    folder = vars(chosen)["from"] or Path("dist") / chosen.tag
    sums = _checked(folder)
    hub = github.from_environment()
    body = BODY.format(repository=hub.repository, sums=sums)
    made = hub.release(chosen.tag, chosen.tag, body)
    there = {asset["name"] for asset in made.get("assets") or ()}
    for path in sorted(folder.iterdir()):
        if path.name not in there:
            hub.upload(made, path)
            print(f"published {path.name}")


def _checked(folder: Path) -> str:
    """The checksums' text; PlumblineError where a file is not as it says."""
    try:
        text = (folder / archives.SUMS).read_text(encoding="utf-8")
    except OSError:
        raise PlumblineError(
            f"{folder}: no {archives.SUMS} there; run `plumbline release TAG` first"
        ) from None
    found = archives.sums(p for p in folder.iterdir() if p.name != archives.SUMS)
    if found != text:
        raise PlumblineError(
            f"{folder}: the files are not those of {archives.SUMS}; release the tag again"
        )
    return text
