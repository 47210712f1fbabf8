"""Which bundle scores: of the checkout, a revision, an md5; and the tiles that its commit recorded with it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from plumbline.core import dvc_hash, hashing
from plumbline.core.errors import PlumblineError
from plumbline.ops import scoring_model

GRAPH: dict[str, Any] = {
    "stages": {
        name: {
            "matrix": {"usecase": "${usecases}"},
            "cmd": f"make {out}/${{item.usecase}}",
            "outs": [f"{out}/${{item.usecase}}{last}"],
        }
        for name, out, last in (("features", "data", "/tiles"), ("train", "models", ""))
    }
}


def git(folder: Path, *words: str) -> str:
    settings = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "gc.auto=0"]
    done = subprocess.run(
        ["git", *settings, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def record(root: Path, version: int, *names: str) -> dict[str, str]:
    """A commit whose dvc.lock records a bundle and tiles of each use case; the bundles' md5s."""
    lock: dict[str, Any] = {"schema": "2.0", "stages": {}}
    md5s = {}
    for name in names:
        for stage, path in (("features", f"data/{name}/tiles"), ("train", f"models/{name}")):
            folder = root / path
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            inside = "tiles.json" if stage == "features" else "bundle.json"
            (folder / inside).write_text(f"{stage} {name} {version}")
            md5 = keep(root, folder)
            lock["stages"][f"{stage}@{name}"] = {
                "cmd": "make",
                "outs": [{"path": path, "hash": "md5", "md5": md5, "size": 1, "nfiles": 1}],
            }
            md5s[name] = md5
    (root / "dvc.lock").write_text(yaml.safe_dump(lock))
    (root / "params.yaml").write_text(
        yaml.safe_dump({"usecases": list(names)} | {n: {} for n in names})
    )
    git(root, "add", "-A")
    git(root, "commit", "-qm", f"v{version}")
    return md5s


def keep(root: Path, folder: Path) -> str:
    """Put a folder's files into DVC's cache; its md5."""
    listing = []
    for path in folder.iterdir():
        md5 = hashing.md5_file(str(path))
        put(root, str(md5), path.read_bytes())
        listing.append({"md5": md5, "relpath": path.name})
    text = json.dumps(listing, sort_keys=True).encode()
    oid = dvc_hash.md5(folder)
    put(root, oid, text)
    return oid


def put(root: Path, oid: str, data: bytes) -> None:
    target = root / ".dvc" / "cache" / "files" / "md5" / oid[:2] / oid[2:]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Two commits of one use case, then one of two; the first bundle's md5 by use case."""
    root = tmp_path_factory.mktemp("project")
    git(root, "init", "-q", "-b", "main")
    (root / ".dvc").mkdir()
    (root / ".dvc" / "config").write_text("")
    (root / ".gitignore").write_text("/data\n/models\n/.dvc/cache\n")
    (root / "dvc.yaml").write_text(yaml.safe_dump(GRAPH))
    first = record(root, 1, "toy")
    git(root, "tag", "v1")
    record(root, 2, "toy")
    git(root, "tag", "v2")
    record(root, 3, "toy", "other")
    return root, first


def texts(root: Path, model: str | None, usecase: str | None = None) -> tuple[str, str | None]:
    with scoring_model.chosen(root, model, usecase) as one:
        tiles = (one.tiles / "tiles.json").read_text() if one.tiles else None
        return (one.folder / "bundle.json").read_text(), tiles


def test_a_revision_or_an_md5_brings_bundle_and_tiles_of_its_commit(
    project: tuple[Path, dict[str, str]],
) -> None:
    root, first = project
    for name in ("v1", first["toy"], first["toy"].removesuffix(".dir"), first["toy"].upper()[:32]):
        assert texts(root, name) == ("train toy 1", "features toy 1")
    assert texts(root, "v2") == ("train toy 2", "features toy 2")
    assert texts(root, "HEAD", "other") == ("train other 3", "features other 3")
    assert texts(root, None, "toy") == ("train toy 3", "features toy 3")


@pytest.mark.parametrize(
    ("model", "usecase", "message"),
    [
        (None, None, r"params\.yaml has several use cases; say which with --usecase: toy, other"),
        (None, "toi", r"params\.yaml: no bundle of 'toi'; did you mean 'toy'"),
        ("HEAD", None, r"HEAD's dvc\.lock has several use cases"),
        ("v1", "other", r"v1's dvc\.lock: no bundle of 'other'"),
        ("v9", None, "v9"),
        ("0" * 32, None, "no bundle of any commit has that md5"),
    ],
)
def test_what_is_not_there_is_named(
    project: tuple[Path, dict[str, str]], model: str | None, usecase: str | None, message: str
) -> None:
    with pytest.raises(PlumblineError, match=message):
        texts(project[0], model, usecase)


def test_an_object_that_is_gone_or_damaged_is_named(
    project: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    root = tmp_path / "copy"
    shutil.copytree(project[0], root)
    md5 = hashing.md5_bytes(b"train toy 1")
    put(root, md5, b"forged")
    with pytest.raises(PlumblineError, match=md5):
        texts(root, "v1")


def test_outside_of_a_project_a_bundle_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(PlumblineError, match="run in a project's root, or name the bundle"):
        texts(tmp_path, None)
