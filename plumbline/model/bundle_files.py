"""The files of a bundle, read and checked one by one. An edge: reads files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plumbline.core import dvc_hash
from plumbline.core.errors import BundleError, suggest
from plumbline.model import library, manifest
from plumbline.model.manifest import Manifest

MODEL = "model.ubj"
MANIFEST = "bundle.json"


def read_manifest(path: Path) -> Manifest:
    """bundle.json of the bundle in the folder `path`; BundleError where it or the trees are missing."""
    for name in (MANIFEST, MODEL):
        _check_file(path, name)
    try:
        return manifest.parse((path / MANIFEST).read_text(encoding="utf-8", errors="replace"))
    except ValueError as error:
        raise BundleError(f"{path / MANIFEST}: {error}") from None


def _check_file(path: Path, name: str) -> None:
    if (path / name).is_file():
        return
    if not path.is_dir():
        raise BundleError(f"{path}: no bundle here; run `dvc checkout`, or `dvc repro`")
    others = [p.name for p in path.iterdir()]
    hint = suggest(name, others) if others else "the folder is empty"
    raise BundleError(f"{path}: no {name}; {hint}. Restore the bundle with `dvc checkout`")


def check_usecase(path: Path, contents: Manifest, usecase: str | None) -> None:
    """BundleError unless the bundle is of `usecase`; None: of any."""
    if usecase is not None and contents.usecase != usecase:
        raise BundleError(
            f"{path}: the bundle is of use case '{contents.usecase}', expected '{usecase}'; "
            "give the folder of that use case's model"
        )


def check_md5(path: Path, expected: str) -> None:
    """BundleError unless the file has this md5."""
    result = dvc_hash.md5(path)
    if result != expected:
        raise BundleError(
            f"{path}: md5 {result}, expected {expected}: damaged, or of another bundle; "
            "restore it with `dvc checkout`"
        )


def booster(path: Path, contents: Manifest, threads: int) -> Any:
    """XGBoost's trees, whose features are those of the manifest; BundleError otherwise."""
    library.load()
    import xgboost

    trees = xgboost.Booster({"nthread": threads})
    try:
        trees.load_model(path)
    except ValueError as error:  # XGBoostError, and UnicodeDecodeError where it quotes binary input
        reason = str(error).splitlines()[0]
        raise BundleError(f"{path}: not a model that XGBoost reads ({reason})") from None
    names = tuple(trees.feature_names or ())
    if names != contents.order:
        differing = sorted(set(contents.order) ^ set(names)) or ["(another order)"]
        raise BundleError(
            f"{path}: its {len(names)} features are not the {len(contents.order)} of {MANIFEST}: "
            f"{', '.join(differing)}; restore the bundle with `dvc checkout`"
        )
    return trees
