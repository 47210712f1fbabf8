"""For tests of alerts: a project with verdicts, a real SMTP server, a real HTTP server, a certificate."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import yaml
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from plumbline.monitor.result import MonitorResult
from tests.conftest import ROOT

STAGES = ("data", "validate", "features", "tune", "train", "evaluate", "monitor")
SECRET = "hunter2-of-the-tests"


def finding(check: str = "unit", column: str | None = "amount", level: str = "alert", **more: Any):
    """A finding as the monitor writes it."""
    evidence = "5.1% of values are 100 times what they were"
    start = {"check": check, "column": column, "level": level, "size": 0.05, "unit": "share"}
    return {**start, "evidence": evidence, "next": "find the sender", "importance": 0.4, **more}


def verdict(*findings: Mapping[str, Any]) -> dict[str, Any]:
    """A monitor's JSON with these findings."""
    order = ("ok", "warning", "alert")
    level = max((f["level"] for f in findings), key=order.index, default="ok")
    return {
        "level": level,
        "summary": f"{level}: something",
        "findings": list(findings),
        "retrain": {"now": False, "why": "nothing has moved"},
        "blind": {"first": "2025-06-24", "last": "2025-06-30", "rows": 7, "until": "2025-07-08"},
        "windows": {"current": {"first": "2025-06-17", "last": "2025-06-30", "rows": 31166}},
    }


def result(*findings: Mapping[str, Any]) -> MonitorResult:
    """The same as a document."""
    return MonitorResult.model_validate(verdict(*findings))


def project(folder: Path, alerts: Any, names: tuple[str, ...] = ("shop",)) -> Path:
    """params.yaml with a section per use case and this one for alerts."""
    section = {stage: {} for stage in STAGES} | {"data": {"source": "csv", "path": "x.csv"}}
    whole = {"usecases": list(names), "seed": 1, "alerts": alerts}
    whole |= dict.fromkeys(names, section)
    (folder / "params.yaml").write_text(yaml.safe_dump(whole))
    shutil.copy(ROOT / "dvc.yaml", folder)
    return folder


def write(folder: Path, results: Any, name: str = "shop") -> None:
    """The monitor's JSON of a use case."""
    path = folder / "metrics" / name / "monitor.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results))


class Mailbox:
    """What a server received; `refuse`: addresses it does not take; `broken`: it refuses all mail."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.envelopes: list[Any] = []
        self.encrypted: list[bool] = []
        self.refuse: set[str] = set()
        self.broken = ""
        self.port = 0

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, _: Any):  # noqa: N802
        if address in self.refuse:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.broken:
            return self.broken
        self.raw.append(envelope.content)
        self.envelopes.append(envelope)
        self.encrypted.append(session.ssl is not None)
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@contextmanager
def smtp(tls: ssl.SSLContext | None = None, *, implicit: bool = False) -> Iterator[Mailbox]:
    """A server on a free port of 127.0.0.1; with `tls` it asks for encryption and a password."""
    box = Mailbox()

    def login(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        good = (data.login, data.password) == (b"plumb", SECRET.encode())
        return AuthResult(success=good, handled=False)

    more: dict[str, Any] = {}
    if tls:
        more = {"authenticator": login, "auth_required": True}
        more |= {"ssl_context": tls} if implicit else {"tls_context": tls, "require_starttls": True}
        if implicit:
            more["auth_require_tls"] = False  # the connection is encrypted from its first byte
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        box.port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=box.port, **more)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context, and the file of its own authority for a client's SSL_CERT_FILE."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "cert.pem", folder / "key.pem"
    public.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context, public


@dataclass
class Hooks:
    """What was posted; `status` is the answer, `place` where an answer of 302 points to."""

    posts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    status: int = 200
    answer: str = "ok"
    url: str = ""
    place: str = ""


@contextmanager
def hooks() -> Iterator[Hooks]:
    """An HTTP server on a free port of 127.0.0.1 that takes whatever is posted."""
    state = Hooks()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            state.posts.append((self.path, json.loads(self.rfile.read(size))))
            self.answer()

        def do_GET(self) -> None:
            state.posts.append((self.path, {}))
            self.answer()

        def answer(self) -> None:
            body = state.answer.encode()
            self.send_response(state.status)
            if state.status == 302:
                self.send_header("Location", state.place)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
