"""Locales that a machine need not have: compiled into a folder from the system's sources."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def locale(folder: Path, name: str) -> dict[str, str]:
    """Variables that set the locale, like "tr_TR"; empty where it cannot be compiled here."""
    folder.mkdir(parents=True, exist_ok=True)
    words = ["localedef", "-i", name, "-f", "UTF-8", str(folder / f"{name}.UTF-8")]
    if not shutil.which("localedef") or subprocess.run(words, capture_output=True).returncode:
        return {}
    return {"LC_ALL": f"{name}.UTF-8", "LOCPATH": str(folder)}
