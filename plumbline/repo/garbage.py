"""Objects that `dvc gc` may free: those that no ref of any kind, and no file of the work tree, names.

DVC's own command knows local branches and tags only, trusts damaged manifests, and does not ask for confirmation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from plumbline.core.dvc_hash import MD5
from plumbline.core.errors import PlumblineError
from plumbline.repo import dvc_command, object_stores, revisions, verify
from plumbline.repo.object_stores import DvcSettings, ObjectStore
from plumbline.runtime import dvc_lock, git

GUARD = "refs/tags/plumbline-gc"
"""Tags that stand for every other ref while DVC looks at tags; removed afterwards."""


CACHE = "cache"
"""The name of the cache among the places."""


@dataclass(frozen=True)
class Survey:
    """What is needed (objects), and by place what is there without need (object to bytes).

    `shared`: with whom the cache is shared, so that nobody here can tell what in it is needed; or "".
    """

    needed: frozenset[str]
    free: Mapping[str, Mapping[str, int]]
    commits: Sequence[str]
    shared: str = ""

    @property
    def doubtful(self) -> Mapping[str, int]:
        """Objects of a shared cache that nothing here needs, and that stay: another project may need them."""
        return self.free.get(CACHE, {}) if self.shared else {}


def refuse_doubt(root: Path, *, cloud: bool) -> None:
    """PlumblineError where something may need objects that no commit here names."""
    files = (f":(glob)**/{dvc_lock.FILE}", ":(glob)**/*.dvc")
    changed = git.lines(root, "status", "--porcelain", "--", *files)
    if changed:
        names = ", ".join(line[3:] for line in changed)
        raise PlumblineError(f"{names}: not committed; commit it, or `git checkout` it, first")
    if stashed := git.lines(root, "stash", "list"):
        raise PlumblineError(
            f"{len(stashed)} stashed changes, whose dvc.lock no branch or tag has: their objects would "
            "go; `git stash pop`, `git stash branch NAME` or `git stash drop` first"
        )
    revisions.refuse_shallow(root, "gc")
    for remote in git.text(root, "remote").split() if cloud else ():
        _refuse_unknown(root, remote)


def survey(settings: DvcSettings, *, cloud: bool) -> Survey:
    """What every ref, HEAD and the work tree need, and what the cache (and remote) hold beside it.

    Raises PlumblineError where a needed folder's manifest is lost: its contents are unknown.
    """
    commits = _commits(settings.root)
    cached = [
        (rev, out)
        for rev in (revisions.WORK_TREE, *commits)
        for out in revisions.outs(settings.root, rev)
        if out.cached
    ]
    remotes = [settings.remote(name) for name in settings.remotes]
    contents, damaged = verify.read_manifests([settings.folder(), *remotes], cached)
    lost = [(rev, out.path) for rev, out in cached if out.folder and out.md5 not in contents]
    if lost or damaged:
        rev, path = lost[0] if lost else (damaged[0].use.rev, damaged[0].use.path)
        raise PlumblineError(_unknown(settings.root, rev, path))
    needed = frozenset(use.oid for use in verify.expand(cached, contents))
    searched: list[ObjectStore] = [settings.folder()]
    searched += [settings.remote(settings.default)] if cloud and settings.default else []
    free = {place.name: _without(place.sizes(), needed) for place in searched}
    return Survey(needed, free, commits, shared_with(settings))


def shared_with(settings: DvcSettings) -> str:
    """Who else uses the cache, as far as can be seen here; empty where it is this work tree's own."""
    root, cache = settings.root.resolve(), settings.cache.resolve()
    prefix = git.text(root, "rev-parse", "--show-prefix")
    for line in git.names(root, "worktree", "list", "--porcelain", "-z"):
        other = Path(line.removeprefix("worktree ")) / prefix
        if not line.startswith("worktree ") or other.resolve() == root:
            continue
        if (other / ".dvc").is_dir() and object_stores.settings(other).cache.resolve() == cache:
            return f"the work tree {other}"
    return (
        "" if cache.is_relative_to(root) else "other clones, perhaps: it is outside of the project"
    )


def collect(settings: DvcSettings, survey_result: Survey, *, cloud: bool, apply: bool) -> None:
    """Run `dvc gc`, dry first; PlumblineError, with nothing freed, where it would free other objects.

    Nothing is freed either where the cache is shared and has objects that nothing here needs.
    """
    if apply and survey_result.doubtful:
        raise PlumblineError(
            f"{settings.cache} is shared with {survey_result.shared}; {len(survey_result.doubtful):,} "
            f"objects, {next(iter(survey_result.doubtful))} first, may be needed there, so nothing was removed; "
            "`dvc gc --workspace --all-branches --all-tags --projects PATH ...` with the path of every "
            "project that uses it"
        )
    arguments = ["gc", "--workspace", "--all-branches", "--all-tags", "--force"]
    arguments += ["--cloud"] if cloud else []
    with _guarded(settings.root, survey_result.commits):
        named = _removed(dvc_command.check(settings.root, *arguments, "--dry"))
        wrong = sorted(named - set().union(*survey_result.free.values()))
        if wrong:
            raise PlumblineError(
                f"DVC would remove {len(wrong)} objects that are needed, {wrong[0]} first: a damaged "
                "manifest? `plumbline verify --all-tags --repair`; nothing was removed"
            )
        if apply:
            dvc_command.check(settings.root, *arguments)


def _unknown(root: Path, rev: str | None, path: str) -> str:
    """The refusal of a lost manifest: which ref names it, and what helps."""
    if rev is None:
        name, drop = "work tree", ""
    else:
        arguments = ("--points-at", rev, "--format=%(refname)", "--count=1")
        name = git.text(root, "for-each-ref", *arguments) or rev
        drop = f"; `git update-ref -d {name}` if nobody needs that ref" if name != rev else ""
    again = "`dvc repro`" if rev is None else f"`git switch --detach {name}` and `dvc repro`"
    verify_words = f"plumbline verify {name if rev else ''}".strip()
    return (
        f"{name}: {path}: its manifest is lost, so the objects that it needs are unknown; "
        f"`{verify_words} --repair` brings it back where a remote has it; {again} compute it again{drop}"
    )


def _commits(root: Path) -> list[str]:
    """The commits of all refs (branches, tags, other clones' branches, experiments) and of HEAD."""
    return git.text(root, "rev-list", "--no-walk=unsorted", "--all", "HEAD").split()


def _refuse_unknown(root: Path, remote: str) -> None:
    listed = git.text(root, "ls-remote", "--heads", "--tags", "--refs", remote).split()
    known = git.text(root, "for-each-ref", "--format=%(objectname)").split()
    unknown = [
        name for oid, name in zip(listed[::2], listed[1::2], strict=True) if oid not in known
    ]
    if unknown:
        raise PlumblineError(
            f"{remote} has {unknown[0]} ({len(unknown)} refs in all) as this clone does not; "
            "`git fetch --all --tags` first, so that their objects are kept"
        )


def _without(sizes: Mapping[str, int], needed: Iterable[str]) -> dict[str, int]:
    kept = set(needed)
    return {oid: size for oid, size in sorted(sizes.items()) if oid not in kept}


@contextmanager
def _guarded(root: Path, commits: Sequence[str]) -> Iterator[None]:
    """DVC keeps what tags need: a tag for each commit, for as long as it looks."""
    _unguard(root)
    try:
        for number, commit in enumerate(commits):
            git.output(root, "update-ref", f"{GUARD}/{number}", commit)
        yield
    finally:
        _unguard(root)


def _unguard(root: Path) -> None:
    names = git.text(root, "for-each-ref", "--format=%(refname)", f"{GUARD}/").split()
    for name in names:
        git.output(root, "update-ref", "-d", name)


def _removed(lines: Iterable[str]) -> set[str]:
    """The objects that `dvc gc --dry` says it would remove."""
    paths = (line.removeprefix("Removing ") for line in lines if line.startswith("Removing "))
    names = {"".join(re.split(r"[/\\]", path.strip())[-2:]) for path in paths}
    return {name for name in names if MD5.fullmatch(name)}
