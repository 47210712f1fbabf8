"""A letter as an e-mail with the monitor's page attached, sent by SMTP. An edge: the network."""

from __future__ import annotations

import hashlib
import os
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, localtime, make_msgid

from plumbline.config import Email
from plumbline.core.safe_text import one_line
from plumbline.ops.alerts.errors import ChannelError, redacted
from plumbline.ops.alerts.messages import Letter
from plumbline.report import html as page
from plumbline.report import plain_text
from plumbline.report.blocks import Text

NAME = "email"
TIMEOUT = 30
"""Seconds for one answer of the server."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def message(settings: Email, letter: Letter) -> EmailMessage:
    """Plain text, the same as HTML, and each page as a file. Headers hold one line each."""
    made = EmailMessage(policy=policy.SMTP)
    domain = settings.from_.rsplit("@", 1)[1]
    made["Subject"] = one_line(letter.title, 200)
    made["From"] = settings.from_
    made["To"] = ", ".join(settings.to)
    made["Date"] = format_datetime(localtime())
    made["Message-ID"] = make_msgid(domain=domain)
    made["References"] = f"<{_thread(letter)}@{domain}>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday notice answers
    blocks = [
        *letter.blocks,
        *([Text(f"Attached: {', '.join(letter.pages)}")] if letter.pages else []),
    ]
    made.set_content(plain_text.render(blocks))
    made.add_alternative(page.render(blocks), subtype="html")
    for name, html in letter.pages.items():
        made.add_attachment(html, subtype="html", filename=name)
    return made


def send(settings: Email, letter: Letter) -> str:
    """Hand it to the server; a warning where it took it for some of the receivers only.

    ChannelError where it did not take it. Neither shows what the environment's variables hold.
    """
    secrets = [os.environ.get(settings.user, ""), os.environ.get(settings.password, "")]
    try:
        with _server(settings, *secrets) as server:
            refused = server.send_message(message(settings, letter))
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        raise ChannelError(f"{settings.host}: {redacted(_said(error), secrets)}") from None
    return f"refused for {redacted(', '.join(refused), secrets)}" if refused else ""


@contextmanager
def _server(settings: Email, user: str, password: str) -> Iterator[smtplib.SMTP]:
    """Connected, encrypted as the section says, logged in where the environment says as whom."""
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


def _thread(letter: Letter) -> str:
    """The same for all letters about the same use cases: a mail program shows them together."""
    about = " ".join(sorted(letter.about)) or letter.title
    return f"plumbline.{hashlib.sha256(about.encode()).hexdigest()[:16]}"


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{code} {_text(said)}" for code, said in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return str(error) or type(error).__name__


def _text(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said
