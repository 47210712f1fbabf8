"""A target named by a user, resolved to an out of one commit. An edge: reads git, files and MLflow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from plumbline.core import dvc_hash
from plumbline.core.dvc_hash import MD5
from plumbline.core.errors import PlumblineError, suggest
from plumbline.ops.lineage import past
from plumbline.ops.rollback import plan, registry
from plumbline.repo import object_stores, revisions, verify
from plumbline.repo.tracked_outs import Out
from plumbline.runtime import git

NAME = re.compile(r"[\w-]+")
CHAMPION = re.compile(r"([\w-]+)@champion")
VERSION = re.compile(r"([\w-]+)/(\d+)")
EVENT = re.compile(r"([\w-]+):(.+)")


@dataclass(frozen=True)
class LineageTarget:
    """An out of a revision (`rev` None: the work tree). `member`: a file in it, with the md5 `oid`; `key`: an event."""

    rev: str | None
    name: str
    out: Out
    member: str | None = None
    oid: str | None = None
    key: str | None = None
    notes: tuple[str, ...] = ()


def find(root: Path, name_given: str, rev: str | None) -> list[LineageTarget]:
    """The outs that `name_given` stands for; PlumblineError, with the names it accepts, where there is none.

    A use case, USECASE@champion, USECASE/VERSION, USECASE:KEY, a tag, an md5, or a file.
    """
    revisions.refuse_shallow(root, "lineage")
    at = revisions.commit(root, rev) if rev else None
    outs = revisions.outs(root, at)
    bundles = plan.bundles(outs)
    name = rev or "work tree"
    if name_given in bundles:
        return [LineageTarget(at, name, bundles[name_given])]
    match = CHAMPION.fullmatch(name_given)
    if match and match[1] in bundles:
        return [_champion(root, match[1], LineageTarget(at, name, bundles[match[1]]))]
    match = VERSION.fullmatch(name_given)
    if match and match[1] in bundles:
        return [_version(root, match[1], match[2])]
    match = EVENT.fullmatch(name_given)
    if match and match[1] in bundles:
        return [LineageTarget(at, name, bundles[match[1]], key=match[2])]
    if name_given in revisions.tags(root):
        return _tagged(root, name_given)
    if MD5.fullmatch(name_given):
        return [_by_md5(root, name_given, "no out of any commit has that md5")]
    past_target = None if rev else _ended(root, name_given)
    return [past_target or _file(root, name_given, at, name, outs)]


def _ended(root: Path, name_given: str) -> LineageTarget | None:
    """The last bundle of a use case that was removed or renamed; None for anything else."""
    if not NAME.fullmatch(name_given) or (Path.cwd() / name_given).exists():
        return None
    events = past.ended(root, name_given)
    if events is None:
        return None
    last, end = events
    outs = plan.bundles(revisions.outs(root, last.commit))
    note = f"{name_given}: {end.why} ({end.commit[:9]}); this is its last bundle"
    return LineageTarget(last.commit, last.commit[:9], outs[name_given], notes=(note,))


def _champion(root: Path, name: str, otherwise: LineageTarget) -> LineageTarget:
    bearer = plan.champion(_versions(root, name))
    if bearer is None or bearer.md5 is None:
        note = f"MLflow knows no champion of {name}: this is the bundle of {otherwise.name}"
        return replace(otherwise, notes=(note,))
    return _by_md5(root, bearer.md5, f"the champion, version {bearer.number}, is in no commit")


def _version(root: Path, name: str, number: str) -> LineageTarget:
    versions = _versions(root, name)
    version = next((v for v in versions if v.number == number), None)
    if version is None or version.md5 is None:
        known = ", ".join(v.number for v in versions) or "none"
        raise PlumblineError(f"{name}: MLflow has no version {number}; it has {known}")
    return _by_md5(root, version.md5, f"version {number} is in no commit")


def _versions(root: Path, name: str) -> list[plan.Version]:
    try:
        return registry.versions(root, name)
    except PlumblineError:
        return []  # a projection: git has the answer, or there is none


def _tagged(root: Path, tag: str) -> list[LineageTarget]:
    commit = revisions.commit(root, f"refs/tags/{tag}")
    bundles = plan.bundles(revisions.outs(root, commit))
    if not bundles:
        raise PlumblineError(f"{tag}: no bundle in dvc.lock there; expected a tag of a model")
    return [LineageTarget(commit, tag, out) for out in bundles.values()]


def _by_md5(root: Path, md5: str, otherwise: str) -> LineageTarget:
    for rev, name in _searched(root):
        for out in revisions.outs(root, rev):
            if out.md5.removesuffix(".dir") == md5.removesuffix(".dir"):
                return LineageTarget(rev, name, out)
    raise PlumblineError(f"{md5}: {otherwise} that this clone has; `git fetch --all --tags`?")


def by_md5(root: Path, md5: str, otherwise: str) -> LineageTarget:
    """The out with this md5 in the work tree, HEAD, a tag or any commit; PlumblineError where none has it."""
    return _by_md5(root, md5, otherwise)


def having(root: Path, md5: str) -> list[str]:
    """The revisions whose lock has an out of this md5: the work tree, HEAD, tags, commits, the newest first."""
    wanted = md5.removesuffix(".dir")
    return [
        name
        for rev, name in _searched(root)
        if any(out.md5.removesuffix(".dir") == wanted for out in revisions.outs(root, rev))
    ]


def _searched(root: Path) -> Iterator[tuple[str | None, str]]:
    """The work tree, HEAD, tags, then every commit that changed a lock or a .dvc file, newest first."""
    yield None, "work tree"
    seen = {revisions.commit(root, "HEAD"): "HEAD"}
    for tag in revisions.tags(root):
        seen.setdefault(revisions.commit(root, f"refs/tags/{tag}"), tag)
    arguments = (
        "log",
        "--all",
        "--topo-order",
        "--format=%H",
        "--full-history",
        "--",
        "*dvc.lock",
        "*.dvc",
    )
    for commit in git.text(root, *arguments).split():
        seen.setdefault(commit, commit[:9])
    yield from seen.items()


def _file(
    root: Path, name_given: str, rev: str | None, name: str, outs: list[Out]
) -> LineageTarget:
    path = (Path.cwd() / name_given).resolve()
    inside = path.is_relative_to(root.resolve())
    relative = path.relative_to(root.resolve()).as_posix() if inside else name_given
    out = next((o for o in outs if relative == o.path or relative.startswith(f"{o.path}/")), None)
    if out is not None:
        recorded = _of_out(root, relative, path, out, rev, name)
        if recorded:
            return recorded
    if not path.exists():
        choices = [*plan.bundles(outs), *(o.path for o in outs if not o.path.endswith(".json"))]
        raise PlumblineError(
            f"'{name_given}': no use case, tag, md5, out or file at {name}; {suggest(relative, choices)}"
        )
    return _of_bytes(root, name_given, path, outs, rev, name)


def _of_out(
    root: Path, relative: str, path: Path, out: Out, rev: str | None, name: str
) -> LineageTarget | None:
    """The out itself, or a file in it; None where the work tree's bytes are others."""
    expected = out.md5
    if relative != out.path:
        contents, _ = verify.read_manifests([object_stores.settings(root).folder()], [(rev, out)])
        member = relative.removeprefix(f"{out.path}/")
        if member not in contents.get(out.md5, {}):
            return None
        expected = contents[out.md5][member]
    if rev is None and path.exists() and dvc_hash.md5(path) != expected:
        return None
    if relative == out.path:
        return LineageTarget(rev, name, out)
    return LineageTarget(rev, name, out, member=relative, oid=expected)


def _of_bytes(
    root: Path, name_given: str, path: Path, outs: list[Out], rev: str | None, name: str
) -> LineageTarget:
    """The out, or the file in one, that has this file's bytes."""
    md5 = dvc_hash.md5(path)
    contents, _ = verify.read_manifests(
        [object_stores.settings(root).folder()], [(rev, out) for out in outs if out.cached]
    )
    for use in verify.expand([(rev, out) for out in outs], contents):
        if use.oid == md5:
            member = None if use.path == use.out.path else use.path
            notes = (f"{name_given} has the bytes of {use.path}",)
            return LineageTarget(rev, name, use.out, member=member, oid=md5, notes=notes)
    recorded = _by_md5(root, md5, f"the bytes of {name_given} are of no out of any commit")
    note = f"{name_given} is not the one of {name}: its bytes are those of {recorded.name}"
    return LineageTarget(recorded.rev, recorded.name, recorded.out, notes=(note,))
