"""Which bundle a server answers by, as its own `/model` says. An edge: asks the server."""

from __future__ import annotations

import http.client
import json
from contextlib import closing

from plumbline.studies.loadtest.http_client import Address

TIMEOUT = 5.0


def champion(target: Address, usecase: str, token: str | None) -> str | None:
    """The md5 of the use case's champion; None where the server is another, or does not say."""
    if target.tls is None:
        connection = http.client.HTTPConnection(target.host, target.port, timeout=TIMEOUT)
    else:
        connection = http.client.HTTPSConnection(
            target.host, target.port, timeout=TIMEOUT, context=target.tls
        )
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with closing(connection):
            connection.request("GET", f"{target.path}/model", headers=headers)
            md5 = json.loads(connection.getresponse().read())[usecase]["champion"]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return None
    return md5 if isinstance(md5, str) else None
