"""A packed tag, checked against its checksums, as a release on GitHub."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.ops.hosting.github import GitHub
from plumbline.ops.release import archives

BODY = """\
Check what you downloaded: `sha256sum -c SHA256SUMS`, and where it was built: \
`gh attestation verify FILE --repo {repository}`. \
BUNDLESUMS has the hashes that `plumbline score --admit` takes.

```
{sums}```
"""


def publish(hub: GitHub, tag: str, folder: Path) -> Iterator[str]:
    """Upload what the release does not have yet, and name each file; a second call changes nothing."""
    sums = checksums(folder)
    release = hub.release(tag, tag, BODY.format(repository=hub.repository, sums=sums))
    present = {asset["name"] for asset in release.get("assets") or ()}
    for path in sorted(folder.iterdir()):
        if path.name not in present:
            hub.upload(release, path)
            yield path.name


def checksums(folder: Path) -> str:
    """The text of SHA256SUMS; PlumblineError where a file is not as it states."""
    try:
        text = (folder / archives.SUMS).read_text(encoding="utf-8")
    except OSError:
        raise PlumblineError(
            f"{folder}: no {archives.SUMS} there; run `plumbline release TAG` first"
        ) from None
    if archives.sums(p for p in folder.iterdir() if p.name != archives.SUMS) != text:
        raise PlumblineError(
            f"{folder}: the files are not those of {archives.SUMS}; release the tag again"
        )
    return text
