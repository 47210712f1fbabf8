"""A private certificate authority and a proxy: GitHub's interface, downloads and CML go through both."""

from __future__ import annotations

import os
import shutil
import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from plumbline.core.errors import SourceError
from plumbline.data import download
from plumbline.ops.hosting import comments
from plumbline.ops.hosting.github import GitHub, HostingError
from tests import github as stand_in
from tests.conftest import ROOT

CONNECTED = b"HTTP/1.1 200 Connection established\r\n\r\n"


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[stand_in.GitHub]:
    for name in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    with stand_in.github() as state:
        state.open_pull("topic", "1" * 40)
        state.comment(1, "hello")
        yield state


@pytest.fixture
def hub(host: stand_in.GitHub) -> GitHub:
    return GitHub(host.url.replace("http:", "https:") + "/api/v3", "acme/plumbline", "secret")


class Proxy(socketserver.StreamRequestHandler):
    """Answers CONNECT, notes the first line and all headers, and passes bytes on."""

    seen: list[str]

    def handle(self) -> None:
        lines = list(iter(lambda: self.rfile.readline().strip().decode(), ""))
        self.seen.extend(lines)
        name, _, port = lines[0].split()[1].partition(":")
        with socket.create_connection((name, int(port))) as other:
            self.wfile.write(CONNECTED)
            back = threading.Thread(target=passed_on, args=(other, self.connection), daemon=True)
            back.start()
            passed_on(self.connection, other)
            back.join(5)


def passed_on(source: socket.socket, target: socket.socket) -> None:
    """Every byte until the end."""
    try:
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[str]]]:
    handler = type("Bound", (Proxy,), {"seen": []})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", handler.seen
        server.shutdown()


def test_an_unknown_authority_is_refused_with_the_variable_to_set(
    hub: GitHub, host: stand_in.GitHub
) -> None:
    with pytest.raises(HostingError, match="SSL_CERT_FILE"):
        list(hub.comments(1))
    assert host.log == []


def test_the_interface_by_a_private_authority(
    hub: GitHub, host: stand_in.GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", host.authority)
    assert [c["body"] for c in hub.comments(1)] == ["hello"]


def test_the_interface_by_a_proxy_that_does_not_see_the_token(
    hub: GitHub,
    host: stand_in.GitHub,
    proxy: tuple[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address, seen = proxy
    monkeypatch.setenv("SSL_CERT_FILE", host.authority)
    monkeypatch.setenv("HTTPS_PROXY", address)
    assert [c["body"] for c in hub.comments(1)] == ["hello"]
    assert seen[0].startswith("CONNECT 127.0.0.1:")
    assert "secret" not in str(seen)


def test_a_download_by_authority_and_proxy(
    host: stand_in.GitHub,
    proxy: tuple[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    url = host.url.replace("http://", "https://me:hush@") + "/api/v3/repos/acme/plumbline/pulls"
    with pytest.raises(SourceError, match="SSL_CERT_FILE"):
        download.fetch(url, tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", host.authority)
    monkeypatch.setenv("HTTPS_PROXY", proxy[0])
    assert "topic" in download.fetch(url, tmp_path).read_text()
    assert proxy[1][0].startswith("CONNECT 127.0.0.1:")


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"])
def test_cml_gets_the_authority_under_nodes_name(
    name: str,
    hub: GitHub,
    host: stand_in.GitHub,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    shutil.copy(ROOT / "tests" / "cml", tmp_path / "cml")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GITHUB_SERVER_URL", host.url)
    monkeypatch.setenv(name, host.authority)
    plain = GitHub(host.url + "/api/v3", "acme/plumbline", "secret")
    assert comments.post(plain, 1, "text", "1" * 40) == "CML wrote the comment"


def test_cml_gets_the_proxies(
    hub: GitHub, host: stand_in.GitHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "cml").write_text(f"#!/bin/sh\nenv > {tmp_path}/env\n")
    (tmp_path / "cml").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    names = ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")
    for name in names:
        monkeypatch.setenv(name, f"127.0.0.1,{name}")
    plain = GitHub(host.url + "/api/v3", "acme/plumbline", "secret")
    comments.post(plain, 1, "text", "1" * 40)
    assert {*names} <= {line.split("=")[0] for line in (tmp_path / "env").read_text().splitlines()}
