"""How a project names the library that it installs: by version, and by hash where the wheel is known. An edge.

pip notes in `direct_url.json` where a wheel that was not taken from an index came from, and its hash.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlsplit

from plumbline.runtime import library

FOLDER = "wheels"
"""Of a project: the library's wheel, where the project keeps it in git."""
INDEX = (
    "from your package index. Where the index does not have it, put the wheel into `wheels/` and add "
    "`--find-links wheels` above that line."
)
KEPT = "from the wheel in `wheels/`, by its hash."
ADDRESS = "from the address there, by its hash."


@dataclass(frozen=True)
class Pin:
    """The lines of requirements-library.txt, what README says of them, and a wheel to keep in the project."""

    line: str
    sentence: str
    wheel: Path | None = None


def installed() -> Pin:
    """The pin of the library that runs."""
    version = f"plumbline=={library.version()}"
    address, digest = _origin()
    wheel = _local(address)
    if wheel and digest:
        return Pin(f"--find-links {FOLDER}\n{version} --hash=sha256:{digest}", KEPT, wheel)
    if address.startswith("https://") and digest:
        return Pin(f"plumbline @ {address} --hash=sha256:{digest}", ADDRESS)
    return Pin(version, INDEX)


def _origin() -> tuple[str, str]:
    """Where the installed wheel came from, and its SHA-256; empty where it came from an index."""
    try:
        text = metadata.distribution("plumbline").read_text("direct_url.json") or "{}"
    except metadata.PackageNotFoundError:
        return "", ""
    noted = json.loads(text)
    hashes = noted.get("archive_info", {}).get("hashes", {})
    return str(noted.get("url", "")), str(hashes.get("sha256", ""))


def _local(address: str) -> Path | None:
    """The wheel's path, where it is a file of this machine that is still there."""
    parts = urlsplit(address)
    path = Path(unquote(parts.path))
    return path if parts.scheme == "file" and path.suffix == ".whl" and path.is_file() else None
