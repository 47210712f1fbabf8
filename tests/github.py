"""A local stand-in for GitHub's REST interface: pulls, issues, comments and releases, in memory."""

from __future__ import annotations

import json
import re
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests import github_runs, github_settings
from tests.alerts import certificate

READ_ONLY = "read-only"
"""A token that may only read, as a fork's pull request has it; any other may write."""
PAGE = 30
LONGEST = 65_536
LISTS = {"workflow_runs": 100, "secrets": 100, "variables": 30, "branch_policies": 100}
"""What holds a page's entries where that is not the answer itself, and how many a page has at most."""
Entry = dict[str, Any]


class RefusedError(Exception):
    """An answer of another status than 200 or 201."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class GitHub:
    """The state of one repository, and a log of its requests: "METHOD /path?query"."""

    repository: str = "acme/plumbline"
    url: str = ""
    authority: str = ""
    """The file of the certificate by which the same port answers https, as CML asks for it."""
    pulls: list[Entry] = field(default_factory=list)
    issues: list[Entry] = field(default_factory=list)
    notes: dict[int, list[Entry]] = field(default_factory=dict)
    releases: list[Entry] = field(default_factory=list)
    runs: list[Entry] = field(default_factory=list)
    statuses: list[Entry] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    """Answers to GET by path below the repository: see tests/github_settings.py."""
    log: list[str] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    last: int = 0

    def environment(self, token: str = "secret") -> dict[str, str]:
        """The variables that point a client here."""
        return {
            "GITHUB_API_URL": f"{self.url}/api/v3",
            "GITHUB_SERVER_URL": self.url,
            "GITHUB_REPOSITORY": self.repository,
            "GITHUB_TOKEN": token,
            "NODE_EXTRA_CA_CERTS": self.authority,
        }

    def open_pull(
        self, branch: str, sha: str, owner: str = "acme", base: str = "main", **more: Any
    ) -> int:
        """Open a pull request; its number."""
        with self.lock:
            self.last += 1
            fork = f"{owner}/{self.repository.split('/')[1]}"
            head = {"ref": branch, "sha": sha, "label": f"{owner}:{branch}"}
            self.pulls.append(
                {
                    "number": self.last,
                    "state": "open",
                    "head": {**head, "repo": {"full_name": fork, "owner": {"login": owner}}},
                    "base": {"ref": base},
                    "html_url": f"{self.url}/{self.repository}/pull/{self.last}",
                    "title": "",
                    "body": "",
                    **more,
                }
            )
            return self.last

    def comment(self, number: int, body: str) -> Entry:
        """Write a comment, as anyone may."""
        if len(body) > LONGEST:
            raise RefusedError(422, f"Validation Failed: body is too long (maximum is {LONGEST})")
        with self.lock:
            self.last += 1
            entry = {"id": self.last, "body": body, "user": {"login": "github-actions[bot]"}}
            self.notes.setdefault(number, []).append(entry)
            return entry

    def bodies(self, number: int) -> list[str]:
        """The comments' texts, the oldest first."""
        return [entry["body"] for entry in self.notes.get(number, [])]

    def comments_written(self) -> list[str]:
        """How comments were written, one after the other."""
        return [line.split(" ")[0] for line in self.written() if "comments" in line]

    def verdicts(self) -> list[str]:
        """The states of all statuses, the oldest first."""
        return [entry["state"] for entry in self.statuses]

    def written(self) -> list[str]:
        """Of the log, what was not only read."""
        return [line for line in self.log if not line.startswith("GET ")]


@contextmanager
def github(repository: str = "acme/plumbline") -> Iterator[GitHub]:
    """A stand-in that listens on a free port of 127.0.0.1 while the block runs."""
    with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
        context, authority = certificate(Path(folder))
        with _listening(GitHub(repository, authority=str(authority)), context) as state:
            yield state


@contextmanager
def _listening(state: GitHub, context: ssl.SSLContext) -> Iterator[GitHub]:
    handler = type("Bound", (Handler,), {"state": state})
    server = Server(("127.0.0.1", 0), handler)
    server.context = context
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


class Server(ThreadingHTTPServer):
    """Speaks http and https on one port: a TLS handshake begins with byte 22."""

    context: ssl.SSLContext

    def finish_request(self, request: Any, client_address: Any) -> None:
        """One connection."""
        if request.recv(1, socket.MSG_PEEK) != b"\x16":
            super().finish_request(request, client_address)
            return
        try:
            wrapped = self.context.wrap_socket(request, server_side=True)
        except OSError:  # the client does not know the certificate
            return
        with wrapped:
            super().finish_request(wrapped, client_address)


class Handler(BaseHTTPRequestHandler):
    """One request: looked up in ROUTES by method and path below the repository."""

    state: GitHub

    def answer(self) -> None:
        """Whatever the method."""
        size = int(self.headers.get("Content-Length") or 0)
        data = self.rfile.read(size)
        parts = urlsplit(self.path)
        self.state.log.append(f"{self.command} {self.path}")
        try:
            result, status = self.respond(parts.path, parse_qs(parts.query), data)
        except RefusedError as error:
            result, status = {"message": str(error)}, error.status
        self.reply(status, result, parts.path, parse_qs(parts.query))

    do_GET = do_POST = do_PATCH = answer  # noqa: N815 (http.server's names)

    def respond(self, path: str, query: dict[str, list[str]], data: bytes) -> tuple[Any, int]:
        path = path.removeprefix("/api/v3")
        if path.startswith("/users/"):
            return {"login": path.rsplit("/", 1)[1], "id": 1}, 200
        start = f"/repos/{self.state.repository}"
        if not f"{path}/".startswith(f"{start}/"):
            raise RefusedError(404, "Not Found")
        token = (self.headers.get("Authorization") or "").split(" ")[-1]
        rest = path.removeprefix(start).removeprefix("/")
        if token == READ_ONLY and rest in github_settings.ADMINISTRATION:
            raise RefusedError(403, "Resource not accessible by integration")
        if self.command == "GET" and rest in self.state.settings:
            found = self.state.settings[rest]
            if isinstance(found, int):
                raise RefusedError(found, "Not Found" if found == 404 else "Forbidden")
            return found, 200
        if rest == "branches/main/protection":
            raise RefusedError(404, "Branch not protected")
        if self.command != "GET" and token in ("", READ_ONLY):
            raise RefusedError(403, "Resource not accessible by integration")
        for method, pattern, call in ROUTES:
            match = re.fullmatch(pattern, rest)
            if method == self.command and match:
                with self.state.lock:
                    kept = data if pattern.endswith("assets") else json.loads(data or b"{}")
                    built = call(self.state, match.groups(), query, kept)
                return built, 201 if method == "POST" else 200
        raise RefusedError(404, "Not Found")

    def reply(self, status: int, result: Any, path: str, query: dict[str, list[str]]) -> None:
        link = ""
        key = next((k for k in LISTS if isinstance(result, dict) and k in result), None)
        entries = result if key is None else result[key]
        if isinstance(entries, list):
            size = min(LISTS.get(key, 100), int(query.get("per_page", [str(PAGE)])[0]))
            page = int(query.get("page", ["1"])[0])
            if page * size < len(entries):
                words = {k: v[0] for k, v in query.items()} | {"page": str(page + 1)}
                link = f'<{self.state.url}{path}?{urlencode(words)}>; rel="next"'
            shown = entries[(page - 1) * size : page * size]
            result = shown if key is None else {**result, key: shown}
        body = json.dumps(result).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if link:
            self.send_header("Link", link)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: Any) -> None:
        """The state keeps its own log."""


def _pulls(state: GitHub, _: Any, query: dict[str, list[str]], __: Any) -> list[Entry]:
    result = [p for p in state.pulls if p["state"] == query.get("state", ["open"])[0]]
    wanted = query.get("head")
    return [p for p in result if not wanted or p["head"]["label"] == wanted[0]]


def _new_pull(state: GitHub, _: Any, __: Any, payload: Entry) -> Entry:
    owner = state.repository.split("/")[0]
    label = f"{owner}:{payload['head']}"
    if any(p["head"]["label"] == label and p["state"] == "open" for p in state.pulls):
        raise RefusedError(422, f"Validation Failed: A pull request already exists for {label}.")
    more = {"title": payload["title"], "body": checked(payload)["body"]}
    state.open_pull(payload["head"], "", owner, payload["base"], **more)
    return state.pulls[-1]


def _issues(state: GitHub, _: Any, query: dict[str, list[str]], __: Any) -> list[Entry]:
    pulls = [{**p, "pull_request": {}} for p in state.pulls]
    wanted = query.get("state", ["open"])[0]
    result = [e for e in (*state.issues, *pulls) if wanted in (e["state"], "all")]
    return sorted(result, key=lambda e: -e["number"])


def _new_issue(state: GitHub, _: Any, __: Any, payload: Entry) -> Entry:
    state.last += 1
    by = {"user": {"login": "github-actions[bot]", "type": "Bot"}, "author_association": "NONE"}
    entry = {"number": state.last, "state": "open", "body": "", **by, **checked(payload)}
    state.issues.append(entry)
    return entry


def _change(kind: str) -> Any:
    def change(state: GitHub, path: tuple[str, ...], _: Any, payload: Entry) -> Entry:
        for entry in getattr(state, kind):
            if entry["number"] == int(path[0]):
                entry.update(checked(payload))
                return entry
        raise RefusedError(404, "Not Found")

    return change


def _change_comment(state: GitHub, path: tuple[str, ...], _: Any, payload: Entry) -> Entry:
    for entry in (e for own in state.notes.values() for e in own):
        if entry["id"] == int(path[0]):
            entry.update(checked(payload))
            return entry
    raise RefusedError(404, "Not Found")


def _release(state: GitHub, path: tuple[str, ...], _: Any, __: Any) -> Entry:
    for entry in state.releases:
        if entry["tag_name"] == path[0]:
            return entry
    raise RefusedError(404, "Not Found")


def _new_release(state: GitHub, _: Any, __: Any, payload: Entry) -> Entry:
    state.last += 1
    address = f"{state.url}/api/v3/repos/{state.repository}/releases/{state.last}/assets"
    entry = {**payload, "id": state.last, "upload_url": address + "{?name,label}", "assets": []}
    state.releases.append(entry)
    return entry


def _asset(state: GitHub, path: tuple[str, ...], query: dict[str, list[str]], data: bytes) -> Entry:
    name = query["name"][0]
    own = next(r for r in state.releases if r["id"] == int(path[0]))
    if any(a["name"] == name for a in own["assets"]):
        raise RefusedError(422, "Validation Failed: already_exists")
    own["assets"].append({"name": name, "size": len(data)})
    return own["assets"][-1]


def checked(payload: Entry) -> Entry:
    """The request's body; 422 where it is too long."""
    if len(payload.get("body") or "") > LONGEST:
        raise RefusedError(422, f"Validation Failed: body is too long (maximum is {LONGEST})")
    return payload


def _status(state: GitHub, path: tuple[str, ...], _: Any, payload: Entry) -> Entry:
    if len(payload["description"]) > 140 or payload["state"] not in ("success", "failure"):
        raise RefusedError(422, "Validation Failed")
    state.statuses.append({"sha": path[0], **payload})
    return state.statuses[-1]


ROUTES: list[tuple[str, str, Any]] = [
    ("POST", r"statuses/([0-9a-f]{40})", _status),
    ("GET", github_runs.ROUTE, github_runs.listed),
    ("GET", "pulls", _pulls),
    ("POST", "pulls", _new_pull),
    ("PATCH", r"pulls/(\d+)", _change("pulls")),
    ("GET", "issues", _issues),
    ("POST", "issues", _new_issue),
    ("PATCH", r"issues/(\d+)", _change("issues")),
    ("GET", r"issues/(\d+)/comments", lambda s, p, q, d: s.notes.get(int(p[0]), [])),
    ("POST", r"issues/(\d+)/comments", lambda s, p, q, d: s.comment(int(p[0]), d["body"])),
    ("PATCH", r"issues/comments/(\d+)", _change_comment),
    ("GET", r"releases/tags/([^/]+)", _release),
    ("POST", "releases", _new_release),
    ("POST", r"releases/(\d+)/assets", _asset),
]
