"""The actions that the workflows use, as functions of the job's runner, its inputs and variables."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

Outputs = dict[str, str] | None


class Failed(Exception):  # noqa: N818 (an action's outcome, as GitHub calls it)
    """The action's step fails, with this message."""


def checkout(runner: Any, given: Mapping[str, Any], _env: Mapping[str, str]) -> Outputs:
    """A fresh clone of origin at `ref`, by default at what the event is about; no credentials kept."""
    assert given.get("persist-credentials") == "false", "checkout must not keep the token"
    into = runner.job.workspace
    ref = given.get("ref") or runner.given["ref"]
    depth = [] if given.get("fetch-depth") == "0" else ["--depth=1"]
    git("init", "-q", "-b", "none", cwd=into)
    git("remote", "add", "origin", f"file://{runner.hub.origin}", cwd=into)
    wanted = ["+refs/heads/*:refs/remotes/origin/*", "--tags"] if not depth else []
    try:
        git("fetch", "-q", "--no-tags", *depth, "origin", ref, cwd=into)
    except subprocess.CalledProcessError as error:
        raise Failed(error.stderr) from None
    git("checkout", "-q", "--detach", "FETCH_HEAD", cwd=into)
    if ref.startswith("refs/heads/") or "/" not in ref:
        branch = ref.removeprefix("refs/heads/")
        git("checkout", "-q", "-B", branch, cwd=into)
    if wanted:
        git("fetch", "-q", "origin", *wanted, cwd=into)
    return None


def upload_artifact(runner: Any, given: Mapping[str, Any], _env: Mapping[str, str]) -> Outputs:
    """Files by pattern, kept with the run under a name."""
    into = runner.workflow_run.folder / "artifacts" / given["name"]
    patterns = str(given["path"]).split()
    result = [p for pattern in patterns for p in sorted(runner.job.workspace.glob(pattern))]
    if not result and given.get("if-no-files-found") == "error":
        raise Failed(f"No files were found with the provided path: {given['path']}")
    for path in result:
        into.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if path.is_dir() else shutil.copy)(path, into / path.name)
    return None


def download_artifact(runner: Any, given: Mapping[str, Any], _env: Mapping[str, str]) -> Outputs:
    """An artifact of this run, or, with `run-id` and a token that may read them, of another."""
    number = int(given.get("run-id") or runner.workflow_run.number)
    if number != runner.workflow_run.number:
        assert given.get("github-token"), "another run's artifact needs a token"
        assert runner.permissions.get("actions") == "read", "and the permission actions: read"
    there = runner.hub.folder / "runs" / str(number) / "artifacts" / given["name"]
    if not there.is_dir():
        raise Failed(
            f"Unable to download artifact(s): Artifact not found for name: {given['name']}"
        )
    shutil.copytree(there, runner.job.workspace / given.get("path", "."), dirs_exist_ok=True)
    return None


def nothing(_runner: Any, _given: Mapping[str, Any], _env: Mapping[str, str]) -> Outputs:
    """What this machine has already."""
    return None


def git(*words: str, cwd: Any) -> str:
    """A git command's output."""
    done = subprocess.run(
        ["git", *words], cwd=cwd, check=True, capture_output=True, text=True, encoding="utf-8"
    )
    return done.stdout.strip()


ACTIONS: dict[str, Callable[[Any, Mapping[str, Any], Mapping[str, str]], Outputs]] = {
    "actions/checkout": checkout,
    "actions/setup-python": nothing,
    "actions/upload-artifact": upload_artifact,
    "actions/download-artifact": download_artifact,
}
