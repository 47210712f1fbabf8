"""A retrain's record published: one pull request, one issue, or neither. An edge: git, the host."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

from plumbline.ops.hosting.github import GitHub
from plumbline.ops.retrain import branches, retrain_texts
from plumbline.ops.retrain.retrain_document import RetrainRecord
from plumbline.repo import clones, dvc_command, object_stores, revisions
from plumbline.review import revision
from plumbline.runtime import dvc_lock, git

log = logging.getLogger("plumbline")


def propose(root: Path, hub: GitHub, record: RetrainRecord, base: str) -> str:
    """Act on one record; what was done, in a line.

    challenger: its objects, its branch, and the one pull request into `base`. drift, bad-data, bad-serving:
    the one issue. An issue that no longer holds is closed.
    """
    kind = f"retrain {record.usecase}"
    if record.outcome == "challenger":
        number = _pull_request(root, hub, record, base)
        hub.close_issue(kind, f"#{number} proposes a new model.")
        return f"pull request #{number}"
    if record.outcome == "healthy":
        closed = hub.close_issue(kind, retrain_texts.body(record))
        return f"issue #{closed['number']} closed" if closed else "nothing to report"
    issue = hub.report_issue(kind, retrain_texts.title(record), retrain_texts.body(record))
    return f"issue #{issue['number']}"


def push_objects(root: Path, rev: str, name: str) -> bool:
    """Bring a use case's objects of a revision from the cache to the default remote.

    False where there is no default remote. The work tree is left alone.
    """
    settings = object_stores.settings(root)
    if not settings.default:
        log.warning("propose: no default remote: whoever checks out the branch runs it again")
        return False
    named = dvc_lock.of(revision.side(root, rev).entries, name)
    added = ("diff", "--name-only", "-z", "--diff-filter=A", f"{rev}~1", rev, "--", "*.dvc")
    pointers = git.names(root, *added)
    with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
        there = clones.clone(root, rev, Path(folder) / "clone", cache=settings.cache)
        stages = [f"{stage}@{name}" for stage in named]
        dvc_command.check(there, "push", "-q", *stages, *pointers)
    return True


def _pull_request(root: Path, hub: GitHub, record: RetrainRecord, base: str) -> int:
    branch, commit = record.challenger()
    commit = revisions.commit(root, commit)
    push_objects(root, commit, record.usecase)
    branches.push(root, commit, branch, hub.token)
    title, body = retrain_texts.title(record), retrain_texts.body(record)
    there = hub.open_pull_request(branch)
    if there:
        hub.update_pull_request(there["number"], title, body)
        return int(there["number"])
    return int(hub.create_pull_request(branch, base, title, body)["number"])
