"""The records of marked tests and of planted faults, in `.plumbline/score/`: one JSON file each.

A record speaks of one state of the project (`tree.state`); records of other states are not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from plumbline.core import files
from plumbline.core.errors import PlumblineError

FOLDER = Path(".plumbline") / "score"
REMEDY = "remove it and run `make score`"


@dataclass(frozen=True)
class Ran:
    """A marked test's last run. `outcome`: passed, failed or skipped; `kind`: the exception's name,
    with the phase where that is not the call itself; `when`: UTC, ISO 8601."""

    node: str
    ids: tuple[str, ...]
    outcome: str
    kind: str
    when: str
    commit: str
    state: str


@dataclass(frozen=True)
class Caught:
    """A planted fault's last run: `node` is the marked test that failed on it, with what `kind` of
    exception, or empty. `verdict`: caught, missed (all passed), or wrong (red for another reason)."""

    mutant: str
    id: str
    file: str
    verdict: str
    node: str
    kind: str
    when: str
    seconds: float
    commit: str
    state: str


def keep(path: Path, records: Iterable[Ran | Caught]) -> None:
    """Put records into the file, over those of the same name; those of other states are dropped."""
    new = list(records)
    if not new:
        return
    here = {r.state for r in new}
    old = [r for r in _read(path) if r.get("state") in here]
    by_name = {_name(r): r for r in (*old, *(asdict(r) for r in new))}
    files.write_json(path, [by_name[n] for n in sorted(by_name)])


def tests(folder: Path, state: str) -> list[Ran]:
    """The runs of marked tests in this state."""
    return [
        Ran(**{**r, "ids": tuple(r["ids"])})
        for r in _taken(folder / "tests.json", Ran.__annotations__, state)
    ]


def mutants(folder: Path, state: str) -> list[Caught]:
    """The runs of planted faults in this state."""
    return [Caught(**r) for r in _taken(folder / "mutants.json", Caught.__annotations__, state)]


def others(folder: Path, state: str) -> int:
    """How many records are of other states."""
    result = [*_read(folder / "tests.json"), *_read(folder / "mutants.json")]
    return sum(r.get("state") != state for r in result)


def _taken(path: Path, fields: Mapping[str, Any], state: str) -> list[dict[str, Any]]:
    result = _read(path)
    for record in result:
        if set(record) != set(fields):
            odd = ", ".join(sorted(set(record) ^ set(fields)))
            raise PlumblineError(f"{path}: not what the tests write ({odd}); {REMEDY}")
    return [r for r in result if r["state"] == state]


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    try:
        result = files.read_json(path)
    except PlumblineError:
        raise PlumblineError(f"{path}: damaged; {REMEDY}") from None
    if not isinstance(result, list) or not all(isinstance(r, dict) for r in result):
        raise PlumblineError(f"{path}: expected a list of records; {REMEDY}")
    return result


def _name(record: Mapping[str, Any]) -> str:
    return str(record.get("node") if "outcome" in record else record.get("mutant"))
