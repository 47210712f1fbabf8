"""The channel that `plumbline alert` sends to: a webhook on this machine, which keeps what came."""

from __future__ import annotations

import json
import os
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench.year.project import CASE, WEBHOOK, Project
from plumbline.repo import artifacts


class Receiver:
    """Listens until it is closed. `texts`: the messages."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        texts = self.texts

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                texts.append(str(json.loads(body).get("text", "")))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_words: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        os.environ[WEBHOOK] = f"http://127.0.0.1:{self._server.server_port}/"

    def alerted(self, project: Project, verdict: Path, today: str) -> str:
        """`plumbline alert` about a verdict; the message that came, "" where none did."""
        place = artifacts.metrics_path(CASE, "monitor", project.root)
        before = len(self.texts)
        shutil.copyfile(verdict, place)
        try:
            project.plumbline("alert", CASE, "--today", today)
        finally:
            project.git("checkout", "-q", "HEAD", "--", str(place))
        return " / ".join(self.texts[before:])

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
