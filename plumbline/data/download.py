"""A file from an address: fetched to a scratch folder, under a name that says nothing secret."""

from __future__ import annotations

import http.client
import shutil
import urllib.error
import urllib.request
from base64 import b64encode
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from plumbline.core.errors import ParamsError, SourceError
from plumbline.core.redirects import open_url, remedy

TIMEOUT = 60  # seconds without a byte
SCHEMES = ("http", "https", "file")


def fetch(url: str, scratch: Path) -> Path:
    """The file behind `url` in `scratch`; SourceError where it cannot be had."""
    name, parts = public(url), urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise ParamsError(
            f"data.url: got '{name}', expected an address that begins with "
            f"{', '.join(s + '://' for s in SCHEMES)}"
        )
    path = scratch / (PurePosixPath(parts.path).name or "download")
    try:
        with (
            open_url(_request(url), TIMEOUT) as answer,
            path.open("wb") as stream,
        ):
            shutil.copyfileobj(answer, stream)
    except urllib.error.HTTPError as error:
        error.close()
        raise SourceError(
            f"{name}: the server answers {error.code} {error.reason}; correct data.url"
        ) from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise SourceError(
            f"{name}: cannot be fetched ({reason}); {remedy(reason, 'check data.url and the network')}"
        ) from None
    if path.stat().st_size == 0:
        raise SourceError(f"{name}: the file is empty (0 bytes); correct data.url")
    return path


def _request(url: str) -> urllib.request.Request:
    """User and password go into a header: urllib does not take them in the address."""
    parts = urlsplit(url)
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    request = urllib.request.Request(bare)
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        request.add_header("Authorization", f"Basic {b64encode(pair.encode()).decode()}")
    return request


def public(url: str) -> str:
    """The address without user, password, query and, for a local file, folder.

    >>> public("https://me:secret@example.com/data.csv?token=1")
    'https://example.com/data.csv'
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        return f"file:{PurePosixPath(parts.path).name}"
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
