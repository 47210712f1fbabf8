"""Where records of a run belong: in the checkout, also when DVC runs an experiment in a folder that it deletes."""

from __future__ import annotations

from pathlib import Path

TEMPORARY = (".dvc", "tmp", "exps")
"""Below it `dvc exp run --temp` and `--queue` make their copies of the project."""


def main(root: Path = Path(".")) -> Path:
    """The project's own folder; of a temporary copy that DVC made, the one that it was made in.

    >>> main(Path("/home/me/shop/.dvc/tmp/exps/tmp1x2y")).as_posix()
    '/home/me/shop'
    """
    parts = root.resolve().parts
    places = (i for i in range(len(parts)) if parts[i : i + len(TEMPORARY)] == TEMPORARY)
    first = next(places, None)
    return root if first is None else Path(*parts[:first])
