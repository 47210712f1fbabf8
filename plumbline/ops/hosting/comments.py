"""One comment on a pull request, written again and again: by CML where it is there, else by REST."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from plumbline.core.errors import PlumblineError
from plumbline.ops.hosting.github import Answer, GitHub, HostingError
from plumbline.report import markdown

TITLE = "plumbline"
IMAGE = "https://cml.dev/watermark.png"
MARK = re.compile(rf'!\[\]\([^()\s]+ "CML watermark {TITLE}"\)')
"""What CML puts below a comment."""
FOUND_BY_CML = re.compile(rf'!\[\]\({re.escape(IMAGE)}#[0-9a-fA-F]+ "CML watermark {TITLE}"\)')
"""What CML finds a comment by: a mark without a commit is none to it, and it writes another comment."""
AUTHOR = "github-actions[bot]"
"""Who writes with a workflow's own token; a comment of anyone else's is not ours, whatever it says."""
SEEN = 30
"""Comments that CML reads, the oldest first."""
TIMEOUT = 120
"""Seconds for CML."""
PASSED = {
    *("PATH", "LANG", "CI", "NODE_EXTRA_CA_CERTS"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
}
"""Of this process's variables, those that CML receives."""
PAGE = re.compile(r"https?://[\w.:/-]+/actions/runs/(\d+)")
"""A run's page, with its number."""
DATA_PAGES = "data-pages"
"""The artifact that a pull request's run stores for people; nothing here downloads it."""
SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class RunOrigin:
    """Where the run came from: the head's owner, branch and commit; how it ended, and its page."""

    owner: str
    branch: str
    sha: str
    conclusion: str
    page: str


def origin(path: Path) -> RunOrigin:
    """Of a `workflow_run` event's file; PlumblineError where it is another event's."""
    try:
        run = json.loads(path.read_bytes())["workflow_run"]
        source = RunOrigin(
            str(run["head_repository"]["owner"]["login"]),
            str(run["head_branch"]),
            str(run["head_sha"]),
            str(run["conclusion"]),
            str(run["html_url"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PlumblineError(
            f"{path}: not the event of a finished run ({type(error).__name__}: {error})"
        ) from None
    if not SHA.fullmatch(source.sha):
        raise PlumblineError(f"{path}: workflow_run.head_sha is no commit")
    return source


def of_base(pulls: Sequence[Answer], name: str) -> list[Answer]:
    """Of the pull requests of one head, that into the branch that a comparison names as its base.

    The name is a stranger's word: it chooses only where that same head has several pull requests.
    """
    if len(pulls) == 1:
        return list(pulls)
    return [pull for pull in pulls if pull["base"]["ref"] == name.removeprefix("origin/")]


def without_report(hub: GitHub, pulls: Sequence[Answer], sha: str) -> list[Answer]:
    """Of the pull requests of one head, those that the missing comparison may be of.

    The only one; of several, those whose comment is not of this commit already.
    """
    if len(pulls) == 1:
        return list(pulls)
    return [pull for pull in pulls if not _reported(hub, int(pull["number"]), sha)]


def missing(run: RunOrigin) -> str:
    """The comment in place of a comparison that a run did not leave."""
    link = f" [Its log]({run.page}) says why." if PAGE.fullmatch(run.page) else ""
    return (
        f"**❌ No comparison: the run for commit {run.sha[:10]} left none**\n\n"
        f"It ended with `{re.sub('[^a-z_]', '', run.conclusion)}` and stored no comparison.{link} "
        "Nothing was judged: do not merge on the strength of an earlier report. Push again, or run its "
        "failed jobs again."
    )


def refused(run: RunOrigin, why: str) -> str:
    """The comment in place of a comparison that cannot be taken; `why` repeats nothing of it."""
    link = f" [Its run]({run.page}) stored it." if PAGE.fullmatch(run.page) else ""
    return (
        f"**❌ No comparison: that of commit {run.sha[:10]} is refused**\n\n"
        f"{markdown.escaped(why)}.{link} Nothing was judged: do not merge on the strength of an earlier "
        "report."
    )


def data_pages(hub: GitHub, run: RunOrigin) -> str:
    """A line that links to the run's pages of the data; empty where it stored none, or the host does not say."""
    match = PAGE.fullmatch(run.page)
    if not match:
        return ""
    try:
        stored = hub.get(f"actions/runs/{match[1]}/artifacts?name={DATA_PAGES}")["artifacts"]
        found = [int(one["id"]) for one in stored if _is_data_pages(one)]
    except (HostingError, KeyError, TypeError, ValueError):
        return ""
    if not found:
        return ""
    return f"[Pages of the data]({run.page}/artifacts/{max(found)}): profile, Data Docs and results, by data version.\n"


def _is_data_pages(one: Answer) -> bool:
    return one["name"] == DATA_PAGES and not one["expired"]


def post(hub: GitHub, number: int, text: str, sha: str) -> str:
    """Write or update our comment; says how. ForbiddenError where the token may only read."""
    there = list(hub.comments(number))
    reason = _not_cml(there) or _cml(hub, number, text, sha)
    if not reason:
        return "CML wrote the comment"
    body = f"{text}\n\n{watermark(sha)}"
    ours = _ours(hub.comments(number))  # again: CML may have written before it failed
    if ours:
        hub.update_comment(int(ours[-1]["id"]), body)  # the last, as CML does
        return f"updated by REST: {reason}"
    hub.create_comment(number, body)
    return f"written by REST: {reason}"


def _reported(hub: GitHub, number: int, sha: str) -> bool:
    return any(watermark(sha) in comment["body"] for comment in _ours(hub.comments(number)))


def _ours(there: Iterable[Answer]) -> list[Answer]:
    """The marked comments that a workflow of ours wrote."""
    return [c for c in _marked(there) if (c.get("user") or {}).get("login") == AUTHOR]


def _marked(there: Iterable[Answer]) -> list[Answer]:
    return [c for c in there if MARK.search(c["body"] or "")]


def watermark(sha: str) -> str:
    """CML's own mark, so that either finds the other's comment."""
    return f'![]({IMAGE}#{sha} "CML watermark {TITLE}")'


def _not_cml(there: list[Answer]) -> str:
    """Why CML is not used; empty where it may be."""
    if not shutil.which("cml"):
        return "CML is not installed"
    if len(there) > SEEN:
        return f"CML reads the first {SEEN} comments only"
    ours = _ours(there)
    if ours != _marked(there):
        return "a comment of someone else's has our mark"
    if ours and not FOUND_BY_CML.search(ours[-1]["body"]):
        return "CML does not find our comment, which names no commit"
    return ""


def _cml(hub: GitHub, number: int, text: str, sha: str) -> str:
    """Ask CML; why it failed, or nothing.

    CML takes the commit for its mark from GITHUB_SHA, which in a `workflow_run` is the default
    branch's: the pull request's head is set here.
    """
    server = os.environ.get("GITHUB_SERVER_URL") or "https://github.com"
    with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
        report = Path(folder) / "report.md"
        report.write_text(text, encoding="utf-8")
        arguments = ["cml", "comment", "update", "--driver=github", "--publish=false"]
        arguments += [f"--repo={server}/{quote(hub.repository)}", f"--watermark-title={TITLE}"]
        arguments += [f"--target=pr/{number}", str(report)]
        env = _passed(os.environ) | {"HOME": folder}
        env |= {"GITHUB_TOKEN": hub.token, "GITHUB_SHA": sha, "ITERATIVE_DO_NOT_TRACK": "1"}
        try:
            done = subprocess.run(
                arguments, env=env, cwd=folder, capture_output=True, timeout=TIMEOUT, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"CML failed ({type(error).__name__})"
    if done.returncode == 0:
        return ""
    errors = done.stderr.decode(errors="replace").split()
    return f"CML failed ({done.returncode}: {' '.join(errors)[:200]})"


def _passed(environment: Mapping[str, str]) -> dict[str, str]:
    """What CML receives; Node takes a private authority from a variable of its own."""
    authority = environment.get("SSL_CERT_FILE")
    added = {"NODE_EXTRA_CA_CERTS": authority} if authority else {}
    return added | {k: v for k, v in environment.items() if k in PASSED}
