"""A host on this machine: a bare `origin`, forks, a DVC remote that is a folder, GitHub's stand-in, runs."""

from __future__ import annotations

import copy
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import github, github_runs
from tests import warm as forks
from tests.project import Project
from tests.rehearsal.uses import git

IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Someone"), ("EMAIL", "someone@example.com"))
}


@dataclass
class Hub:
    """The host's state; `path`: folders with more commands that every step finds."""

    base: Path
    folder: Path
    api: github.GitHub
    vars: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)
    runs: dict[int, Any] = field(default_factory=dict)
    read_only: bool = False
    mute: bool = False
    """Whether no comment is to follow a run."""
    prefix: Path = Path(sys.prefix)
    """The Python environment that stands for what `make install` installs."""
    extra: dict[str, str] = field(default_factory=dict)
    """More variables for every step."""

    @property
    def origin(self) -> Path:
        """The bare repository."""
        return self.folder / "origin.git"

    @property
    def remote(self) -> Path:
        """The DVC remote's folder."""
        return self.folder / "remote"

    def next_run(self) -> int:
        """A new run's number."""
        return 1000 + len(self.runs)

    def ended(self, file: str, event: str, conclusion: str, context: Mapping[str, Any]) -> None:
        """Keep a run's result, as GitHub does."""
        branch = str(context.get("ref_name") or context.get("head_ref") or "main")
        entry = github_runs.entry(file, str(context.get("sha")), conclusion, event, branch)
        self.api.runs.append(entry)

    def is_fork(self, event: Mapping[str, Any]) -> bool:
        """Whether an event is a fork's pull request."""
        head = (event.get("pull_request") or {}).get("head")
        return bool(head) and head["repo"]["full_name"] != self.api.repository

    def variables(self, workspace: Path) -> dict[str, str]:
        """What a runner's machine sets, and what keeps this machine's own settings out."""
        home = self.base / "home"
        home.mkdir(exist_ok=True)
        return {
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(workspace / ".dvc" / "tmp" / "site"),
            "DVC_GLOBAL_CONFIG_DIR": str(home / "none"),
            "DVC_SYSTEM_CONFIG_DIR": str(home / "none"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "no_proxy": "127.0.0.1",
            "NODE_EXTRA_CA_CERTS": self.api.authority,
            **forks.PLAIN,
            **self.extra,
        }

    def clone(self, name: str = "laptop", branch: str = "main") -> Project:
        """A contributor's clone at a branch of the base project, with a cache linked to that one's."""
        path = self.folder / name
        git("clone", "-q", str(self.origin), str(path), cwd=self.folder)
        project = Project(path, warm=True)
        shutil.copytree(
            self.base / "project" / ".dvc" / "cache", path / ".dvc" / "cache", copy_function=os.link
        )
        (path / ".dvc" / "config.local").write_text(
            f"[core]\n    remote = team\n['remote \"team\"']\n    url = {self.remote}\n"
        )
        project.run("git", "pull", "-q", "--no-rebase", str(self.base / "project"), branch)
        project.run("dvc", "checkout", "-q")
        return project

    def push(self, project: Project, branch: str, owner: str = "acme") -> dict[str, Any]:
        """Push HEAD as `owner`'s branch; open its pull request, or move its head. Its event."""
        target = self.origin if owner == self.owner else self._fork(owner)
        git("push", "-q", "-f", str(target), f"HEAD:refs/heads/{branch}", cwd=project.path)
        sha = git("rev-parse", "HEAD", cwd=project.path)
        label = f"{owner}:{branch}"
        own = [p for p in self.api.pulls if p["head"]["label"] == label and p["state"] == "open"]
        if not own:
            self.api.open_pull(branch, sha, owner)
            own = self.api.pulls[-1:]
        own[0]["head"]["sha"] = sha
        self._merge(project, own[0]["number"])
        repository = {"full_name": self.api.repository, "default_branch": "main"}
        return {
            "pull_request": copy.deepcopy(own[0]),
            "number": own[0]["number"],
            "repository": repository,
        }

    def merge(self, event: Mapping[str, Any]) -> str:
        """Merge a pull request into main; main's new commit."""
        number = event["number"]
        git("update-ref", "refs/heads/main", f"refs/pull/{number}/merge", cwd=self.origin)
        own = next(p for p in self.api.pulls if p["number"] == number)
        own["state"] = "closed"
        return git("rev-parse", "refs/heads/main", cwd=self.origin)

    @property
    def owner(self) -> str:
        """Of the repository."""
        return self.api.repository.split("/")[0]

    def _fork(self, owner: str) -> Path:
        path = self.folder / f"{owner}.git"
        if not path.exists():
            git("clone", "-q", "--bare", str(self.origin), str(path), cwd=self.folder)
        return path

    def _merge(self, project: Project, number: int) -> None:
        """GitHub's merge commit of head into main, at refs/pull/N/merge."""
        scratch = self.folder / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        git("clone", "-q", str(self.origin), str(scratch), cwd=self.folder)
        git("fetch", "-q", str(project.path), "HEAD", cwd=scratch)
        Project(scratch).run(
            "git", "merge", "-q", "--no-ff", "-m", "merge", "FETCH_HEAD", env=IDENTITY
        )
        git("push", "-q", "-f", "origin", f"HEAD:refs/pull/{number}/merge", cwd=scratch)


@contextmanager
def hub(base: Path, folder: Path) -> Iterator[Hub]:
    """A host of its own in `folder`, with a copy of the base's origin and remote while the block runs."""
    for name in ("origin.git", "remote"):
        shutil.copytree(base / name, folder / name, copy_function=os.link)
    with github.github() as api:
        built = Hub(base, folder, api, vars={"DVC_REMOTE_URL": str(folder / "remote")})
        start = {"sha": git("rev-parse", "main", cwd=built.origin), "ref_name": "main"}
        built.ended("main.yml", "push", "success", start)
        yield built
