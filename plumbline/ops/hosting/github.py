"""GitHub's REST interface, as much of it as the workflows need. An edge: the network.

Address, repository and token come from the variables that GitHub Actions sets.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.core.redirects import open_url, origin, remedy
from plumbline.core.safe_text import one_line

TIMEOUT = 30
"""Seconds for one answer."""
PAGE = 100
PAGES = 100
"""Of one list, the pages that are read at most."""
LONGEST = 65_536
"""Characters of a body; GitHub answers 422 to more."""
INSIDERS = ("OWNER", "MEMBER", "COLLABORATOR")
NEXT = re.compile(r'<([^>]+)>;\s*rel="next"')
Answer = dict[str, Any]


class HostingError(PlumblineError):
    """The host refused, or could not be reached; `status` is HTTP's, 0 where none came."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class ForbiddenError(HostingError):
    """The token may not do this: it is read-only, or expired (401, 403)."""


@dataclass(frozen=True)
class GitHub:
    """One repository ("owner/name") behind an address; the token is not shown."""

    url: str
    repository: str
    token: str = field(repr=False)

    def pull_requests(self, owner: str, branch: str, sha: str) -> list[Answer]:
        """The open pull requests from owner:branch whose head is this commit, one for each base branch."""
        query = {"state": "open", "head": f"{owner}:{branch}"}
        return [pull for pull in self._list("pulls", query) if pull["head"]["sha"] == sha]

    def open_pull_request(self, branch: str) -> Answer | None:
        """The open pull request from this repository's own branch."""
        query = {"state": "open", "head": f"{self.repository.split('/')[0]}:{branch}"}
        return next((p for p in self._list("pulls", query) if p["head"]["ref"] == branch), None)

    def create_pull_request(self, head: str, base: str, title: str, body: str) -> Answer:
        """Ask for `head` to be merged into `base`, both branches of this repository."""
        request = {"head": head, "base": base, "title": title, "body": cut(body)}
        return self._one("POST", "pulls", request)

    def update_pull_request(self, number: int, title: str, body: str) -> Answer:
        """Give an open pull request another title and body."""
        return self._one("PATCH", f"pulls/{number}", {"title": title, "body": cut(body)})

    def comments(self, number: int) -> Iterator[Answer]:
        """Every comment of an issue or a pull request, the oldest first."""
        return self._list(f"issues/{number}/comments", {})

    def create_comment(self, number: int, body: str) -> Answer:
        """Write a new comment."""
        return self._one("POST", f"issues/{number}/comments", {"body": body})

    def update_comment(self, comment: int, body: str) -> Answer:
        """Replace a comment's text."""
        return self._one("PATCH", f"issues/comments/{comment}", {"body": body})

    def status(self, sha: str, state: str, context: str, text: str, page: str) -> Answer:
        """Set a commit's status of a context, "success" or "failure"; the newest counts."""
        request = {"state": state, "context": context, "description": text, "target_url": page}
        return self._one("POST", f"statuses/{sha}", request)

    def issue(self, kind: str) -> Answer | None:
        """The open issue of a kind, known by the mark in its body; a stranger's is left alone."""
        listed = self._list("issues", {"state": "open"})
        ours = (i for i in listed if "pull_request" not in i and _trusted(i))
        return next((i for i in ours if mark(kind) in (i["body"] or "")), None)

    def report_issue(self, kind: str, title: str, body: str) -> Answer:
        """Open the one issue of a kind, or give the open one this title and body."""
        request = {"title": title, "body": cut(f"{mark(kind)}\n{body}")}
        there = self.issue(kind)
        if there:
            return self._one("PATCH", f"issues/{there['number']}", request)
        return self._one("POST", "issues", request)

    def close_issue(self, kind: str, why: str) -> Answer | None:
        """Close the open issue of a kind with a comment; None where none is open."""
        there = self.issue(kind)
        if not there:
            return None
        self.create_comment(there["number"], cut(why))
        return self._one("PATCH", f"issues/{there['number']}", {"state": "closed"})

    def release(self, tag: str, title: str, body: str) -> Answer:
        """The release of a tag; made where there is none."""
        try:
            return self._one("GET", f"releases/tags/{quoted(tag)}")
        except HostingError as error:
            if error.status != 404:
                raise
        request = {"tag_name": tag, "name": title, "body": cut(body)}
        return self._one("POST", "releases", request)

    def upload(self, release: Answer, path: Path) -> Answer:
        """Attach a file to a release, under its own name."""
        given = str(release["upload_url"]).split("{")[0]
        if origin(given) != origin(self.url.replace("://api.", "://uploads.", 1)):
            self._own(given)
        address = given + "?" + _query({"name": path.name})
        data = path.read_bytes()
        return self._parsed(self._call("POST", address, data, "application/octet-stream")[0])

    def runs(self, workflow: str, branch: str, result: str) -> Iterator[Answer]:
        """A workflow file's runs of pushes to a branch that ended with `result`, the newest first."""
        query = {"branch": branch, "event": "push", "status": result}
        return self._list(f"actions/workflows/{quoted(workflow)}/runs", query, "workflow_runs")

    def get(self, path: str) -> Answer:
        """The answer to a request that only reads; `path` is below the repository."""
        return self._one("GET", path)

    def every(
        self, path: str, key: str | None = None, query: Mapping[str, str] | None = None
    ) -> list[Answer]:
        """Every entry of a list that is only read, over all its pages; `key`: what holds a page's entries."""
        return list(self._list(path, query or {}, key))

    def _one(self, method: str, path: str, request: Mapping[str, Any] | None = None) -> Answer:
        data = None if request is None else json.dumps(request).encode()
        return self._parsed(self._call(method, self._address(path), data)[0])

    def _list(
        self, path: str, query: Mapping[str, str], key: str | None = None
    ) -> Iterator[Answer]:
        """Every entry of every page, read when they are needed; `key`: what holds a page's entries."""
        address: str | None = self._address(path) + "?" + _query({**query, "per_page": str(PAGE)})
        for _ in range(PAGES):
            if address is None:
                return
            data, link = self._call("GET", address)
            page = self._parsed(data)
            yield from page[key] if key else page
            match = NEXT.search(link)
            address = self._own(match[1]) if match else None

    def _address(self, path: str) -> str:
        return f"{self.url}/repos/{self.repository}/{path}".rstrip("/")

    def _own(self, address: str) -> str:
        """An address from an answer; the token goes to no other host than the one that was set."""
        if origin(address) != origin(self.url):
            raise HostingError(
                f"{self.url}: the answer leads elsewhere: {one_line(address)}; the token is not sent "
                "there. Check GITHUB_API_URL."
            )
        return address

    def _call(
        self, method: str, address: str, data: bytes | None = None, kind: str = "application/json"
    ) -> tuple[bytes, str]:
        """The answer's body, and its Link header."""
        headers = {
            "Accept": "application/vnd.github+json",
            "Content-Type": kind,
            "User-Agent": "plumbline",
            "X-GitHub-Api-Version": "2022-11-28",
        } | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        request = urllib.request.Request(address, data, headers, method=method)
        try:
            with open_url(request, TIMEOUT, refuse=True) as answer:
                return answer.read(), answer.headers.get("Link", "")
        except urllib.error.HTTPError as error:
            raise _refused(method, address, error) from None
        except (OSError, http.client.HTTPException) as error:
            advice = remedy(getattr(error, "reason", error), "try again later")
            raise HostingError(f"{method} {address}: no answer ({error}); {advice}") from None

    def _parsed(self, data: bytes) -> Any:
        try:
            return json.loads(data)
        except ValueError:
            raise HostingError(
                f"{self.url}: the answer is not JSON; look at GITHUB_API_URL"
            ) from None


def from_environment() -> GitHub:
    """The repository that the workflow runs for; PlumblineError where a variable is not set."""
    names = ("GITHUB_REPOSITORY", "GITHUB_TOKEN")
    lacking = [n for n in names if not os.environ.get(n)]
    if lacking:
        raise PlumblineError(f"{', '.join(lacking)} not set: GitHub Actions sets them, or set them")
    url = os.environ.get("GITHUB_API_URL") or "https://api.github.com"
    repository = os.environ["GITHUB_REPOSITORY"]
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise PlumblineError(f"GITHUB_REPOSITORY: got '{repository}', expected owner/name")
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise PlumblineError(f"GITHUB_API_URL: got '{url}', expected an http address")
    return GitHub(url.rstrip("/"), repository, os.environ["GITHUB_TOKEN"])


def mark(kind: str) -> str:
    """The hidden line by which an issue of a kind is found again.

    >>> mark("drift")
    '<!-- plumbline: drift -->'
    """
    return f"<!-- plumbline: {kind} -->"


def cut(body: str, most: int = LONGEST) -> str:
    """A body no longer than the host takes; a note says where it was cut."""
    end = "\n\n… cut: too long for one comment.\n"
    return body if len(body) <= most else body[: most - len(end)] + end


def quoted(text: str) -> str:
    """Text as a part of an address's path."""
    return urllib.parse.quote(text, safe="")


def _trusted(issue: Answer) -> bool:
    """Whether a workflow or someone of the repository wrote it: anybody can copy a mark."""
    author = issue.get("user") or {}
    return author.get("type") == "Bot" or issue.get("author_association") in INSIDERS


def _query(parameters: Mapping[str, str]) -> str:
    return urllib.parse.urlencode(parameters)


def _refused(method: str, address: str, error: urllib.error.HTTPError) -> HostingError:
    with error:
        text = error.read(2000).decode(errors="replace")
    try:
        reason = str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        reason = " ".join(text.split())[:200]
    start = one_line(f"{method} {address}: {error.code} {reason or error.reason}")
    if 300 <= error.code < 400:
        where = one_line(error.headers.get("Location", ""))
        return HostingError(
            f"{start}: redirected to {where}; the token is not sent there. Check GITHUB_API_URL "
            "and GITHUB_REPOSITORY.",
            error.code,
        )
    if error.code in (401, 403):
        return ForbiddenError(f"{start}; give the token the permission it needs", error.code)
    return HostingError(start, error.code)
