"""Bundles by md5 beside a service, with golden events and the answers recorded for them. An edge.

`bundles/MD5/model/` is a copy of the bundle's folder, so that git, DVC and MLflow may be down. A bundle is
admitted where its copy has its md5 and scores every golden event as recorded, to the bit.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from plumbline.core import documents, dvc_hash
from plumbline.core.documents import Document
from plumbline.core.errors import BundleError, PlumblineError
from plumbline.core.files import replacing_folder
from plumbline.core.hashing import md5_files

BUNDLES, MODEL, TILES = "bundles", "model", "tiles"
EVENTS, RECORDED, ABOUT = "events.parquet", "recorded.parquet", "about.json"
COMMIT = "the commit's evaluation"
"""Who recorded the answers to the golden events of a commit's bundle."""
REMEDY = "add it again with `plumbline routes add`"
SHORTEST = 6
"""Digits of an md5 that may stand for it."""


class About(Document):
    """Where a bundle in the store comes from, and who recorded the answers to its golden events.

    `tiles`: md5 of its commit's tiles, from which its histories can be made beside those of other features.
    """

    md5: str
    origin: str
    golden: int
    recorded_by: str
    tiles: str | None = None

    @property
    def is_recorded(self) -> bool:
        """Whether a commit recorded the bundle, and with it the code of its row functions."""
        return self.recorded_by == COMMIT


@dataclass(frozen=True)
class Golden:
    """Golden events as Arrow tables: raw events with their histories, and the answers recorded for them."""

    events: Any
    recorded: Any


@dataclass(frozen=True)
class BundleStore:
    """The bundles below a service's folder."""

    folder: Path

    def model(self, md5: str) -> Path:
        """The folder of the bundle's copy."""
        return self._place(md5) / MODEL

    def known(self) -> list[str]:
        """The md5s of the bundles in the store."""
        root = self.folder / BUNDLES
        return sorted(p.name for p in root.glob("*.dir")) if root.is_dir() else []

    def about(self, md5: str) -> About:
        """Where a bundle comes from; PlumblineError where that is missing or damaged."""
        return documents.read(About, self._place(md5) / ABOUT, REMEDY)

    def golden(self, md5: str) -> Golden:
        """The golden events and their answers; BundleError where they are missing or damaged."""
        try:
            tables = (pq.read_table(self._place(md5) / name) for name in (EVENTS, RECORDED))
            golden = Golden(*tables)
        except (pa.ArrowInvalid, OSError) as error:
            reason = str(error).splitlines()[0]
            raise BundleError(
                f"{self._place(md5)}: no golden events ({reason}); {REMEDY}"
            ) from None
        if not golden.events.num_rows or golden.events.num_rows != golden.recorded.num_rows:
            raise BundleError(
                f"{self._place(md5)}: expected as many answers as golden events, at least one, found "
                f"{golden.events.num_rows} events and {golden.recorded.num_rows} answers; {REMEDY}"
            )
        return golden

    def put(
        self,
        model: Path,
        golden: Golden,
        origin: str,
        recorded_by: str,
        tiles: Path | None = None,
    ) -> str:
        """Copy a bundle's folder, its golden events and its tiles into the store; its md5. One that is there is replaced."""
        md5 = dvc_hash.md5(model)
        about = About(
            md5=md5,
            origin=origin,
            golden=golden.events.num_rows,
            recorded_by=recorded_by,
            tiles=dvc_hash.md5(tiles) if tiles else None,
        )
        with replacing_folder(self._place(md5)) as beside:
            _copy(model, beside / MODEL)
            if tiles:
                _copy(tiles, beside / TILES)
            pq.write_table(golden.events, beside / EVENTS)
            pq.write_table(golden.recorded, beside / RECORDED)
            documents.write(beside / ABOUT, about)
            check(beside / MODEL, md5)
        return md5

    def tiles(self, md5: str) -> Path:
        """The tiles of the bundle's commit; BundleError where they are not in the store, or damaged."""
        folder, about = self._place(md5) / TILES, self.about(md5)
        if about.tiles is None or not folder.is_dir():
            raise BundleError(f"bundle {md5}: its commit's tiles are not in the store; {REMEDY}")
        check(folder, about.tiles)
        return folder

    def check(self, md5: str) -> None:
        """BundleError where the bundle is not in the store, or its copy is damaged."""
        if not self.model(md5).is_dir():
            raise BundleError(f"bundle {md5}: not in {self.folder / BUNDLES}; {REMEDY}")
        check(self.model(md5), md5)

    def problem(self, md5: str) -> str:
        """What is wrong with a bundle of the store; "" where its copy and its golden events are there."""
        try:
            self.check(md5)
            self.golden(md5)
        except BundleError as error:
            return str(error)
        return ""

    def find(self, text: str) -> str | None:
        """The bundle whose md5 is `text`, or begins with it; None where there is none, or are several."""
        found = [md5 for md5 in self.known() if md5.startswith(text.removesuffix(".dir"))]
        return found[0] if len(found) == 1 and len(text) >= SHORTEST else None

    def _place(self, md5: str) -> Path:
        return self.folder / BUNDLES / md5


def check(model: Path, md5: str) -> None:
    """BundleError where a folder's md5 is another; every file in it counts, whatever .dvcignore says."""
    found = folder_md5(model)
    if found != md5:
        raise BundleError(f"{model}: damaged: expected md5 {md5}, found {found}; {REMEDY}")


def folder_md5(model: Path) -> str:
    """DVC's md5 of a folder with all its files; BundleError where one cannot be read."""
    names = {str(p): p.relative_to(model).as_posix() for p in model.rglob("*") if p.is_file()}
    digests = md5_files(list(names))
    for path, digest in digests.items():
        if isinstance(digest, OSError):
            raise BundleError(f"{path}: it cannot be read ({digest.strerror}); {REMEDY}")
    return dvc_hash.manifest_md5({names[p]: str(digest) for p, digest in digests.items()})


def refuse_different(usecase: str, recorded: Any, answers: Mapping[str, Any]) -> int:
    """How many golden events have the recorded answers; BundleError naming the first that has another."""
    for name in recorded.column_names:
        if name not in answers:
            raise BundleError(f"{usecase}: the bundle gives no {name}, which was recorded")
        before = np.asarray(recorded.column(name).to_numpy(zero_copy_only=False))
        now = np.asarray(answers[name])
        wrong = np.flatnonzero(~((before == now) | ((before != before) & (now != now))))
        if len(wrong):
            raise BundleError(
                f"{usecase}: the bundle is not admitted: {len(wrong)} of {len(now)} golden events differ: event "
                f"{wrong[0]}, {name}: recorded {shown(before[wrong[0]])}, here {shown(now[wrong[0]])}; serve it with the code and "
                "libraries of its commit, or add it again where the record is wrong"
            )
    return int(recorded.num_rows)


def shown(value: Any) -> str:
    """A value of a column, as messages have it.

    >>> shown(np.float64(0.5)), shown("box")
    ('0.5', "'box'")
    """
    return repr(value.item() if hasattr(value, "item") else value)


def _copy(model: Path, target: Path) -> None:
    """The files that DVC counts, and no others, brought to the disk."""
    root = dvc_hash.project(model)
    relative = Path(os.path.abspath(model)).relative_to(root).as_posix()
    target.mkdir()
    for name in dvc_hash.listing(root, relative):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(model / name, target / name)
        (target / name).chmod(0o644)
    if not any(target.iterdir()):
        raise PlumblineError(f"{model}: no files; run `dvc checkout`, or `dvc repro`")
