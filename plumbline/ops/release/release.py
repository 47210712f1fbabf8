"""A tag made into a release: its objects pushed and proved, its bundles packed. An edge: git, DVC."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.core.files import replacing_folder
from plumbline.model import admission, usecase_file
from plumbline.ops.release import archives
from plumbline.repo import artifacts, clones, dvc_command, object_stores, revisions, verify
from plumbline.repo.verify import IntegrityFinding
from plumbline.review import revision
from plumbline.runtime import child_process, dvc_lock

SBOM = "sbom.cdx.json"
HASHES = "BUNDLESUMS"
"""The hash of each bundle, which admits its functions (`plumbline score --admit`)."""
LINES = 20

log = logging.getLogger("plumbline")


def release(root: Path, tag: str, target: Path) -> list[Path]:
    """Push, prove, pack; the files in the folder `target`, which is written whole or not at all.

    PlumblineError where the tag is not there or has no model, an object of any tag is missing or bad
    on the remote, or the tag does not come back whole in a clone that has nothing but the remote.
    """
    named = revision.side(root, _ref(root, tag)).entries
    bundles = {
        n: artifacts.bundle(dvc_lock.of(named, n), n) for n in sorted(dvc_lock.usecases(named))
    }
    paths = {name: pair[0] for name, pair in bundles.items() if pair}
    if not paths:
        raise PlumblineError(f"{tag}: its dvc.lock names no model (no stage 'train'); tag another")
    push(root, tag)
    with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
        clone = restored(root, tag, Path(folder) / "clone")
        with replacing_folder(target) as beside:
            for name, path in paths.items():
                log.info("release: packing %s", path)
                stem = f"{name}-{tag}"
                archives.pack(clone / path, stem, beside / f"{stem}.tar.gz")
            _admission(clone, tag, paths, beside / HASHES)
            _sbom(clone, tag, beside / SBOM)
            sums = archives.sums(beside.iterdir())
            (beside / archives.SUMS).write_text(sums, encoding="utf-8")
    return sorted(target.iterdir())


def push(root: Path, tag: str) -> None:
    """Every tag's objects from the cache to the remotes, and the remotes' bytes hashed."""
    settings = object_stores.settings(root)
    if not settings.default:
        raise PlumblineError(
            "no default remote, where a release's objects must be: `dvc remote add -d NAME URL`"
        )
    log.info("release: pushing the objects of all tags to %s", settings.default)
    with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
        clone = clones.clone(root, _ref(root, tag), Path(folder) / "clone", cache=settings.cache)
        pushed = dvc_command.run(clone, "push", "-q", "--all-tags")
    tags = [f"refs/tags/{name}" for name in revisions.tags(root)]
    findings = [f for f in verify.check(settings, tags, ("remote",)).findings if f.where != "git"]
    if findings:
        raise PlumblineError(_refused(findings))
    if pushed.code:
        raise PlumblineError(f"dvc push --all-tags failed:\n{pushed.last}")


def restored(root: Path, tag: str, target: Path) -> Path:
    """A clone at the tag, its outs fetched from the remote into an empty cache, every byte hashed."""
    clone = clones.clone(root, _ref(root, tag), target)
    log.info("release: restoring %s in a fresh clone", tag)
    pulled = dvc_command.run(clone, "pull", "-q")
    findings = verify.check(object_stores.settings(clone), where=("workspace", "cache")).findings
    if findings:
        raise PlumblineError(f"{tag}: not restored in a fresh clone: {_listed(findings)}")
    if pulled.code:
        raise PlumblineError(f"{tag}: dvc pull failed in a fresh clone:\n{pulled.last}")
    return clone


def _ref(root: Path, tag: str) -> str:
    ref = f"refs/tags/{tag}"
    if tag not in revisions.tags(root):
        raise PlumblineError(f"'{tag}': no such tag; `git tag {tag}` and push it, or see `git tag`")
    return ref


def _refused(findings: Sequence[IntegrityFinding]) -> str:
    return (
        f"not released: {_listed(findings)}; run `dvc push --all-tags` where the objects are, or "
        "`plumbline verify --all-tags --repair`"
    )


def _listed(findings: Sequence[IntegrityFinding], most: int = 5) -> str:
    shown = [
        f"{f.where}: {f.use.path} is {f.kind}"
        + (f" at {f.use.rev.removeprefix('refs/tags/')}" if f.use.rev else "")
        + f" ({f.use.oid})"
        for f in findings[:most]
    ]
    more = f" and {len(findings) - most} more" if len(findings) > most else ""
    return "; ".join(shown) + more


def _admission(clone: Path, tag: str, paths: Mapping[str, str], target: Path) -> None:
    """The hash of each bundle with a use case in it; no file where there is none."""
    folders = {name: clone / path for name, path in paths.items()}
    with_code = {n: f for n, f in folders.items() if (f / usecase_file.FILE).is_file()}
    text = "".join(f"{admission.digest(f)}  {n}-{tag}\n" for n, f in sorted(with_code.items()))
    if text:
        target.write_text(text, encoding="utf-8")


def _sbom(clone: Path, tag: str, target: Path) -> None:
    """The locked dependencies as a CycloneDX bill of materials, the same bytes for the same lock."""
    lock = clone / "requirements.txt"
    if not lock.is_file():
        raise PlumblineError(f"{tag}: no requirements.txt there, which the bill of materials lists")
    arguments = [sys.executable, "-m", "cyclonedx_py", "requirements", str(lock)]
    arguments += ["--output-reproducible", "--of", "JSON", "-o", str(target.absolute())]
    lines: list[str] = []
    if child_process.run(arguments, clone, os.environ, lines.append):
        raise PlumblineError("cyclonedx-py failed:\n" + "\n".join(lines[-LINES:]))
