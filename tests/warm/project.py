"""The project's own modules, imported once and handed to the commands of clones that hold the same bytes.

A command whose `plumbline/` differs in any file, or that finds none, imports for itself; so do all where
ROOT's cannot be imported.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

NAME = "plumbline"
ROOT = str(Path(__file__).resolve().parents[2])
Place = tuple[ModuleType, str, type[str] | type[Path]]
"""A module, the name of a path in it, and the path's type."""


class Imported:
    """The modules of `plumbline` as they stand in ROOT, and the bytes that they were imported from."""

    def __init__(self) -> None:
        self.files = dict(_files(f"{ROOT}/{NAME}"))
        sys.path.insert(0, ROOT)
        try:
            _import_all()
        except Exception:  # noqa: BLE001 (whatever a module that is being written does)
            self.files.clear()
        sys.path.remove(ROOT)
        self.modules = {n: m for n, m in sys.modules.items() if n.partition(".")[0] == NAME}
        self.places = [place for module in self.modules.values() for place in _places(module)]

    def hand(self, path: Sequence[str], main: str) -> None:
        """Leave them to a command that would import the same from `path`; else take them out.

        `main`: the module that the command runs, which Python does not expect to be there.
        """
        places = (os.path.abspath(folder) for folder in path)
        root = next((p for p in places if os.path.isdir(f"{p}/{NAME}")), None)
        if main != "dvc" and root and self.same(f"{root}/{NAME}"):
            self.move(root)
            sys.modules.pop(main if "." in main else "", None)
        else:
            for name in self.modules:
                del sys.modules[name]

    def same(self, folder: str) -> bool:
        """Whether a folder has these files and no other."""
        left = self.files.copy()
        return all(left.pop(name, None) == data for name, data in _files(folder)) and not left

    def move(self, root: str) -> None:
        """Let each module's file, folders and paths be those below `root`."""
        if root == ROOT:
            return
        for module in self.modules.values():
            module.__file__ = root + str(module.__file__).removeprefix(ROOT)
            if hasattr(module, "__path__"):
                module.__path__ = [root + folder.removeprefix(ROOT) for folder in module.__path__]
        real = os.path.realpath(root)
        for module, name, kind in self.places:
            setattr(module, name, kind(real + str(getattr(module, name)).removeprefix(ROOT)))


def _files(folder: str) -> Iterator[tuple[str, bytes]]:
    """Each file below a folder, but for compiled ones."""
    stack = [""]
    while stack:
        part = stack.pop()
        for entry in os.scandir(folder + part):
            name = f"{part}/{entry.name}"
            if entry.is_dir() and entry.name != "__pycache__":
                stack.append(name)
            elif entry.is_file():
                with open(entry.path, "rb", 0) as file:
                    yield name, file.read()


def _import_all() -> None:
    package = importlib.import_module(NAME)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in pkgutil.walk_packages(package.__path__, f"{NAME}."):
            if not module.name.endswith(".__main__"):
                importlib.import_module(module.name)
    importlib.import_module(f"{NAME}.cli.app").command_line()  # both are made once in a process
    importlib.import_module(f"{NAME}.report.html")._macro("title")


def _places(module: ModuleType) -> Iterator[Place]:
    """Paths below ROOT that a module made when it was imported."""
    for name, value in vars(module).items():
        text = str(value) if isinstance(value, str | Path) else ""
        if text.startswith(f"{ROOT}/") and not name.startswith("__"):
            yield module, name, Path if isinstance(value, Path) else str
