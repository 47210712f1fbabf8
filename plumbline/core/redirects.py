"""HTTP requests whose credentials stay with the server that they were meant for. An edge: the network."""

from __future__ import annotations

import ssl
import urllib.request
from typing import Any
from urllib.parse import urlsplit

SECRET_HEADERS = ("authorization", "proxy-authorization", "cookie")
PORTS = {"http": 80, "https": 443}


class _SameServer(urllib.request.HTTPRedirectHandler):
    """A redirect to another server is followed without credentials, or refused."""

    def __init__(self, refuse: bool) -> None:
        self.refuse = refuse

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """None, which makes the redirect an error, where it is refused."""
        same = origin(newurl) == origin(req.full_url)
        if urlsplit(newurl).scheme not in PORTS or (self.refuse and not same):
            return None
        if self.refuse and req.get_method() not in ("GET", "HEAD"):
            return None  # urllib would make a GET of a POST
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None and not same:
            for name in [n for n in following.headers if n.lower() in SECRET_HEADERS]:
                following.remove_header(name)
        return following


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: what a credential is meant for.

    >>> origin("https://Example.com/a") == origin("https://example.com:443/b")
    True
    >>> origin("https://example.com") == origin("http://example.com")
    False
    """
    parts = urlsplit(url)
    try:
        port = parts.port or PORTS.get(parts.scheme)
    except ValueError:  # no number, which cannot be opened either
        port = None
    return parts.scheme, (parts.hostname or "").lower(), port


def open_url(request: urllib.request.Request, timeout: float, *, refuse: bool = False) -> Any:
    """Open `request`; a redirect to another server gets no credentials.

    `refuse`: such a redirect, and one of a request that writes, raises HTTPError instead.
    """
    return urllib.request.build_opener(_SameServer(refuse)).open(request, timeout=timeout)


def remedy(reason: object, other: str) -> str:
    """What to do after `reason`: set the file of a private authority, or `other`."""
    if isinstance(reason, ssl.SSLCertVerificationError):
        return "set SSL_CERT_FILE to the file of the certificate authorities that you trust"
    return other
