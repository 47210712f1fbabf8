"""A message as an e-mail with the monitor's page attached, sent by SMTP. An edge: the network."""

from __future__ import annotations

import hashlib
import os
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, localtime, make_msgid

from plumbline.config import Email
from plumbline.core.safe_text import one_line, unlinked
from plumbline.ops.alerts.alert_blocks import AlertMessage
from plumbline.ops.alerts.channel_error import ChannelError, redacted
from plumbline.report import html, plain_text
from plumbline.report.blocks import Block, Bullets, Heading, Text, Verdict

NAME = "email"
TIMEOUT = 30
"""Seconds for one answer of the server."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def message(settings: Email, alert: AlertMessage) -> EmailMessage:
    """Plain text, the same as HTML, and each page as a file. Headers hold one line each."""
    mail = EmailMessage(policy=policy.SMTP)
    domain = settings.from_.rsplit("@", 1)[1]
    mail["Subject"] = unlinked(one_line(alert.title, 200))
    mail["From"] = settings.from_
    mail["To"] = ", ".join(settings.to)
    mail["Date"] = format_datetime(localtime())
    mail["Message-ID"] = make_msgid(domain=domain)
    mail["References"] = f"<{_thread(alert)}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic reply
    blocks = [
        *alert.blocks,
        *([Text(f"Attached: {', '.join(alert.pages)}")] if alert.pages else []),
    ]
    mail.set_content(plain_text.render(blocks))
    mail.add_alternative(html.render(list(map(_unlinked, blocks))), subtype="html")
    for name, page in alert.pages.items():
        mail.add_attachment(page, subtype="html", filename=name)
    return mail


def _unlinked(block: Block) -> Block:
    """A mail program links addresses in HTML that has no link, too."""
    match block:
        case Verdict() | Heading() | Text():
            return replace(block, text=unlinked(block.text))
        case Bullets():
            return replace(block, lines=[unlinked(line) for line in block.lines])
    return block


def send(settings: Email, alert: AlertMessage) -> str:
    """Hand it to the server; a warning where it accepted it for some of the receivers only.

    ChannelError where it did not accept it. Neither shows the values of environment variables.
    """
    secrets = [os.environ.get(settings.user, ""), os.environ.get(settings.password, "")]
    try:
        with _server(settings, *secrets) as server:
            refused = server.send_message(message(settings, alert))
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        raise ChannelError(f"{settings.host}: {redacted(_reason(error), secrets)}") from None
    return f"refused for {redacted(', '.join(refused), secrets)}" if refused else ""


@contextmanager
def _server(settings: Email, user: str, password: str) -> Iterator[smtplib.SMTP]:
    """A connected server, encrypted as the section says, logged in with the environment's credentials."""
    if user and settings.tls == "none" and settings.host not in LOOPBACK:
        raise ChannelError(f"{settings.host}: no password is sent without TLS; set tls: starttls")
    where, context = (settings.host, settings.port), ssl.create_default_context()
    if settings.tls == "implicit":
        server: smtplib.SMTP = smtplib.SMTP_SSL(*where, timeout=TIMEOUT, context=context)
    else:
        server = smtplib.SMTP(*where, timeout=TIMEOUT)
    with server:
        if settings.tls == "starttls":
            server.starttls(context=context)
        if user:
            server.login(user, password)
        yield server


def _thread(alert: AlertMessage) -> str:
    """The same for all messages about the same use cases: a mail program shows them together."""
    about = " ".join(sorted(alert.about)) or alert.title
    return f"plumbline.{hashlib.sha256(about.encode()).hexdigest()[:16]}"


def _reason(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{code} {_text(text)}" for code, text in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return str(error) or type(error).__name__


def _text(text: bytes | str) -> str:
    return text.decode(errors="replace") if isinstance(text, bytes) else text
