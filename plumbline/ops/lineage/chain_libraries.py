"""The libraries that a chain's stages ran with, as their files in environment/ name them. An edge: reads git."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from plumbline.core.hashing import md5_bytes
from plumbline.ops.lineage.chain import Chain
from plumbline.repo import revisions
from plumbline.runtime import libraries


def pins(root: Path, rev: str | None, chain: Chain) -> dict[str, str]:
    """The files' texts by path, where they are those that the stages read."""
    recorded = {f: md5 for step in chain.steps.values() for f, md5 in step.environment.items()}
    blobs = revisions.blobs(root, rev, recorded)
    return {f: d.decode(errors="replace") for f, d in blobs.items() if md5_bytes(d) == recorded[f]}


def notes(name: str | None, texts: Mapping[str, str]) -> Iterator[str]:
    """A note where the libraries are not those that are installed; `name`: None for the work tree."""
    if differing := libraries.differing(texts.values()):
        remedy = f"plumbline reproduce {name} --clean-room" if name else "make install"
        yield f"made with {libraries.some(differing)}; to run it again with those: `{remedy}`"
