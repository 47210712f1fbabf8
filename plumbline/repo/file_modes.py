"""The modes of files in the work tree, as the user's umask has them."""

from __future__ import annotations

import os


def umask() -> int:
    """What the user's umask takes from a file's mode. It is the process's: not to ask in threads."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def file_mode(executable: bool, mask: int) -> int:
    """The mode of a file of the work tree."""
    return (0o777 if executable else 0o666) & ~mask
