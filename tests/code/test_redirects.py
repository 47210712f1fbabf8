"""Credentials stay with the server that they are for; two ports of this machine are two servers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from plumbline.data import download
from plumbline.ops.hosting.github import GitHub, HostingError


@dataclass
class Server:
    """`places`: where a path is redirected to; `seen`: path and Authorization of each request."""

    url: str = ""
    places: dict[str, str] = field(default_factory=dict)
    seen: list[tuple[str, str | None]] = field(default_factory=list)


@pytest.fixture
def servers() -> Iterator[tuple[Server, Server]]:
    states, running = (Server(), Server()), []
    for state in states:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler(state))
        state.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        running.append(server)
    yield states
    for server in running:
        server.shutdown()
        server.server_close()


def handler(state: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            state.seen.append((self.path, self.headers.get("Authorization")))
            body = json.dumps([{"id": 1, "body": "x"}]).encode()
            place = state.places.get(self.path.split("?")[0])
            self.send_response(302 if place else 200)
            if place:
                self.send_header("Location", place)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = answer  # noqa: N815 (http.server's names)

        def log_message(self, *words: Any) -> None:
            """Nothing."""

    return Handler


def test_a_download_goes_elsewhere_without_the_password(
    servers: tuple[Server, Server], tmp_path: Path
) -> None:
    first, other = servers
    first.places = {"/a.csv": "/b.csv", "/b.csv": f"{other.url}/c.csv"}
    download.fetch(first.url.replace("//", "//me:hush@") + "/a.csv", tmp_path)
    assert [path for path, _ in first.seen] == ["/a.csv", "/b.csv"]
    assert all(value and value.startswith("Basic ") for _, value in first.seen)
    assert other.seen == [("/c.csv", None)]


def test_the_way_back_is_without_it_too(servers: tuple[Server, Server], tmp_path: Path) -> None:
    first, other = servers
    first.places, other.places = {"/a.csv": f"{other.url}/b.csv"}, {"/b.csv": f"{first.url}/c.csv"}
    download.fetch(first.url.replace("//", "//me:hush@") + "/a.csv", tmp_path)
    assert (other.seen, first.seen[-1]) == ([("/b.csv", None)], ("/c.csv", None))


def test_the_token_is_not_sent_elsewhere(servers: tuple[Server, Server]) -> None:
    first, other = servers
    path = "/repos/acme/plumbline/issues/1/comments"
    hub = GitHub(first.url, "acme/plumbline", "secret")
    first.places = {path: other.url + path}
    with pytest.raises(HostingError, match=r"redirected to .* the token is not sent"):
        list(hub.comments(1))
    with pytest.raises(HostingError, match="the token is not sent"):
        hub.create_comment(1, "x")
    assert other.seen == []


def test_a_renamed_repository_is_read_and_not_written(servers: tuple[Server, Server]) -> None:
    """GitHub answers 301 on the same server; a POST would be repeated as a GET."""
    first, _ = servers
    first.places = {"/repos/acme/plumbline/issues/1/comments": "/repositories/7/issues/1/comments"}
    hub = GitHub(first.url, "acme/plumbline", "secret")
    assert [c["id"] for c in hub.comments(1)] == [1]
    assert first.seen[-1] == ("/repositories/7/issues/1/comments", "Bearer secret")
    with pytest.raises(HostingError, match="302"):
        hub.create_comment(1, "x")


@pytest.mark.parametrize(
    ("api", "place", "sent"),
    [
        ("https://api.github.com", "https://uploads.github.com", True),
        ("https://api.acme.ghe.com", "https://uploads.acme.ghe.com", True),
        ("https://git.acme.com/api/v3", "https://git.acme.com/api/uploads", True),
        ("https://api.github.com", "https://uploads.github.com.evil.example", False),
        ("https://api.github.com", "http://uploads.github.com", False),
        ("https://git.acme.com/api/v3", "https://uploads.github.com", False),
    ],
)
def test_where_files_of_a_release_go(
    api: str, place: str, sent: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(GitHub, "_call", lambda _, *words: seen.append(words[1]) or (b"{}", ""))
    (tmp_path / "a").write_text("x")
    release = {"upload_url": f"{place}/repos/acme/plumbline/releases/1/assets{{?name,label}}"}
    with nullcontext() if sent else pytest.raises(HostingError, match="leads elsewhere"):
        GitHub(api, "acme/plumbline", "secret").upload(release, tmp_path / "a")
    assert len(seen) == sent


@pytest.mark.parametrize("place", ["http://127.0.0.1:1/x", "https://evil.example/repos/x"])
def test_files_of_a_release_go_to_the_same_server(
    place: str, servers: tuple[Server, Server], tmp_path: Path
) -> None:
    (tmp_path / "a").write_text("x")
    hub = GitHub(servers[0].url, "acme/plumbline", "secret")
    with pytest.raises(HostingError, match="leads elsewhere"):
        hub.upload({"upload_url": f"{place}{{?name,label}}"}, tmp_path / "a")
