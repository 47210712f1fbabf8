"""The DVC remote of one clone, in .dvc/config.local. An edge: writes that file."""

from __future__ import annotations

from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.core.files import replacing

NAME = "plumbline"


def use(root: Path, url: str) -> Path:
    """Make `url` the default remote; an empty folder of the clone's own where it is empty.

    What else .dvc/config.local says stays. PlumblineError where it names another default remote.
    """
    from configobj import ConfigObj

    file = root / ".dvc" / "config.local"
    if any(ord(c) < 32 for c in url):
        raise PlumblineError("DVC_REMOTE_URL: expected one address, found a line break in it")
    if url and "://" not in url and not Path(url).is_absolute():
        raise PlumblineError(
            f"DVC_REMOTE_URL: got '{url}', expected an address or an absolute path"
        )
    config = ConfigObj(str(file), encoding="utf-8")
    core = config.setdefault("core", {})
    if core.get("remote", NAME) != NAME:
        raise PlumblineError(
            f"{file}: core.remote is there already: '{core['remote']}'; delete it to use another"
        )
    core["remote"] = NAME
    config[f'remote "{NAME}"'] = {"url": url or str(_none(root)), "verify": "true"}
    with replacing(file) as beside, beside.open("wb") as stream:
        config.write(stream)
    return file


def _none(root: Path) -> Path:
    """DVC wants some remote to look into: a folder with nothing in it."""
    folder = (root / ".dvc" / "tmp" / "none").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return folder
