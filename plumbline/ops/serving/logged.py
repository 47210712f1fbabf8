"""The prediction log of a project's service. An edge: looks at folders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from plumbline.core.errors import PlumblineError, suggest
from plumbline.ops.serving import places, sealed_events
from plumbline.ops.serving.sealed_events import SealedAbout
from plumbline.serve.log import files_read
from plumbline.serve.log.description import LogDescription
from plumbline.serve.log.reader import AnyRow, LoggedRow, LogReader
from plumbline.serve.protocols import Key, LoggedEvent, LoggedOutcome

LOG = "log"


@dataclass(frozen=True)
class ServedEvent:
    """An event that a service answered, its shadows' scores, and what became of it, as far as is known.

    `log`: the folder of the log, or the file of a sealed day, from the project's root.
    """

    usecase: str
    log: str
    row: LoggedEvent
    description: LogDescription
    shadows: list[LoggedEvent]
    outcomes: list[LoggedOutcome]


def place(root: Path, usecase: str) -> Path:
    """Where the log of a use case lies."""
    return places.folder(root, usecase) / LOG


def names(root: Path) -> list[str]:
    """The use cases that have a log."""
    services = root / places.FOLDER
    logs = services.glob(f"*/{LOG}") if services.is_dir() else ()
    return sorted(log.parent.name for log in logs if files_read.has_log(log))


def served_names(root: Path) -> list[str]:
    """The use cases that have a log or sealed days."""
    return sorted({*names(root), *sealed_events.names(root)})


def open_log(root: Path, usecase: str) -> LogReader:
    """The log of a use case; PlumblineError where nothing was served."""
    if not files_read.has_log(place(root, usecase)):
        known = names(root)
        hint = suggest(usecase, known) if known else f"`plumbline serve {usecase}` begins one"
        raise PlumblineError(f"{place(root, usecase)}: no prediction log; {hint}")
    return LogReader(place(root, usecase))


def find(
    root: Path, usecase: str | None, request_id: str | None, key: str | None
) -> list[ServedEvent]:
    """The events of a request, of a key, or of a key in a request, by sequence; [] where none was served.

    `usecase`: None looks into every log of the project. A request's events are those of the last one of its id. What the
    log has no longer is looked for in sealed days.
    """
    found: list[ServedEvent] = []
    for name in [n for n in served_names(root) if usecase in (None, n)]:
        own = _in_log(root, name, request_id, key) if name in names(root) else []
        found += own or _in_sealed_days(root, name, request_id, key)
    return found


def _in_log(root: Path, name: str, request_id: str | None, key: str | None) -> list[ServedEvent]:
    reader = open_log(root, name)
    listed = _of_key(reader, key) if request_id is None else reader.described_request(request_id)
    return [
        _served(root, name, reader, one) for one in listed if _is_wanted(one.row, request_id, key)
    ]


def _in_sealed_days(
    root: Path, name: str, request_id: str | None, key: str | None
) -> list[ServedEvent]:
    about = sealed_events.about(root, name, request_id, key)
    return [
        ServedEvent(
            usecase=name,
            log=one.file.relative_to(root).as_posix(),
            row=one.row,
            description=one.description,
            shadows=[
                s.row for s in about.events if s.row.mode == "shadow" and s.row.key == one.row.key
            ],
            outcomes=_outcomes(root, name, about, one.row.key),
        )
        for one in about.events
        if _is_wanted(one.row, request_id, key)
    ]


def _outcomes(root: Path, name: str, about: SealedAbout, key: Key) -> list[LoggedOutcome]:
    """What became of an event by sealed days, and by what of the log is not sealed yet."""
    sealed = [one for one in about.outcomes if one.key == key]
    known = {one.sequence for one in sealed}
    listed = open_log(root, name).of_key(key) if name in names(root) else []
    rest = [o for o in listed if isinstance(o, LoggedOutcome) and o.sequence not in known]
    return sorted([*sealed, *rest], key=lambda one: one.sequence)


def _is_wanted(row: LoggedRow, request_id: str | None, key: str | None) -> bool:
    """Whether a row is a live answer to the request, about the key."""
    live = isinstance(row, LoggedEvent) and row.mode == "live"
    return live and request_id in (None, row.request_id) and key in (None, str(row.key))


def require(
    root: Path, usecase: str | None, request_id: str | None, key: str | None
) -> list[ServedEvent]:
    """As `find`; PlumblineError where none was served."""
    found = find(root, usecase, request_id, key)
    if found:
        return found
    wanted = [f"the key {key}"] if key is not None else []
    wanted += [f"the request {request_id}"] if request_id is not None else []
    logs = ", ".join(served_names(root)) or "no use case has one"
    raise PlumblineError(
        f"{' in '.join(wanted)}: not in the prediction log of {usecase or 'any use case'}, nor in its sealed days (logs: "
        f"{logs}); `plumbline log USECASE` shows which days there are"
    )


def _served(root: Path, usecase: str, reader: LogReader, one: AnyRow) -> ServedEvent:
    assert isinstance(one.row, LoggedEvent)
    about = reader.of_key(one.row.key)
    shadows = [row for row in about if isinstance(row, LoggedEvent) and row.mode == "shadow"]
    outcomes = [row for row in about if isinstance(row, LoggedOutcome)]
    log = place(root, usecase).relative_to(root).as_posix()
    return ServedEvent(usecase, log, one.row, one.description, shadows, outcomes)


def _of_key(reader: LogReader, key: str | None) -> Iterator[AnyRow]:
    """The rows of a key as a person writes it: contracts have whole numbers or texts as keys."""
    keys: list[Key] = [] if key is None else [key]
    if key is not None and key.removeprefix("-").isdecimal():
        keys.append(int(key))
    fitting = [k for k in keys if isinstance(k, str) or -(2**63) <= k < 2**63]
    return (one for k in fitting for one in reader.described_key(k))
