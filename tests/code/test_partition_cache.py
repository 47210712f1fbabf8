"""What a stage computed of a partition is kept, used where nothing it depends on changed, and never trusted unseen."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from plumbline.core import partition_cache
from plumbline.core.errors import PlumblineError
from plumbline.core.partition_cache import PartitionCache


@pytest.fixture
def kept(tmp_path: Path) -> PartitionCache:
    return PartitionCache(tmp_path / "kept", "code")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def _two_files(folder: Path) -> None:
    (folder / "rows.parquet").write_bytes(b"rows" * 100)
    (folder / "counts.json").write_text("{}")


def _never(folder: Path) -> None:
    raise AssertionError("computed again")


def test_a_partition_is_computed_once(kept: PartitionCache, out: Path, tmp_path: Path) -> None:
    key = kept.key("month", "abc")
    assert not kept.fill(key, out, _two_files)
    again = tmp_path / "again"
    again.mkdir()
    assert kept.fill(key, again, _never)
    assert {p.name: p.read_bytes() for p in again.iterdir()} == {
        p.name: p.read_bytes() for p in out.iterdir()
    }
    assert (kept.hits, kept.misses) == (1, 1)


@dataclass(frozen=True)
class _Declared:
    name: str
    function: object = None


def _one(x: int) -> int:
    return x + 1


def _two(x: int) -> int:
    return x + 2


def test_whatever_differs_makes_another_key() -> None:
    cache = PartitionCache(None, "code")
    parts = [
        *(1, 1.0, "1", True, None, [1], [[1]], {1: 1}, {"1": 1}, {1}, 0.1 + 0.2, 0.3),
        *(date(2025, 1, 1), "2025-01-01", _Declared("a"), _Declared("b")),
        *(_Declared("a", _one), _Declared("a", _two)),
    ]
    keys = {cache.key(p) for p in parts} | {cache.key(1, 2), cache.key([1, 2])}
    assert len(keys) == len(parts) + 2
    assert cache.key({"a", "b"}) == cache.key({"b", "a"})
    assert PartitionCache(None, "other code").key(1) not in keys


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        *(("rows.parquet", b"rows" * 99 + b"rowz"), ("rows.parquet", b""), ("counts.json", None)),
        *(("entry.json", b"{"), ("entry.json", b"[]"), ("entry.json", b'{"../../x": "0"}')),
        ("entry.json", None),
    ],
)
def test_a_damaged_entry_is_computed_again(
    kept: PartitionCache, out: Path, name: str, damage: bytes | None
) -> None:
    key = kept.key("month")
    kept.fill(key, out, _two_files)
    file = next((kept.folder or Path()).rglob(name))
    file.unlink()
    if damage is not None:
        file.write_bytes(damage)
    assert not kept.fill(key, out, _two_files)
    assert sorted(p.name for p in out.iterdir()) == ["counts.json", "rows.parquet"]
    assert (out / "rows.parquet").read_bytes() == b"rows" * 100
    assert kept.fill(key, out, _never)


def test_a_computation_that_fails_leaves_nothing(kept: PartitionCache, out: Path) -> None:
    def half(folder: Path) -> None:
        _two_files(folder)
        raise ValueError("stopped")

    with pytest.raises(ValueError, match="stopped"):
        kept.fill(kept.key("month"), out, half)
    assert not list(out.iterdir())
    assert not kept.restore(kept.key("month"), out)


def test_what_was_used_longest_ago_goes_first(kept: PartitionCache, out: Path) -> None:
    keys = [kept.key(n) for n in range(4)]
    for age, key in enumerate(keys):
        kept.fill(key, out, _two_files)
        os.utime(kept._entry(key), (age, age))
    kept.restore(keys[0], out)
    kept.trim(limit=1200)
    assert [kept.restore(key, out) for key in keys] == [True, False, False, True]


def test_a_disk_without_space_stops_no_stage(kept: PartitionCache, out: Path) -> None:
    assert kept.folder
    kept.folder.write_text("no folder can be made here")
    assert not kept.fill(kept.key("month"), out, _two_files)
    assert (out / "rows.parquet").exists()
    kept.trim()


def _fails(code: int) -> Callable[..., None]:
    def fail(*given: object, **named: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_removes_no_entry(
    kept: PartitionCache, out: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    key = kept.key("month")
    kept.fill(key, out, _two_files)
    with monkeypatch.context() as patched:
        patched.setattr(partition_cache.hashing, "copy", _fails(code))
        assert not kept.restore(key, out)
    assert kept.fill(key, out, _never)


def test_entries_of_a_read_only_folder_are_used(
    kept: PartitionCache, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = kept.key("month")
    kept.fill(key, out, _two_files)
    monkeypatch.setattr(partition_cache.os, "utime", _fails(errno.EROFS))
    assert kept.fill(key, out, _never)


def test_a_value_is_used_though_it_cannot_be_written(
    kept: PartitionCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "write_text", _fails(errno.ENOSPC))
    assert kept.value(kept.key("keys"), lambda: {"rows": 3}) == {"rows": 3}


def test_trimming_beside_another_process_stops_no_stage(
    kept: PartitionCache, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.fill(kept.key("month"), out, _two_files)
    monkeypatch.setattr(partition_cache, "_sweep", _fails(errno.ENOENT))
    kept.trim(limit=0)


def test_only_entries_are_cleared(kept: PartitionCache, out: Path) -> None:
    assert kept.folder
    kept.fill("a" * 32, out, _two_files)
    assert partition_cache.size(kept.folder) > 400
    names = ("notes.txt", "aa/notes.txt", "de/photo.jpg", "ab/" + "c" * 30)
    others = [kept.folder / name for name in names]
    for path in others:
        path.parent.mkdir(exist_ok=True)
        path.write_text("not a partition")
    kept.trim(limit=0)
    partition_cache.clear(kept.folder)
    assert partition_cache.size(kept.folder) == 0
    assert not kept.restore("a" * 32, out)
    assert all(path.is_file() for path in others)


def test_where_partitions_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(partition_cache.PARTITIONS, raising=False)
    assert partition_cache.place() is None  # no project
    (tmp_path / "dvc.yaml").touch()
    assert partition_cache.place() == Path(".plumbline/partitions")
    monkeypatch.setenv(partition_cache.PARTITIONS, str(tmp_path))
    assert partition_cache.place() == tmp_path
    monkeypatch.setenv(partition_cache.PARTITIONS, "OFF")
    assert partition_cache.of_stage("validate").folder is None
    monkeypatch.setenv(partition_cache.PARTITIONS, "no")
    with pytest.raises(PlumblineError, match="PLUMBLINE_PARTITIONS: got 'no', expected 'off' or"):
        partition_cache.place()


def test_the_code_is_part_of_every_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(partition_cache.PARTITIONS, str(tmp_path))
    stages = [partition_cache.of_stage(s) for s in ("data", "validate", "data")]
    keys = [one.key("month") for one in stages]
    keys.append(partition_cache.of_stage("data", ["pandas"]).key("month"))
    assert keys[0] == keys[2]
    assert len(set(keys)) == 3
