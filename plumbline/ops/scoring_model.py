"""Which bundle scores a file, and the tiles that its histories go on from: of the checkout, a commit, a file. An edge."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from plumbline.core.dvc_hash import MD5
from plumbline.core.errors import BundleError, PlumblineError, suggest
from plumbline.model import bundle
from plumbline.ops import packed_bundle
from plumbline.ops.lineage import target
from plumbline.repo import artifacts, restored_outs, revisions
from plumbline.repo.artifacts import Role
from plumbline.repo.tracked_outs import Out
from plumbline.runtime import dvc_yaml

INDEX = "tiles.json"


@dataclass(frozen=True)
class ScoringModel:
    """A bundle's folder, and the folder of the tiles of its commit, None where there are none. `name`: as a person
    would call it."""

    folder: Path
    tiles: Path | None
    name: str


@contextmanager
def chosen(root: Path, model: str | None, usecase: str | None) -> Iterator[ScoringModel]:
    """The bundle called `model`: a folder, an archive of a release, a bundle's md5, a git revision; None for the
    checkout's.

    `usecase`: whose, where a commit has several. PlumblineError where there is none of that name.
    """
    if model is None:
        yield _here(root, usecase)
    elif Path(model).exists():
        with packed_bundle.opened(Path(model)) as folder:
            yield ScoringModel(folder, _own_tiles(root, folder), model)
    else:
        with tempfile.TemporaryDirectory(prefix="plumbline-") as scratch:
            yield _recorded(root, model, usecase, Path(scratch))


def _here(root: Path, usecase: str | None) -> ScoringModel:
    names = list(_declared(root))
    name = _only(names, usecase, "params.yaml")
    folder = artifacts.path(name, Role.BUNDLE, root)
    if not folder.is_dir():
        raise BundleError(f"{folder}: no such folder; run `dvc checkout`, or `dvc repro`")
    return ScoringModel(folder, _tiles(root, name), f"{folder}")


def _declared(root: Path) -> Sequence[str]:
    from plumbline import config

    path = root / config.FILE
    if not path.is_file() or not (root / dvc_yaml.FILE).is_file():
        raise PlumblineError(
            f"no {dvc_yaml.FILE} and {config.FILE} in {root.absolute()}; run in a project's root, or name the bundle "
            "with --model"
        )
    return config.selected([], path)


def _own_tiles(root: Path, folder: Path) -> Path | None:
    """The checkout's tiles of the use case of a bundle that lies somewhere."""
    if not (root / dvc_yaml.FILE).is_file() or not (folder / bundle.MANIFEST).is_file():
        return None
    return _tiles(root, bundle.described(folder)[0].usecase)


def _tiles(root: Path, name: str) -> Path | None:
    relative = artifacts.declared(name, Role.TILES, root)
    path = root / relative if relative else None
    return path if path and (path / INDEX).is_file() else None


def _recorded(root: Path, model: str, usecase: str | None, scratch: Path) -> ScoringModel:
    """A bundle that a commit records, with the tiles beside it, from DVC's cache or its default remote."""
    if MD5.fullmatch(model.lower()):
        found = target.by_md5(root, model.lower(), "no bundle of any commit has that md5")
        rev, out = found.rev, found.out
        if out.stage.partition("@")[0] != Role.BUNDLE.stage:
            raise PlumblineError(f"{model}: {out.path} of stage {out.stage}, which is no bundle")
        name = out.stage.partition("@")[2]
    else:
        rev = revisions.commit(root, model)
        bundles = artifacts.by_usecase(revisions.outs(root, rev), Role.BUNDLE)
        name = _only(list(bundles), usecase, f"{model}'s dvc.lock")
        out = bundles[name]
    restored_outs.restore(root, out, scratch / "model")
    tiles = artifacts.by_usecase(revisions.outs(root, rev), Role.TILES).get(name)
    return ScoringModel(
        scratch / "model", _restored(root, tiles, scratch), f"{out.path} of {model}"
    )


def _restored(root: Path, tiles: Out | None, scratch: Path) -> Path | None:
    if tiles is None:
        return None
    restored_outs.restore(root, tiles, scratch / "tiles")
    return scratch / "tiles"


def _only(names: Sequence[str], usecase: str | None, where: str) -> str:
    """The use case of that name, or the only one; PlumblineError with the choices."""
    if usecase is not None and usecase in names:
        return usecase
    if usecase is not None:
        raise PlumblineError(f"{where}: no bundle of '{usecase}'; {suggest(usecase, names)}")
    if len(names) == 1:
        return names[0]
    if not names:
        raise PlumblineError(f"{where}: no bundle; name one with --model")
    raise PlumblineError(
        f"{where} has several use cases; say which with --usecase: {', '.join(names)}"
    )
