"""A message posted to a webhook. An edge: the network. The address is a secret, and is never shown."""

from __future__ import annotations

import http.client
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from plumbline.config import Webhook
from plumbline.ops.alerts.alert_blocks import AlertMessage
from plumbline.ops.alerts.channel_error import ChannelError, redacted
from plumbline.ops.alerts.payloads import PAYLOADS

TIMEOUT = 30
"""Seconds for the answer."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the address contains a secret."""

    def redirect_request(self, *_words: Any, **_more: Any) -> None:
        return None


def name(hook: Webhook) -> str:
    """The channel's name, as printed and remembered.

    >>> name(Webhook(kind="slack", url="SLACK_WEBHOOK_URL"))
    'slack (SLACK_WEBHOOK_URL)'
    """
    return f"{hook.kind} ({hook.url})"


def send(hook: Webhook, alert: AlertMessage) -> str:
    """Post it; always "". ChannelError where it was not accepted."""
    address = os.environ.get(hook.url, "")
    _check(hook.url, address)
    data = json.dumps(PAYLOADS[hook.kind](alert)).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "plumbline"}
    request = urllib.request.Request(address, data, headers, method="POST")
    secrets = [address, *urllib.parse.urlsplit(address)[1:4]]
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=TIMEOUT) as answer:
            answer.read(1000)
    except urllib.error.HTTPError as error:
        with error:
            text = redacted(error.read(1000).decode(errors="replace"), secrets)
        raise ChannelError(f"answered {error.code} {text}".strip()) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ChannelError(f"no answer ({redacted(error, secrets)})") from None
    return ""


def _check(variable: str, address: str) -> None:
    """ChannelError for an address that nothing may be sent to."""
    if not address:
        raise ChannelError(f"{variable} is not set")
    try:
        parts = urllib.parse.urlsplit(address)
        host = parts.hostname
    except ValueError:
        parts, host = urllib.parse.SplitResult("", "", "", "", ""), None
    if not host or parts.scheme not in ("https", "http"):
        raise ChannelError(f"{variable} holds no https address")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise ChannelError(f"{variable}: http shows the address's secret; use https")
