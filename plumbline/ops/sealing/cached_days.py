"""The bytes of sealed days in DVC's cache, from where `dvc push` sends them. An edge: files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from plumbline.core.errors import PlumblineError
from plumbline.core.sealed_days import KINDS, SealedDay, file_name
from plumbline.repo import dvc_command, object_stores, repair


@dataclass(frozen=True)
class SealedFile:
    """A file as a place that has one object."""

    path: Path
    name: str = "the sealed file"

    @contextmanager
    def open(self, oid: str) -> Iterator[BinaryIO]:  # noqa: ARG002 (it has this object alone)
        """Its bytes as a stream."""
        with self.path.open("rb") as stream:
            yield stream


def complete(root: Path, days: Iterable[SealedDay]) -> None:
    """Copy into the cache what it lacks of these days; a file that is missing, or changed, is left to the checks of it.

    A process killed between a pointer and here leaves such a day.
    """
    cache = object_stores.settings(root).folder()
    objects = {one.md5[file_name(kind, one.day)]: one.file(kind) for one in days for kind in KINDS}
    for md5 in objects.keys() - cache.present(objects):
        with suppress(PlumblineError):  # missing or changed
            copy(root, objects[md5], md5)


def register(root: Path, pointers: Sequence[Path]) -> None:
    """Let DVC take the files for its own, so that `dvc checkout` removes them where a commit does not have them.

    PlumblineError, with what remains to be done, where DVC fails: another DVC may be at work.
    """
    names = [path.relative_to(root).as_posix() for path in pointers]
    if not names:
        return
    done = dvc_command.run(root, "commit", "--quiet", "--force", *names)
    if done.code:
        raise PlumblineError(
            f"the days are sealed, but DVC could not register them: {done.last}. Run `dvc commit --force {' '.join(names)}`"
        )


def copy(root: Path, path: Path, md5: str) -> None:
    """Copy a file into the cache; PlumblineError where its md5 is another."""
    target = Path(object_stores.settings(root).folder().locate(md5))
    repair.restore([SealedFile(path)], md5, target, repair.CACHE_MODE)
