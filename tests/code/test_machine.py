"""Settings of one machine: from a file that git ignores, or from variables, and in no out."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from plumbline.core import duckdb_session, machine
from plumbline.core.errors import PlumblineError


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for variable in machine.VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def test_without_settings() -> None:
    assert machine.memory() == 4_000_000_000
    assert machine.declared_memory() is None
    assert machine.engine() == "duckdb"
    assert machine.workers() == os.cpu_count()


def test_the_file_and_the_variables_that_win_over_it(monkeypatch: pytest.MonkeyPatch) -> None:
    machine.FILE.write_text("memory: 8GB\nengine: spark://127.0.0.1:7077\nworkers: 3\n")
    assert machine.memory() == machine.declared_memory() == 8_000_000_000
    assert machine.engine() == "spark://127.0.0.1:7077"
    assert machine.workers() == 3
    monkeypatch.setenv("PLUMBLINE_MEMORY", "1.5 gib")
    monkeypatch.setenv("PLUMBLINE_ENGINE", "spark://a:7077,b.c:7078")
    monkeypatch.setenv("PLUMBLINE_WORKERS", "2")
    assert machine.memory() == 1_610_612_736
    assert machine.engine() == "spark://a:7077,b.c:7078"
    assert machine.workers() == 2


def test_an_empty_file() -> None:
    machine.FILE.write_text("# nothing here\n")
    assert machine.engine() == "duckdb"


@pytest.mark.parametrize(
    ("text", "read", "message"),
    [
        ("memroy: 8GB", machine.memory, "unknown key 'memroy'; did you mean 'memory'"),
        ("[8GB]", machine.memory, "expected keys: memory, engine, workers"),
        ("memory: [", machine.memory, "cannot be read as YAML"),
        ("memory: 8", machine.memory, "memory: got 8, expected an amount like 500MB"),
        ("memory: 20MB", machine.memory, "from 100MB to 1000TB"),
        (f"memory: {'9' * 400}TB", machine.memory, "from 100MB to 1000TB"),
        ("memory: !!int 'x'", machine.workers, "cannot be read as YAML"),
        ("memory: !!timestamp 8GB", machine.engine, "cannot be read as YAML"),
        ("engine: spark://host:99999", machine.engine, "like spark://host:7077"),
        ("engine: spark", machine.engine, "engine: got 'spark', expected duckdb, or the address"),
        ("engine: spark://host", machine.engine, "like spark://host:7077"),
        ("engine: local[2]", machine.engine, "expected duckdb, or the address"),
        ("workers: 0", machine.workers, "workers: got 0, expected a whole number from 1 to 1024"),
        ("workers: yes", machine.workers, "workers: got True, expected"),
        ("workers: 1.5", machine.workers, "workers: got 1.5, expected"),
        ("workers: 100000000000", machine.workers, "from 1 to 1024"),
    ],
)
def test_what_is_refused(text: str, read: Callable[[], object], message: str) -> None:
    machine.FILE.write_text(text)
    with pytest.raises(PlumblineError, match=r"plumbline\.local\.yaml.*") as refused:
        read()
    assert message in str(refused.value)


def test_a_variable_that_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_WORKERS", "many")
    with pytest.raises(PlumblineError, match="PLUMBLINE_WORKERS: got 'many', expected a whole"):
        machine.workers()


@pytest.mark.parametrize(("whole", "share"), [("500MB", 250), ("4GB", 3150), ("8GB", 6750)])
def test_what_duckdb_takes(monkeypatch: pytest.MonkeyPatch, whole: str, share: int) -> None:
    monkeypatch.setenv("PLUMBLINE_MEMORY", whole)
    assert duckdb_session.settings(Path("spill"))["memory_limit"] == f"{share}MB"


def test_git_ignores_the_file() -> None:
    root = Path(__file__).parents[2]
    assert subprocess.run(["git", "check-ignore", "-q", machine.FILE], cwd=root).returncode == 0


def test_too_little_memory_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_MEMORY", "100MB")
    lines = "SELECT string_agg(repeat(CAST(i AS VARCHAR), 20), ',') FROM range(10000000) t(i)"
    with (
        pytest.raises(
            PlumblineError, match=r"Out of Memory.* raise it in plumbline\.local\.yaml or"
        ),
        duckdb_session.connect(tmp_path) as connection,
    ):
        connection.execute(lines)
