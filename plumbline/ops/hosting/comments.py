"""One comment on a pull request, written again and again: by CML where it is there, else by REST."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from plumbline.core.errors import PlumblineError
from plumbline.ops.hosting.github import GitHub

TITLE = "plumbline"
IMAGE = "https://cml.dev/watermark.png"
MARK = re.compile(rf'!\[\]\([^()\s]+ "CML watermark {TITLE}"\)')
"""What CML puts below a comment, and finds it by."""
AUTHOR = "github-actions[bot]"
"""Who writes with a workflow's own token; a comment of anyone else's is not ours, whatever it says."""
SEEN = 30
"""Comments that CML reads, the oldest first."""
TIMEOUT = 120
"""Seconds for CML."""
SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class RunOrigin:
    """Where the run came from: the head's owner, branch and commit."""

    owner: str
    branch: str
    sha: str


def origin(path: Path) -> RunOrigin:
    """Of a `workflow_run` event's file; PlumblineError where it is another event's."""
    try:
        run = json.loads(path.read_bytes())["workflow_run"]
        source = RunOrigin(
            str(run["head_repository"]["owner"]["login"]),
            str(run["head_branch"]),
            str(run["head_sha"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PlumblineError(
            f"{path}: not the event of a finished run ({type(error).__name__}: {error})"
        ) from None
    if not SHA.fullmatch(source.sha):
        raise PlumblineError(f"{path}: workflow_run.head_sha is no commit")
    return source


def post(hub: GitHub, number: int, text: str, sha: str) -> str:
    """Write or update our comment; says how. ForbiddenError where the token may only read."""
    there = list(hub.comments(number))
    marked = [c for c in there if MARK.search(c["body"] or "")]
    ours = [c for c in marked if (c.get("user") or {}).get("login") == AUTHOR]
    reason = _not_cml(there, marked == ours) or _cml(hub, number, text)
    if not reason:
        return "CML wrote the comment"
    body = f"{text}\n\n{watermark(sha)}"
    if ours:
        hub.update_comment(int(ours[0]["id"]), body)
        return f"updated by REST: {reason}"
    hub.create_comment(number, body)
    return f"written by REST: {reason}"


def watermark(sha: str) -> str:
    """CML's own mark, so that either finds the other's comment."""
    return f'![]({IMAGE}#{sha} "CML watermark {TITLE}")'


def _not_cml(there: list[dict[str, Any]], all_ours: bool) -> str:
    """Why CML is not asked; empty where it may be."""
    if not shutil.which("cml"):
        return "CML is not installed"
    if len(there) > SEEN:
        return f"CML reads the first {SEEN} comments only"
    return "" if all_ours else "a comment of someone else's has our mark"


def _cml(hub: GitHub, number: int, text: str) -> str:
    """Ask CML; why it failed, or nothing."""
    server = os.environ.get("GITHUB_SERVER_URL") or "https://github.com"
    with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
        report = Path(folder) / "report.md"
        report.write_text(text, encoding="utf-8")
        words = ["cml", "comment", "update", "--driver=github", "--publish=false"]
        words += [f"--repo={server}/{quote(hub.repository)}", f"--watermark-title={TITLE}"]
        words += [f"--target=pr/{number}", str(report)]
        env = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "CI", "GITHUB_ACTOR")}
        env |= {"HOME": folder, "GITHUB_TOKEN": hub.token, "ITERATIVE_DO_NOT_TRACK": "1"}
        try:
            done = subprocess.run(
                words, env=env, cwd=folder, capture_output=True, timeout=TIMEOUT, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"CML failed ({type(error).__name__})"
    if done.returncode == 0:
        return ""
    errors = done.stderr.decode(errors="replace").split()
    return f"CML failed ({done.returncode}: {' '.join(errors)[:200]})"
