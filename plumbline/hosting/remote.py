"""The DVC remote of one clone, in .dvc/config.local. An edge: writes that file."""

from __future__ import annotations

from pathlib import Path

from plumbline.errors import PlumblineError
from plumbline.files import replacing

CONFIG = """\
[core]
    remote = plumbline
['remote "plumbline"']
    url = {url}
    verify = true
"""


def use(root: Path, url: str) -> Path:
    """Make `url` the default remote; an empty folder of the clone's own where it is empty.

    PlumblineError where the clone has a .dvc/config.local that says something else.
    """
    file = root / ".dvc" / "config.local"
    if any(ord(c) < 32 for c in url):
        raise PlumblineError("DVC_REMOTE_URL: expected one address, found a line break in it")
    if url and "://" not in url and not Path(url).is_absolute():
        raise PlumblineError(
            f"DVC_REMOTE_URL: got '{url}', expected an address or an absolute path"
        )
    text = CONFIG.format(url=url or _none(root))
    if file.exists() and file.read_text(encoding="utf-8") != text:
        raise PlumblineError(f"{file}: is there already; delete it to use another remote")
    with replacing(file) as beside:
        beside.write_text(text, encoding="utf-8")
    return file


def _none(root: Path) -> Path:
    """DVC wants some remote to look into: a folder with nothing in it."""
    folder = (root / ".dvc" / "tmp" / "none").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return folder
