"""What validate measured of single files, kept in the cache of partitions: computed again where a file changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from plumbline.core import hashing
from plumbline.core.partition_cache import PartitionCache
from plumbline.core.usecase import Contract
from plumbline.validate.months import File

LIBRARIES = ("duckdb", "great-expectations", "numpy", "pandas", "pyarrow")
"""Whose versions can change a result."""


@dataclass
class KeptMonths:
    """Values of files by the files' md5, the contract, and whatever else they depend on."""

    usecase: Contract
    cache: PartitionCache = field(default_factory=lambda: PartitionCache(None))
    md5s: dict[str, str] = field(default_factory=dict)

    def key(self, name: str, files: Sequence[File], *parts: Any) -> str:
        """The key of the value called `name` of these files; `parts`: what else it depends on. Empty without a cache."""
        if self.cache.folder is None:
            return ""
        read = [[f.table, f.month, self._md5(f)] for f in files]
        return self.cache.key(name, self._contract, read, *parts)

    def value(
        self, name: str, files: Sequence[File], compute: Callable[[], Any], *parts: Any
    ) -> Any:
        """The JSON value called `name` of these files, kept or computed."""
        return self.cache.value(self.key(name, files, *parts), compute)

    @cached_property
    def _contract(self) -> str:
        """The md5 of the contract, whatever else the use case declares."""
        return self.cache.key({f.name: getattr(self.usecase, f.name) for f in fields(Contract)})

    def _md5(self, file: File) -> str:
        path = str(file.path)
        if path not in self.md5s:
            self.md5s[path] = hashing.md5_file(path)
        return self.md5s[path]
