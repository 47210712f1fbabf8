"""MLflow's registry brought in line with git: compared, moved to HEAD, or rebuilt from tags."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.ops.rollback import plan, registry, stages
from plumbline.ops.rollback.plan import RegistryRow
from plumbline.repo import file_modes, object_stores, repair, revisions, verify
from plumbline.repo.tracked_outs import Out

TAGS = re.compile(r"model-v.+")


def releases(root: Path) -> dict[str, str]:
    """The tags of models and HEAD, v2 before v10, and their commits."""
    revisions.refuse_shallow(root, "registry")
    tags = sorted(filter(TAGS.fullmatch, revisions.tags(root)), key=_natural)
    named = {tag: revisions.commit(root, f"refs/tags/{tag}") for tag in tags}
    return named | {"HEAD": revisions.commit(root, "HEAD")}


def status(root: Path) -> list[RegistryRow]:
    """What git says of each bundle, and what MLflow says."""
    recorded = {
        ref: {name: out.md5 for name, out in plan.bundles(revisions.outs(root, commit)).items()}
        for ref, commit in releases(root).items()
    }
    usecases = dict.fromkeys(name for held in recorded.values() for name in held)
    return plan.rows(recorded, {name: registry.versions(root, name) for name in usecases})


def sync(root: Path) -> Iterator[str]:
    """Point each champion at HEAD's bundle, registered where MLflow does not know it."""
    revisions.refuse_shallow(root, "registry")
    yield from _promote(root, "HEAD", revisions.commit(root, "HEAD"))


def rebuild(root: Path) -> Iterator[str]:
    """Register the bundles of all model tags, in order, then HEAD's; the champion is HEAD's.

    What the audit log of this clone says is archived becomes so again.
    """
    listed = releases(root)
    for ref, commit in listed.items():
        yield from _promote(root, ref, commit)
    for usecase in plan.bundles(revisions.outs(root, listed["HEAD"])):
        yield from stages.replay(root, usecase)


def _promote(root: Path, ref: str, commit: str) -> Iterator[str]:
    if registry.off():
        raise PlumblineError("MLflow is off; unset MLFLOW_TRACKING_URI, or set it to a server")
    for usecase, out in plan.bundles(revisions.outs(root, commit)).items():
        known = plan.with_md5(registry.versions(root, usecase), out.md5)
        if known:
            registry.point(root, usecase, known.number)
            number = f"{known.number}{plan.archived(known)}"
        else:
            tags = {"git.commit": commit, **({} if ref == "HEAD" else {"git.tag": ref})}
            with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
                brought(root, commit, out, Path(folder) / "bundle")
                number = registry.register(root, usecase, Path(folder) / "bundle", tags)
        yield f"{ref}: {usecase} version {number}, bundle {out.md5}"


def brought(root: Path, commit: str, out: Out, target: Path) -> None:
    """A folder out of any commit as `target`, from the cache or a remote, each file hashed."""
    settings = object_stores.settings(root)
    sources = [settings.folder(), *(settings.remote(name) for name in settings.remotes)]
    contents, _ = verify.read_manifests(sources, [(commit, out)])
    if out.md5 not in contents:
        raise PlumblineError(
            f"{out.path} at {commit[:9]}: its manifest {out.md5} is in no cache or remote; "
            "`plumbline verify --all-tags --repair`"
        )
    mode = file_modes.file_mode(out.executable, file_modes.umask())
    for name, md5 in contents[out.md5].items():
        repair.restore(sources, md5, target / name, mode)


def _natural(name: str) -> list[tuple[int, str]]:
    """The key that sorts numbers in names as numbers."""
    return [(int(p), "") if p.isdigit() else (-1, p) for p in re.split(r"(\d+)", name)]
