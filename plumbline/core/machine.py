"""Settings of one machine: memory, engine, workers. They change how fast an out is made, never an out.

They stand in `plumbline.local.yaml` at the project's root, which git ignores, or in variables, which win over it.
No stage writes them, and nothing hashes them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import yaml

from plumbline.core.errors import PlumblineError, suggest

FILE = Path("plumbline.local.yaml")
VARIABLES = {
    "memory": "PLUMBLINE_MEMORY",
    "engine": "PLUMBLINE_ENGINE",
    "workers": "PLUMBLINE_WORKERS",
}
"""By key of the file, the environment variable that wins over it."""
MEMORY = "4GB"
"""The memory of a stage where neither says another."""
DUCKDB = "duckdb"
AMOUNT = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) ?([KMGT])(i?)B", re.IGNORECASE)
ENGINE = re.compile(rf"{DUCKDB}|spark://[\w.\[\]-]+(:\d{{1,5}})(,[\w.\[\]-]+(:\d{{1,5}}))*")
MOST_WORKERS = 1024
LEAST, MOST = 10**8, 10**15
"""Bytes; with less, no stage can start, and more no machine has."""
MOST_PORT = 65_535
UNREADABLE = (OSError, ValueError, AttributeError, yaml.YAMLError)
"""What reading YAML raises; ValueError and AttributeError for a tag that does not go with its value."""
Parsed = TypeVar("Parsed")


def memory() -> int:
    """Bytes that a stage may take in all: DuckDB, Arrow and Python together."""
    return declared_memory() or amount(MEMORY, "")


def declared_memory() -> int | None:
    """`memory` where the machine sets one; PlumblineError where it is no amount."""
    return _setting("memory", amount)


def engine() -> str:
    """`duckdb`, or the address of a Spark master, for stages and commands that can use one."""
    return _setting("engine", _engine) or DUCKDB


def workers() -> int:
    """Processes that work side by side; as many as processors where the machine sets none."""
    return _setting("workers", _workers) or os.cpu_count() or 1


def _setting(key: str, parse: Callable[[object, str], Parsed]) -> Parsed | None:
    """The variable's value, or the file's; None where neither has one."""
    variable = VARIABLES[key]
    if variable in os.environ:
        return parse(os.environ[variable], variable)
    value = _file().get(key)
    return None if value is None else parse(value, f"{FILE}, {key}")


def _file() -> dict[str, Any]:
    """The file's keys; PlumblineError for one that is not known, and for what is no YAML."""
    try:
        whole = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except UNREADABLE as error:
        reason = " ".join(str(error).split())
        raise PlumblineError(f"{FILE}: cannot be read as YAML: {reason}; correct it") from None
    if whole is None:
        return {}
    if not isinstance(whole, dict):
        raise PlumblineError(f"{FILE}: got {whole!r:.80}, expected keys: {', '.join(VARIABLES)}")
    for key in whole:
        if key not in VARIABLES:
            raise PlumblineError(f"{FILE}: unknown key {key!r}; {suggest(str(key), VARIABLES)}")
    return whole


def amount(value: object, where: str) -> int:
    """Bytes of a text like 4GB; PlumblineError, naming `where` it stands, for one that is no amount or out of range."""
    size = _bytes(value.strip()) if isinstance(value, str) else 0
    if not LEAST <= size <= MOST:
        expected = "an amount like 500MB or 4GB, from 100MB to 1000TB"
        raise _refused(where, value, expected, MEMORY)
    return size


def _bytes(amount: str) -> int:
    """0 for what is no amount."""
    parts = AMOUNT.fullmatch(amount)
    if not parts:
        return 0
    number, unit, binary = parts.groups()
    base = 1024 if binary else 1000
    return int(float(number) * base ** ("KMGT".index(unit.upper()) + 1))


def _engine(value: object, where: str) -> str:
    address = value.strip() if isinstance(value, str) else ""
    ports = [int(port) for port in re.findall(r":(\d+)", address)]
    if ENGINE.fullmatch(address) and all(0 < port <= MOST_PORT for port in ports):
        return address
    expected = "duckdb, or the address of a Spark master like spark://host:7077"
    raise _refused(where, value, expected, DUCKDB)


def _workers(value: object, where: str) -> int:
    text = str(value).strip()
    if not isinstance(value, bool) and text.isascii() and text.isdigit():
        number = int(text[:9])
        if 1 <= number <= MOST_WORKERS:
            return number
    expected = f"a whole number from 1 to {MOST_WORKERS}"
    raise _refused(where, value, expected, "as many as processors")


def _refused(where: str, value: object, expected: str, default: str) -> PlumblineError:
    return PlumblineError(
        f"{where}: got {value!r:.80}, expected {expected}; correct it, or remove it for {default}"
    )
